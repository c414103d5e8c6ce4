// Messages that are taken when all members have them (Tomcat: TwoPhaseCommitInterceptor; tribes.md 12.8).
import type { Clock, Logger, Random } from "../../base/index.ts";
import type { ChannelMessage, Member } from "../channel.ts";
import type { ChannelMetrics } from "../channel-metrics.ts";
import { ChannelError } from "../errors.ts";
import { ChannelInterceptor } from "../interceptor.ts";
import { MessageTooLargeError, UnknownConfirmationError } from "../stack-errors.ts";
import { randomUuid } from "../uuid.ts";
import { handles } from "../wire/options.ts";
import { jointSend } from "./joint-send.ts";
import { isProbe } from "./probe-messages.ts";

export interface TwoPhaseCommitInterceptorDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<ChannelMetrics, "refused">;
  /** Makes the unique ids of confirmations. */
  readonly random: Random;
}

export interface TwoPhaseCommitInterceptorOptions {
  /** Only messages that have these bits are confirmed; default 0: each. The same on every member. */
  readonly optionFlag: number;
  /** How long a message waits for its confirmation; noticed at a heartbeat; default 60 000. */
  readonly expireMs: number;
  /** Bytes that all messages that wait may take. */
  readonly maxFrameBytes: number;
}

interface Unconfirmed {
  readonly message: ChannelMessage;
  readonly sinceMs: number;
}

const START = Buffer.from("7101c602dec44bb29bf420e3206fd804", "hex");
const END = Buffer.from("36f35a6e2fe14be8afe32434c64d9238", "hex");
const ID_BYTES = 16;
const CONFIRMATION_BYTES = START.length + ID_BYTES + END.length;
/** What a message that waits takes besides its body. */
const OVERHEAD_BYTES = 512;

/**
 * Sends a message, then to the same members its confirmation, on which they hand it up. A Tomcat confirms to nobody when one member
 * has failed; here those who have the message are told, since `send` promises that whoever is not listed as faulty has it (rule 8).
 *
 * Above MessageDispatchInterceptor: the caller of an asynchronous message goes on when the confirmation is written, too (rule 9).
 * Confirmations of one order key leave in the order of their messages (rule 10), also when an earlier one waits for a slow member.
 */
export class TwoPhaseCommitInterceptor extends ChannelInterceptor {
  readonly #deps: TwoPhaseCommitInterceptorDeps;
  readonly #options: TwoPhaseCommitInterceptorOptions;
  /** By order key: settles when the last confirmation of the key has gone down. */
  readonly #turns = new Map<string, Promise<void>>();
  /** By sender and unique id. */
  readonly #unconfirmed = new Map<string, Unconfirmed>();
  #bytes = 0;

  constructor(deps: TwoPhaseCommitInterceptorDeps, options: TwoPhaseCommitInterceptorOptions) {
    super();
    this.#deps = deps;
    this.#options = options;
  }

  /** Bytes that wait for their confirmations. */
  get waitingBytes(): number {
    return this.#bytes;
  }

  /** Resolves when every confirmation has gone down. */
  override async stop(): Promise<void> {
    await Promise.all(this.#turns.values());
    for (const key of this.#unconfirmed.keys()) this.#take(key);
  }

  override sendMessage(destinations: readonly Member[], message: ChannelMessage): Promise<void> {
    if (!handles(this.#options.optionFlag, message.options)) return this.below.sendMessage(destinations, message);
    return this.#send(destinations, message);
  }

  override messageReceived(message: ChannelMessage): void | Promise<void> {
    // Probes get here where no failure detector below has taken them off.
    if (isProbe(message) || !handles(this.#options.optionFlag, message.options)) return this.above.messageReceived(message);
    const { body, address } = message;
    if (!isConfirmation(body)) {
      this.#keep(keyOf(address, message.uniqueId), message);
      return undefined;
    }
    const confirmed = this.#take(keyOf(address, body.subarray(START.length, START.length + ID_BYTES)));
    if (confirmed === undefined) this.#refuse(new UnknownConfirmationError(address.name));
    return this.above.messageReceived(confirmed.message);
  }

  override heartbeat(): void {
    super.heartbeat();
    const nowMs = this.#deps.clock.monotonic();
    for (const [key, { message, sinceMs }] of this.#unconfirmed) {
      if (nowMs - sinceMs <= this.#options.expireMs) continue;
      this.#take(key);
      this.#deps.logger.info({ sender: message.address.name }, "A message was not confirmed in time: dropped it");
    }
  }

  async #send(destinations: readonly Member[], message: ChannelMessage): Promise<void> {
    const key = message.orderKey ?? "";
    const before = this.#turns.get(key);
    const { promise: turn, resolve: next } = Promise.withResolvers<void>();
    this.#turns.set(key, turn);
    const taken = this.below.sendMessage(destinations, message);
    const takers = await takersOf(taken, destinations);
    await before;
    const sends = [taken];
    if (takers.length > 0) sends.push(this.below.sendMessage(takers, this.#confirmationOf(message)));
    if (this.#turns.get(key) === turn) this.#turns.delete(key);
    next();
    await jointSend(sends);
  }

  #confirmationOf(message: ChannelMessage): ChannelMessage {
    return { ...message, uniqueId: randomUuid(this.#deps.random), body: Buffer.concat([START, message.uniqueId, END]) };
  }

  #keep(key: string, message: ChannelMessage): void {
    const { maxFrameBytes } = this.#options;
    if (this.#bytes + bytesOf(message) > maxFrameBytes) {
      this.#refuse(new MessageTooLargeError("Messages that wait for their confirmations would hold", maxFrameBytes));
    }
    this.#take(key);
    // The body is a view of a socket's buffer.
    const kept = { ...message, body: Buffer.from(message.body) };
    this.#unconfirmed.set(key, { message: kept, sinceMs: this.#deps.clock.monotonic() });
    this.#bytes += bytesOf(kept);
  }

  #take(key: string): Unconfirmed | undefined {
    const unconfirmed = this.#unconfirmed.get(key);
    if (unconfirmed === undefined) return undefined;
    this.#unconfirmed.delete(key);
    this.#bytes -= bytesOf(unconfirmed.message);
    return unconfirmed;
  }

  #refuse(error: Error): never {
    this.#deps.metrics.refused.inc({ reason: "confirmation" });
    throw error;
  }
}

/** Who has the message, when all have answered or failed. */
async function takersOf(taken: Promise<void>, destinations: readonly Member[]): Promise<readonly Member[]> {
  try {
    await taken;
    return destinations;
  } catch (error) {
    if (!(error instanceof ChannelError)) return [];
    const faulty = new Set(error.faultyMembers.map(({ member }) => member.key));
    return destinations.filter(({ key }) => !faulty.has(key));
  }
}

function isConfirmation(body: Buffer): boolean {
  return (
    body.length === CONFIRMATION_BYTES && body.subarray(0, START.length).equals(START) && body.subarray(START.length + ID_BYTES).equals(END)
  );
}

function keyOf(sender: Member, uniqueId: Buffer): string {
  return `${sender.name} ${uniqueId.toString("latin1")}`;
}

function bytesOf({ body }: ChannelMessage): number {
  return body.length + OVERHEAD_BYTES;
}
