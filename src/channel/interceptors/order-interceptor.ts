// Hands messages up in the order of their sending (Tomcat: OrderInterceptor; tribes.md 12.7).
import { asError, type Clock, type Logger, type Timer } from "../../base/index.ts";
import type { ChannelMessage, Member } from "../channel.ts";
import type { ChannelMetrics } from "../channel-metrics.ts";
import { MalformedMessageError, QuietRefusalError } from "../errors.ts";
import { ChannelInterceptor } from "../interceptor.ts";
import { ExpiredMessageError } from "../stack-errors.ts";
import { acknowledgeOf, handles } from "../wire/options.ts";
import { jointSend } from "./joint-send.ts";
import { isProbe } from "./probe-messages.ts";

export interface OrderInterceptorDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<ChannelMetrics, "refused">;
}

export interface OrderInterceptorOptions {
  /** Only messages that have these bits have a number; default 0: each. The same on every member. */
  readonly optionFlag: number;
  /** How long a message waits for those before it. Its sender waits as long, if it wants to know the outcome: longer than this. */
  readonly expireMs: number;
  /** What becomes of a message that has waited that long: true, it is handed up; false, it is refused. */
  readonly forwardExpired: boolean;
  /** Messages of one sender that wait: with that many none does any longer, as when all had expired; default 2 147 483 647. */
  readonly maxQueue: number;
  /** Bytes of bodies that wait, of all senders: the one that adds more does not wait. */
  readonly maxFrameBytes: number;
}

interface Waiting {
  readonly message: ChannelMessage;
  readonly sinceMs: number;
  readonly resolve: (outcome: void | Promise<void>) => void;
  readonly reject: (error: unknown) => void;
}

/** What was said to, and heard of, one member. */
interface Counters {
  sent: number;
  /** Number of the next message that need not wait. */
  next: number;
  /** It has disappeared, and has said nothing since. */
  gone: boolean;
  /** By number, in the order of arrival. */
  readonly waiting: Map<number, Waiting>;
  timer: Timer | undefined;
  usedMs: number;
}

const NUMBER_BYTES = 4;
/** What a waiting message takes besides its body. */
const OVERHEAD_BYTES = 512;
/** Counters of who is no member, such as one that a look-up has yet to find. */
const FORGET_AFTER_MS = 60_000;
const MAX_COUNTERS = 4096;

/**
 * Every member has it, above TcpFailureDetector, whose probes have no number. Messages of one key are in order without it, except from
 * a Tomcat (rule 10); with it so are those of all keys. They are handed up in order, but one that takes its time is not waited for:
 * what the next ones do may be what it waits for.
 *
 * Whoever waits for the outcome of a message is answered when there is one (rule 12), where a Tomcat acknowledges a message that
 * waits. Its expiry ends the wait when it is due; in a Tomcat it takes another message.
 */
export class OrderInterceptor extends ChannelInterceptor {
  readonly #deps: OrderInterceptorDeps;
  readonly #options: OrderInterceptorOptions;
  readonly #counters = new Map<string, Counters>();
  #waitingBytes = 0;
  #stopped = false;

  constructor(deps: OrderInterceptorDeps, options: OrderInterceptorOptions) {
    super();
    this.#deps = deps;
    this.#options = options;
  }

  override async start(): Promise<void> {
    this.#stopped = false;
  }

