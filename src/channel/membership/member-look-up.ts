// Looks the members' name up, one look-up at a time: regularly, and at once when somebody unknown speaks.
import { type AddressFamily, asError, type Clock, type Logger, type LookUp, type NameResolver, type Timer } from "../../base/index.ts";
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
  #stopped = false;
  #timer: Timer | undefined;
  #running = false;
  /** For those who wait for the next look-up that begins. */
  #next: PromiseWithResolvers<void> | undefined;
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
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#next?.resolve();
  }

  /** Resolves when a look-up has ended that began after this call. Look-ups never overlap: callers share the next one. */
  fresh(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    const gapMs = this.#endedMs + FRESH_GAP_MS - this.#deps.clock.monotonic();
    if (!this.#running && gapMs <= 0) return this.#run();
    if (this.#next === undefined) {
      this.#next = Promise.withResolvers();
      if (!this.#running) this.#runIn(gapMs);
    }
    return this.#next.promise;
  }

  #runIn(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#deps.clock.setTimeout(() => void this.#run(), delayMs);
  }

  #run(): Promise<void> {
    const waiting = this.#next;
    this.#next = undefined;
    this.#running = true;
    this.#timer?.cancel();
    return this.#lookUp().finally(() => {
      this.#running = false;
      this.#endedMs = this.#deps.clock.monotonic();
      waiting?.resolve();
      if (!this.#stopped) this.#runIn(this.#next ? Math.min(FRESH_GAP_MS, this.#options.refreshMs) : this.#options.refreshMs);
    });
  }

  async #lookUp(): Promise<void> {
    const { name, family } = this.#options;
    const answer = await this.#deps.resolver.addresses(name, family).catch(unavailable);
    if (this.#stopped) return;
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
