// Looks the members' name up, one look-up at a time: regularly, and at once when somebody unknown speaks.
import {
  type AddressFamily,
  asError,
  type Clock,
  delay,
  type Logger,
  type LookUp,
  type NameResolver,
  type Timer,
} from "../../base/index.ts";
import type { ChannelMetrics } from "../channel-metrics.ts";

export interface MemberLookUpDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<ChannelMetrics, "lookUps">;
  readonly resolver: NameResolver;
  /** Takes every definitive answer, in order; empty: there is no such name, or it has no address. */
  readonly onAnswer: (addresses: readonly string[]) => void;
}

export interface MemberLookUpOptions {
  readonly name: string;
  /** Only addresses of the receiver's family can be members. */
  readonly family: AddressFamily;
  /** From the end of one look-up to the start of the next. */
  readonly refreshMs: number;
}

/** Strangers cannot make us ask more often than this. */
const FRESH_GAP_MS = 100;

export class MemberLookUp {
  readonly #deps: MemberLookUpDeps;
  readonly #options: MemberLookUpOptions;
  readonly #stopping = new AbortController();
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  #waiting: Promise<void> | undefined;
  #endedMs = Number.NEGATIVE_INFINITY;
  #unavailable = false;

  constructor(deps: MemberLookUpDeps, options: MemberLookUpOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** Resolves when the first look-up has ended, with or without an answer. Never rejects. */
  start(): Promise<void> {
    return this.#run();
  }

  /** An answer that is under way is ignored. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#timer?.cancel();
    await this.#waiting;
  }

  /** Resolves when a look-up has ended that began after this call. Look-ups never overlap: callers share the next one. */
  fresh(): Promise<void> {
    if (this.#stopping.signal.aborted) return Promise.resolve();
    if (this.#running === undefined && this.#gapMs() <= 0) return this.#run();
    this.#waiting ??= this.#runSoon();
    return this.#waiting;
  }

  async #runSoon(): Promise<void> {
    while (this.#running !== undefined || this.#gapMs() > 0) {
      if (this.#running !== undefined) await this.#running;
      else await delay(this.#deps.clock, this.#gapMs(), this.#stopping.signal).catch(() => undefined);
      if (this.#stopping.signal.aborted) return;
    }
    this.#waiting = undefined;
    await this.#run();
  }

  #gapMs(): number {
    return this.#endedMs + FRESH_GAP_MS - this.#deps.clock.monotonic();
  }

  #run(): Promise<void> {
    this.#timer?.cancel();
    this.#running = this.#lookUp().finally(() => {
      this.#running = undefined;
      this.#endedMs = this.#deps.clock.monotonic();
      if (!this.#stopping.signal.aborted) this.#timer = this.#deps.clock.setTimeout(() => void this.#run(), this.#options.refreshMs);
    });
    return this.#running;
  }

  async #lookUp(): Promise<void> {
    const { name, family } = this.#options;
    const answer = await this.#deps.resolver.addresses(name, family).catch(unavailable);
    if (this.#stopping.signal.aborted) return;
    this.#deps.metrics.lookUps.inc({ result: answer.kind });
    if (answer.kind === "unavailable") {
      if (!this.#unavailable) this.#deps.logger.warn({ dnsName: name, reason: answer.reason }, "Member look-up failed; the view stays");
      this.#unavailable = true;
      return;
    }
    if (this.#unavailable) this.#deps.logger.info({ dnsName: name }, "Member look-up works again");
    this.#unavailable = false;
    this.#deps.onAnswer(answer.kind === "found" ? answer.records : []);
  }
}

/** A resolver does not reject; one that does all the same has told nothing about anybody. */
function unavailable(error: unknown): LookUp<string> {
  return { kind: "unavailable", reason: asError(error).message };
}