  /** Hands up what still waits; from now on nothing does. */
  override async stop(): Promise<void> {
    this.#stopped = true;
    for (const counters of this.#counters.values()) this.#pass(counters, [...counters.waiting.keys()], true);
    this.#counters.clear();
  }

  override sendMessage(destinations: readonly Member[], message: ChannelMessage): Promise<void> {
    if (!handles(this.#options.optionFlag, message.options)) return this.below.sendMessage(destinations, message);
    return jointSend(
      destinations.map((member) => {
        const counters = this.#countersOf(member);
        counters.sent = successor(counters.sent);
        const number = Buffer.allocUnsafe(NUMBER_BYTES);
        number.writeInt32BE(counters.sent);
        return this.below.sendMessage([member], { ...message, body: Buffer.concat([message.body, number]) });
      }),
    );
  }

  override messageReceived(message: ChannelMessage): void | Promise<void> {
    // Probes get here where no failure detector below has taken them off.
    if (isProbe(message) || !handles(this.#options.optionFlag, message.options)) return this.above.messageReceived(message);
    const end = message.body.length - NUMBER_BYTES;
    if (end < 0) this.#refuse(new MalformedMessageError("A message has no number: its sender has no OrderInterceptor"));
    const number = message.body.readInt32BE(end);
    const plain = { ...message, body: message.body.subarray(0, end) };
    const counters = this.#countersOf(message.address);
    if (counters.gone && number < counters.next) counters.next = 1;
    counters.gone = false;
    if (number > counters.next && !this.#stopped) return this.#wait(counters, number, plain);
    if (number === counters.next) counters.next = successor(number);
    try {
      return this.above.messageReceived(plain);
    } finally {
      this.#passFollowing(counters);
    }
  }

  /**
   * What waits comes from a member that was one: it is handed up first. Both directions begin with 1 again; a member that does not know
   * that it was gone counts on, and is not waited for.
   */
  override memberDisappeared(member: Member): void {
    const counters = this.#counters.get(member.key);
    if (counters) {
      this.#pass(counters, [...counters.waiting.keys()], true);
      counters.sent = 0;
      counters.gone = true;
    }
    super.memberDisappeared(member);
  }

  override heartbeat(): void {
    super.heartbeat();
    this.#forget(FORGET_AFTER_MS);
  }

  #wait(counters: Counters, number: number, message: ChannelMessage): Promise<void> | undefined {
    if (counters.waiting.has(number))
      this.#refuse(new MalformedMessageError(`Two messages of "${message.address.name}" have number ${number}`));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // The body is a view of a socket's buffer.
    const kept = { ...message, body: Buffer.from(message.body) };
    counters.waiting.set(number, { message: kept, sinceMs: this.#deps.clock.monotonic(), resolve, reject });
    this.#waitingBytes += bytesOf(kept);
    const { maxQueue, maxFrameBytes } = this.#options;
    if (counters.waiting.size >= maxQueue || this.#waitingBytes > maxFrameBytes) this.#passUpTo(counters, Number.POSITIVE_INFINITY);
    else this.#watch(counters);
    if (acknowledgeOf(message.options) === "Processed") return promise;
    // Its connection must go on: what it waits for may come behind it.
    promise.catch((error: unknown) => {
      const level = error instanceof QuietRefusalError ? "debug" : "warn";
      this.#deps.logger[level]({ sender: message.address.name, err: asError(error) }, "A received message could not be processed");
    });
    return undefined;
  }

  #passFollowing(counters: Counters): void {
    while (counters.waiting.has(counters.next)) this.#pass(counters, [counters.next], true);
    this.#watch(counters);
  }

  /** What is missing up to this number does not come any more. */
  #passUpTo(counters: Counters, last: number): void {
    const numbers = [...counters.waiting.keys()].filter((number) => number <= last);
    this.#pass(counters, numbers, this.#options.forwardExpired);
    this.#passFollowing(counters);
  }

  #pass(counters: Counters, numbers: number[], forward: boolean): void {
    for (const number of numbers.sort((left, right) => left - right)) {
      const one = counters.waiting.get(number);
      // Passing another one on may have made the member disappear.
      if (!one) continue;
      const { message, resolve, reject } = one;
      counters.waiting.delete(number);
      counters.next = successor(number);
      this.#waitingBytes -= bytesOf(message);
      try {
        if (!forward) this.#refuse(new ExpiredMessageError(number, message.address.name));
        resolve(this.above.messageReceived(message));
      } catch (error) {
        reject(error);
      }
    }
    if (counters.waiting.size === 0) this.#watch(counters);
  }

  /** A timer while something waits. The first one that waits has waited longest. */
  #watch(counters: Counters): void {
    const [oldest] = counters.waiting.values();
    if (oldest === undefined) {
      counters.timer?.cancel();
      counters.timer = undefined;
      return;
    }
    const { clock } = this.#deps;
    const leftMs = oldest.sinceMs + this.#options.expireMs - clock.monotonic();
    counters.timer ??= clock.setTimeout(() => {
      counters.timer = undefined;
      this.#expire(counters);
    }, leftMs);
  }

  #expire(counters: Counters): void {
    const dueMs = this.#deps.clock.monotonic() - this.#options.expireMs;
    let last = Number.NEGATIVE_INFINITY;
    for (const [number, { sinceMs }] of counters.waiting) if (sinceMs <= dueMs) last = Math.max(last, number);
    this.#passUpTo(counters, last);
  }

  #countersOf(member: Member): Counters {
    const usedMs = this.#deps.clock.monotonic();
    let counters = this.#counters.get(member.key);
    if (counters) {
      counters.usedMs = usedMs;
      return counters;
    }
    if (this.#counters.size >= MAX_COUNTERS) this.#forget(0);
    counters = { sent: 0, next: 1, gone: false, waiting: new Map(), timer: undefined, usedMs };
    this.#counters.set(member.key, counters);
    return counters;
  }

  #forget(idleMs: number): void {
    const oldestMs = this.#deps.clock.monotonic() - idleMs;
    const members = new Set(this.members.map((member) => member.key));
    for (const [key, { usedMs, waiting }] of this.#counters) {
      if (usedMs <= oldestMs && waiting.size === 0 && !members.has(key)) this.#counters.delete(key);
    }
  }

  #refuse(error: Error): never {
    this.#deps.metrics.refused.inc({ reason: "order" });
    throw error;
  }
}

/** As Java's int counts. */
function successor(number: number): number {
  return (number + 1) | 0;
}

function bytesOf({ body }: ChannelMessage): number {
  return body.length + OVERHEAD_BYTES;
}
