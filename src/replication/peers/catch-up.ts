// Brings one peer up to date with the sessions that it missed (rule 11).
import { type Clock, delay, type Logger } from "../../base/index.ts";
import { type Channel, ChannelError, RemoteProcessError } from "../../channel/index.ts";
import { stemOf } from "../../protocol/index.ts";
import { UnheardError } from "../errors.ts";
import { allSessionData, changeSessionId, sessionExpired } from "../message-bodies.ts";
import type { ReplicationMetrics } from "../replication-metrics.ts";
import { encodeSessionStates } from "../session/session-state.ts";
import { type StateBlock, StateBlocks } from "../state-transfer/state-blocks.ts";
import type { CatchUpSource, Peer } from "./peer.ts";

export interface CatchUpDeps {
  readonly channel: Pick<Channel, "send">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: ReplicationMetrics;
}

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;
/**
 * A Tomcat that was frozen handles what waits in its sockets and what we send it now at the same time, and a change of id that comes after
 * the whole session puts the old content in its place (seen with 10.1.60): so it gets a moment for what waits.
 */
const TOMCAT_SETTLE_MS = 1000;
const NO_SESSIONS = encodeSessionStates([]);
const SYNCHRONOUS = { acknowledge: "Processed", asynchronous: false } as const;

export class CatchUp {
  readonly #deps: CatchUpDeps;
  readonly #peer: Peer;
  readonly #stopping = new AbortController();
  #run: Promise<void> | undefined;
  #retryMs = FIRST_RETRY_MS;
  #pause: AbortController | undefined;
  readonly #attempted: (() => void)[] = [];

  constructor(deps: CatchUpDeps, peer: Peer) {
    this.#deps = deps;
    this.#peer = peer;
  }

