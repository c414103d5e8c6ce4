// The sessions of a manager in blocks of a bounded size (rule 6).
import type { Clock, Logger } from "../../base/index.ts";
import { encodeSessionStates, type SessionState } from "../session/session-state.ts";

/** A manager as those see it who send its sessions. */
export interface StateSource {
  /** Manager name, "localhost#/app". */
  readonly contextName: string;
  /** Stems of the sessions that the others are to have. */
  stems(): string[];
  /** The session as it is now, also under its new id when it was renamed; undefined: it is gone. */
  stateOf(stem: string): SessionState | undefined;
}

export interface StateBlock {
  /** Of ALL_SESSION_DATA. */
  readonly data: Buffer;
  /** How many sessions it holds. */
  readonly sessions: number;
  /** What of the asked-for stems this block settles. */
  readonly stems: readonly string[];
  /** Those among them that exist no longer. */
  readonly gone: readonly string[];
}

export interface StateBlocksDeps {
  readonly clock: Pick<Clock, "monotonic">;
  readonly logger: Logger;
}

/** Far below the 1 MiB of rule 6: no request is served while a block is encoded here, or installed there. */
export const MAX_BLOCK_BYTES = 65_536;
/** So long may requests wait for a block: code that has not run for a while takes ten times as long for the first of them. */
const MAX_BLOCK_MS = 0.5;
const FIRST_SESSIONS = 16;
/** Small sessions cost time too. */
const MOST_SESSIONS = 256;
/** Sessions differ in size: blocks that were planned too large are encoded twice. */
const PLANNED_FILL = 0.8;

/** Each block is encoded when it is asked for, from the sessions as they are then. A session larger than a block travels alone. */
export class StateBlocks {
  readonly #deps: StateBlocksDeps;
  readonly #source: StateSource;
  readonly #stems: readonly string[];
  #next = 0;
  #sessionsPerBlock = FIRST_SESSIONS;

  constructor(deps: StateBlocksDeps, source: StateSource, stems: readonly string[]) {
    this.#deps = deps;
    this.#source = source;
    this.#stems = stems;
  }

  /** Undefined when every session has been in a block. */
  next(): StateBlock | undefined {
    while (this.#next < this.#stems.length) {
      const stems = this.#stems.slice(this.#next, this.#next + this.#sessionsPerBlock);
      const startedMs = this.#deps.clock.monotonic();
      const block = this.#encode(stems);
      if (block === undefined) continue;
      this.#next += stems.length;
      this.#plan(block, this.#deps.clock.monotonic() - startedMs);
      return block;
    }
    return undefined;
  }

  /** The next block from what this one needed. */
  #plan({ data, sessions, stems }: StateBlock, elapsedMs: number): void {
    const fitting = sessions === 0 ? MOST_SESSIONS : Math.floor((MAX_BLOCK_BYTES * PLANNED_FILL * sessions) / data.length);
    const inTime = Math.floor((MAX_BLOCK_MS * stems.length) / elapsedMs);
    this.#sessionsPerBlock = Math.max(1, Math.min(fitting, inTime, MOST_SESSIONS));
  }

  /** Undefined: too many sessions at once; fewer will be tried. */
  #encode(stems: readonly string[]): StateBlock | undefined {
    const states: SessionState[] = [];
    const gone: string[] = [];
    for (const stem of stems) {
      const state = this.#source.stateOf(stem);
      if (state === undefined) gone.push(stem);
      else states.push(state);
    }
    const data = this.#tryToEncode(states);
    if (stems.length > 1 && (data === undefined || data.length > MAX_BLOCK_BYTES)) {
      this.#sessionsPerBlock = Math.max(1, stems.length >> 1);
      return undefined;
    }
    if (data === undefined) return { data: encodeSessionStates([]), sessions: 0, stems, gone };
    return { data, sessions: states.length, stems, gone };
  }

  /** Undefined when a session among them cannot be encoded, which keeps only that one out. */
  #tryToEncode(states: readonly SessionState[]): Buffer | undefined {
    try {
      return encodeSessionStates(states, states.length > 1 ? MAX_BLOCK_BYTES : undefined);
    } catch (error) {
      if (states.length === 1)
        this.#deps.logger.error({ err: error, manager: this.#source.contextName }, "Session cannot be sent and is left out");
      return undefined;
    }
  }
}
