// What a manager holds, session by session, for those who compare workers. Nothing of it can be used as a session id.
import { type Clock, delay } from "../../base/index.ts";
import { sessionIdHash } from "../../container/index.ts";
import type { StateSource } from "../state-transfer/state-blocks.ts";
import { contentDigest, digestText, versionDigest } from "./session-digest.ts";
import type { SessionState } from "./session-state.ts";

/** Of all sessions together, whatever their order. */
export interface SessionDigests {
  /** Equal on two workers whose sessions have equal ids and attributes. */
  readonly digest: string;
  /** Equal when the ids and versions are equal; means nothing in a group with a Tomcat, which counts no versions. */
  readonly versionDigest: string;
}

export interface SessionEntry {
  /** Begins with the eight digits that logs show. */
  readonly id: string;
  readonly version: number;
  /** Equal where the attributes are equal. */
  readonly content: string;
}

export interface SessionPage {
  readonly contextName: string;
  /** In the order of their ids. */
  readonly sessions: readonly SessionEntry[];
  /** What to ask the next page `after`; undefined: this is the last one. */
  readonly next: string | undefined;
}

export interface SessionPageOptions {
  /** An id; default: from the first one on. */
  readonly after?: string | undefined;
  readonly limit: number;
}

const ID_DIGITS = 16;
/** Sessions that are encoded, and ids that are hashed, in one turn of the event loop. */
const STATES_A_TURN = 100;
const IDS_A_TURN = 5000;

/** Reads every session, a few a turn, so that requests go on; one reading at a time. */
export class SessionInventory {
  readonly #clock: Clock;
  readonly #source: StateSource;
  #last: Promise<unknown> = Promise.resolve();

  constructor(clock: Clock, source: StateSource) {
    this.#clock = clock;
    this.#source = source;
  }

  digests(): Promise<SessionDigests> {
    return this.#afterOthers(async () => {
      let content = 0n;
      let versions = 0n;
      await this.#forEachState(this.#source.stems(), (state) => {
        content ^= contentDigest(state);
        versions ^= versionDigest(state);
      });
      return { digest: digestText(content), versionDigest: digestText(versions) };
    });
  }

  /** `digests().digest` in one turn of the event loop. */
  digestAtOnce(): string {
    let content = 0n;
    for (const stem of this.#source.stems()) {
      const state = this.#source.stateOf(stem);
      if (state !== undefined) content ^= contentDigest(state);
    }
    return digestText(content);
  }

  page({ after = "", limit }: SessionPageOptions): Promise<SessionPage> {
    return this.#afterOthers(async () => {
      const found = await this.#stemsById(after);
      const ids = [...found.keys()].sort();
      const shown = ids.slice(0, limit);
      const sessions: SessionEntry[] = [];
      const stems = shown.map((id) => found.get(id)!);
      await this.#forEachState(stems, (state) =>
        sessions.push({ id: sessionIdHash(state.id, ID_DIGITS), version: state.version, content: digestText(contentDigest(state)) }),
      );
      const next = ids.length > shown.length ? shown.at(-1) : undefined;
      return { contextName: this.#source.contextName, sessions, next };
    });
  }

  async #stemsById(after: string): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    let hashed = 0;
    for (const stem of this.#source.stems()) {
      const id = sessionIdHash(stem, ID_DIGITS);
      if (id > after) found.set(id, stem);
      if (++hashed % IDS_A_TURN === 0) await delay(this.#clock, 0);
    }
    return found;
  }

  async #forEachState(stems: readonly string[], work: (state: SessionState) => void): Promise<void> {
    let seen = 0;
    for (const stem of stems) {
      const state = this.#source.stateOf(stem);
      if (state !== undefined) work(state);
      if (++seen % STATES_A_TURN === 0) await delay(this.#clock, 0);
    }
  }

  #afterOthers<T>(read: () => Promise<T>): Promise<T> {
    const reading = this.#last.then(read);
    this.#last = reading.catch(() => undefined);
    return reading;
  }
}