  /**
   * Resolves when the peer is up to date or gone, or after the first attempt that failed; attempts then go on, the next one at
   * once when this is called again. Never rejects.
   */
  wake(): Promise<void> {
    if (this.#stopping.signal.aborted) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#attempted.push(resolve);
    this.#pause?.abort();
    this.#run ??= this.#catchUp().finally(() => this.#ended());
    return promise;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#run;
  }

  async #catchUp(): Promise<void> {
    const peer = this.#peer;
    const { signal } = this.#stopping;
    if (peer.lagging && peer.kind === "Tomcat") await delay(this.#deps.clock, TOMCAT_SETTLE_MS, signal).catch(() => undefined);
    for (let missed = peer.firstMissed(); missed !== undefined; missed = peer.firstMissed()) {
      if (!peer.present || signal.aborted) return;
      if (await this.#sendMissed(missed.source, new Map(missed.ids))) {
        this.#retryMs = FIRST_RETRY_MS;
        continue;
      }
      this.#answerWaiting();
      if (!peer.present || signal.aborted) return;
      await this.#waitForNextAttempt();
    }
    if (peer.lagging) this.#deps.logger.info({ member: peer.member.name }, "Member has caught up");
    peer.lagging = false;
  }

  async #waitForNextAttempt(): Promise<void> {
    this.#pause = new AbortController();
    const ended = AbortSignal.any([this.#pause.signal, this.#stopping.signal]);
    await delay(this.#deps.clock, this.#retryMs, ended).catch(() => undefined);
    this.#pause = undefined;
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }

  /** What was missed between the last look and the end of the run starts the next one. */
  #ended(): void {
    this.#run = undefined;
    this.#answerWaiting();
    if (this.#peer.present && this.#peer.firstMissed() !== undefined) void this.wake();
  }

  #answerWaiting(): void {
    for (const resolve of this.#attempted.splice(0)) resolve();
  }

  /**
   * False when the peer failed. Sessions that requests wait for go first, and alone: of such the peer tells whether it has given up its own
   * copy for them (rule 8).
   */
  async #sendMissed(source: CatchUpSource, ids: ReadonlyMap<string, string>): Promise<boolean> {
    const awaited: string[] = [];
    const others: string[] = [];
    for (const stem of ids.keys()) (this.#peer.takeAwaited(stem) ? awaited : others).push(stem);
    return (await this.#sendOneByOne(source, awaited, ids)) && (await this.#sendInBlocks(source, others, ids));
  }

  async #sendInBlocks(source: CatchUpSource, stems: readonly string[], ids: ReadonlyMap<string, string>): Promise<boolean> {
    const blocks = new StateBlocks(this.#deps, source, stems);
    for (let block = blocks.next(); block !== undefined; block = blocks.next()) {
      if (!(await this.#sendBlock(source, block, ids))) return false;
      if (this.#stopping.signal.aborted || !this.#peer.present) return true;
    }
    return true;
  }

  async #sendBlock(source: CatchUpSource, block: StateBlock, ids: ReadonlyMap<string, string>): Promise<boolean> {
    const peer = this.#peer;
    peer.takeOff(source, block.stems);
    try {
      // The peer may have made more of a session than its new name: it is renamed there before its state comes, and never ended.
      for (const stem of block.gone) await this.#rename(source, ids.get(stem) ?? stem);
      if (block.sessions > 0) {
        const body = allSessionData(source.contextName, block.data, this.#deps.clock.now());
        await (block.stems.length === 1 ? this.#sendFirmly(source, body) : this.#send(body));
      }
      for (const stem of block.gone) {
        if (source.renamedTo(stem) !== undefined) continue;
        await this.#send(sessionExpired(source.contextName, ids.get(stem) ?? stem, this.#deps.clock.now()));
      }
    } catch (error) {
      // A peer that refuses a block refuses one session of it.
      const refused = isRefusal(error);
      if (refused && block.stems.length === 1) {
        this.#deps.logger.debug(
          { member: peer.member.name, manager: source.contextName },
          "Member refuses a session; it keeps what it has",
        );
        peer.land(true, ids);
        for (const stem of block.stems) source.overruled(stem);
        return true;
      }
      peer.land(false, ids);
      if (refused) return this.#sendOneByOne(source, block.stems, ids);
      peer.lagging = true;
      this.#deps.logger.debug(
        { err: error, member: peer.member.name, manager: source.contextName },
        "Member did not catch up; trying again",
      );
      return false;
    }
    peer.land(true, ids);
    // What has changed while it was on its way is missed anew.
    source.delivered(block.stems.filter((stem) => !peer.isBehind(source, stem)));
    this.#deps.metrics.caughtUp.inc(block.sessions);
    return true;
  }

  /** A peer that refuses it knows neither name. */
  async #rename(source: CatchUpSource, oldId: string): Promise<void> {
    const name = source.renamedTo(stemOf(oldId));
    if (name === undefined) return;
    const body = changeSessionId(source.contextName, oldId, name.id, this.#deps.clock.now(), name.nameNumber);
    await this.#sendFirmly(source, body).catch((error: unknown) => {
      if (!isRefusal(error)) throw error;
    });
  }

  async #sendOneByOne(source: CatchUpSource, stems: readonly string[], ids: ReadonlyMap<string, string>): Promise<boolean> {
    for (const stem of stems) if (!(await this.#sendInBlocks(source, [stem], ids))) return false;
    return true;
  }

  /**
   * Rejects with a refusal where it is the peer's manager that refuses. Layers below it refuse, too: without our key, with a clock too far off,
   * after too long a wait. Then the peer takes no message that changes nothing either, which is a failure; or it takes this one the second time.
   */
  async #sendFirmly({ contextName }: CatchUpSource, body: Buffer): Promise<void> {
    try {
      await this.#send(body);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await this.#send(allSessionData(contextName, NO_SESSIONS, this.#deps.clock.now())).catch((cause: Error) => {
        throw new UnheardError(this.#peer.member.name, cause);
      });
      await this.#send(body);
    }
  }

  #send(body: Buffer): Promise<unknown> {
    return this.#deps.channel.send([this.#peer.member], { kind: "Object", body }, SYNCHRONOUS);
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof ChannelError && error.faultyMembers.every(({ cause }) => cause instanceof RemoteProcessError);
}
