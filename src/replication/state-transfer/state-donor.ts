// Sends all sessions of a manager to a member that starts (rule 6; ha.md 3.3).
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Clock, delay, type Logger, TomcatClusterError } from "../../base/index.ts";
import type { Channel, Member } from "../../channel/index.ts";
import { allSessionData, allSessionTransferComplete, changeSessionId } from "../message-bodies.ts";
import { SESSION_EVENTS } from "../messages.ts";
import type { Replicator } from "../peers/replicator.ts";
import type { ReplicationMetrics } from "../replication-metrics.ts";
import { encodeSessionStates } from "../session/session-state.ts";
import { StateBlocks, type StateSource } from "./state-blocks.ts";

export interface StateDonorDeps {
  readonly channel: Pick<Channel, "send">;
  readonly replicator: Pick<Replicator, "broughtUpToDate" | "hasAsked">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: ReplicationMetrics;
}

export interface DonorSource extends StateSource {
  /** Old ids that clients may still have, with what they became (rule 16). */
  renamedLately(): readonly (readonly [oldId: string, name: { readonly id: string; readonly nameNumber: number }])[];
}

const SYNCHRONOUS = { acknowledge: "Processed", asynchronous: false } as const;
/** While one is installed there others are on their way: with two, a member that starts waited for a third of the time (`npm run bench:state`). */
const MAX_UNACKNOWLEDGED_BLOCKS = 4;
/** Few: a queue that has room for a block may have none for many small messages besides those of requests. */
const NAMES_AT_ONCE = 8;

/** Each step of a transfer is tried again for so long: the member may be busy, and asks another one itself when it has lost patience. */
const PATIENCE_MS = 60_000;
const RETRY_MS = 500;

interface Transfer {
  readonly stopping: AbortController;
  /** Requests wait for the member again. */
  ending: boolean;
}

/**
 * Blocks of at most 64 KiB, each acknowledged after it is installed and made from the sessions as they are then; other work gets
 * its turn between them. The final message goes only behind the last acknowledgement, so that whoever has it has everything.
 *
 * Meanwhile requests do not wait for the member (rule 8): what it is sent beside the state is worth nothing without it. They wait from
 * shortly before the final message on, which goes when the member has what they did not wait for: it is not ready without that.
 */
export class StateDonor {
  readonly #deps: StateDonorDeps;
  readonly #source: DonorSource;
  readonly #transfers = new Map<string, Transfer>();

  constructor(deps: StateDonorDeps, source: DonorSource) {
    this.#deps = deps;
    this.#source = source;
  }

  /** Starts a transfer and returns. A member that asks again gets a new one; the old one ends. */
  serve(member: Member): void {
    this.#transfers.get(member.key)?.stopping.abort();
    const transfer: Transfer = { stopping: new AbortController(), ending: false };
    this.#transfers.set(member.key, transfer);
    this.#deps.replicator.hasAsked(member);
    void this.#run(member, transfer).finally(() => {
      if (this.#transfers.get(member.key) === transfer) this.#transfers.delete(member.key);
    });
  }

  /** Whether the member is far from having everything. */
  serves(member: Member): boolean {
    return this.#transfers.get(member.key)?.ending === false;
  }

  stop(): void {
    for (const { stopping } of this.#transfers.values()) stopping.abort();
  }

  async #run(member: Member, transfer: Transfer): Promise<void> {
    const { clock, logger, replicator } = this.#deps;
    const { signal } = transfer.stopping;
    const startedMs = clock.monotonic();
    // A Tomcat drops what it queued with an older time stamp: nothing that any block may lack is older than the first.
    const snapshotMs = clock.now();
    let sessions = 0;
    const unacknowledged: Promise<void>[] = [];
    try {
      const blocks = new StateBlocks(this.#deps, this.#source, this.#source.stems());
      let data: Buffer | undefined = blocksFirst(blocks, (count) => (sessions += count));
      // Also without sessions there is one block: a Tomcat sends one, and a final message without any means that it got lost.
      for (data ??= encodeSessionStates([]); data !== undefined; data = blocksFirst(blocks, (count) => (sessions += count))) {
        const body = allSessionData(this.#source.contextName, data, clock.now());
        const sent = this.#send(member, SESSION_EVENTS.AllSessionData, body, signal);
        // Looked at below: until then a failure is not one that nobody handles.
        sent.catch(() => undefined);
        unacknowledged.push(sent);
        if (unacknowledged.length === MAX_UNACKNOWLEDGED_BLOCKS) await unacknowledged.shift();
        await nextTurn();
        if (signal.aborted) return;
      }
      await Promise.all(unacknowledged);
      await this.#tellNames(member, signal);
      transfer.ending = true;
      await this.#patiently(member, signal, () => replicator.broughtUpToDate(member));
      const end = allSessionTransferComplete(this.#source.contextName, snapshotMs);
      await this.#send(member, SESSION_EVENTS.AllSessionTransferComplete, end, signal);
    } catch (error) {
      if (signal.aborted) return;
      logger.warn({ err: error, manager: this.#source.contextName, member: member.name, sessions }, "State transfer to a member failed");
      return;
    }
    const durationMs = Math.round(clock.monotonic() - startedMs);
    logger.info({ manager: this.#source.contextName, member: member.name, sessions, durationMs }, "State transferred to a member");
  }

  /** A state does not tell old ids. A member that starts keeps these until it has the state. */
  async #tellNames(member: Member, signal: AbortSignal): Promise<void> {
    const { contextName } = this.#source;
    const renamed = this.#source.renamedLately();
    for (let first = 0; first < renamed.length && !signal.aborted; first += NAMES_AT_ONCE) {
      const sent = renamed.slice(first, first + NAMES_AT_ONCE).map(([oldId, { id, nameNumber }]) => {
        const body = changeSessionId(contextName, oldId, id, this.#deps.clock.now(), nameNumber);
        return this.#send(member, SESSION_EVENTS.ChangeSessionId, body, signal);
      });
      await Promise.all(sent);
    }
  }

  #send(member: Member, event: number, body: Buffer, signal: AbortSignal): Promise<void> {
    const { channel, metrics } = this.#deps;
    return this.#patiently(member, signal, () => {
      metrics.sent(event);
      return channel.send([member], { kind: "Object", body }, SYNCHRONOUS);
    });
  }

  async #patiently(member: Member, signal: AbortSignal, step: () => Promise<unknown>): Promise<void> {
    const { clock, logger } = this.#deps;
    const startedMs = clock.monotonic();
    for (;;) {
      try {
        await step();
        return;
      } catch (error) {
        const isWorthwhile = error instanceof TomcatClusterError && error.retryable && clock.monotonic() - startedMs < PATIENCE_MS;
        if (!isWorthwhile || signal.aborted) throw error;
        const { contextName } = this.#source;
        logger.info({ err: error, manager: contextName, member: member.name }, "State has not reached a member; trying again");
      }
      await delay(clock, RETRY_MS, signal);
    }
  }
}

/** The data of the next block that holds sessions. */
function blocksFirst(blocks: StateBlocks, count: (sessions: number) => void): Buffer | undefined {
  for (let block = blocks.next(); block !== undefined; block = blocks.next()) {
    if (block.sessions === 0) continue;
    count(block.sessions);
    return block.data;
  }
  return undefined;
}
