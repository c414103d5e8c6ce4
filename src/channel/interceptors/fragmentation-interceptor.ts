// Sends large messages in pieces (Tomcat: FragmentationInterceptor; tribes.md 12.6).
import type { Clock, Logger } from "../../base/index.ts";
import type { ChannelMessage, Member } from "../channel.ts";
import type { ChannelMetrics } from "../channel-metrics.ts";
import { MalformedMessageError } from "../errors.ts";
import { ChannelInterceptor } from "../interceptor.ts";
import { MessageTooLargeError, PieceRefusedError } from "../stack-errors.ts";
import { handles } from "../wire/options.ts";
import { jointSend } from "./joint-send.ts";
import { isProbe } from "./probe-messages.ts";

export interface FragmentationInterceptorDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<ChannelMetrics, "refused">;
}

export interface FragmentationInterceptorOptions {
  /** Only messages that have these bits are sent in pieces; default 0: each. Every message has a trailer all the same. */
  readonly optionFlag: number;
  /** Bytes of a body that is still sent whole, and of each piece; default 102 400. */
  readonly maxSize: number;
  /** How long pieces wait for the rest of their message, from the first one on; noticed at a heartbeat; default 60 000. */
  readonly expireMs: number;
  /** Bytes that all pieces that wait may take. */
  readonly maxFrameBytes: number;
}

interface Incomplete {
  readonly sender: Member;
  readonly count: number;
  sinceMs: number;
  /** Undefined: given up. The pieces that are still on their way are refused, so that their sender knows. */
  pieces: Map<number, Buffer> | undefined;
  bytes: number;
}

const WHOLE = Buffer.from([0]);
/** Index, count, and a byte that is not 0. */
const TRAILER_BYTES = 4 + 4 + 1;
/** What a piece takes besides its bytes: senders choose how small they are. */
const PIECE_OVERHEAD_BYTES = 128;
/** As many as the outcomes that are remembered (rule 12). */
const MAX_INCOMPLETE = 8192;

/**
 * Every member has it at the same place, above TcpFailureDetector, whose probes have no trailer. Each piece is acknowledged on its
 * own: the answer to the last one is what became of the message, and once pieces were given up the rest are refused (rule 12). All
 * pieces go down within the call, on the lane of their message, so that no later message of its key overtakes them (rule 10).
 */
export class FragmentationInterceptor extends ChannelInterceptor {
  readonly #deps: FragmentationInterceptorDeps;
  readonly #options: FragmentationInterceptorOptions;
  /** By sender and unique id. */
  readonly #incomplete = new Map<string, Incomplete>();
  #bytes = 0;

  constructor(deps: FragmentationInterceptorDeps, options: FragmentationInterceptorOptions) {
    super();
    this.#deps = deps;
    this.#options = options;
  }

  /** Bytes that wait for the rest of their messages. */
  get waitingBytes(): number {
    return this.#bytes;
  }

  override async stop(): Promise<void> {
    this.#incomplete.clear();
    this.#bytes = 0;
  }

  override sendMessage(destinations: readonly Member[], message: ChannelMessage): Promise<void> {
    const { optionFlag, maxSize } = this.#options;
    const { body } = message;
    if (body.length <= maxSize || !handles(optionFlag, message.options)) {
      return this.below.sendMessage(destinations, { ...message, body: Buffer.concat([body, WHOLE]) });
    }
    const count = Math.ceil(body.length / maxSize);
    const sends: Promise<void>[] = [];
    for (let index = 0; index < count; index++) {
      const piece = body.subarray(index * maxSize, (index + 1) * maxSize);
      sends.push(this.below.sendMessage(destinations, { ...message, body: Buffer.concat([piece, trailer(index, count)]) }));
    }
    return jointSend(sends);
  }

  override messageReceived(message: ChannelMessage): void | Promise<void> {
    // They get here where no failure detector below has taken them off.
    if (isProbe(message)) return this.above.messageReceived(message);
    const { body } = message;
    if (body.length === 0) this.#refuse(new MalformedMessageError(`A message has no trailer: its sender has no FragmentationInterceptor`));
    if (body[body.length - 1] === 0) return this.above.messageReceived({ ...message, body: body.subarray(0, -WHOLE.length) });
    const whole = this.#add(message);
    return whole === undefined ? undefined : this.above.messageReceived({ ...message, body: whole });
  }

  override memberDisappeared(member: Member): void {
    for (const incomplete of this.#incomplete.values()) if (incomplete.sender.name === member.name) this.#giveUp(incomplete);
    super.memberDisappeared(member);
  }

  override heartbeat(): void {
    super.heartbeat();
    const nowMs = this.#deps.clock.monotonic();
    for (const [key, incomplete] of this.#incomplete) {
      if (nowMs - incomplete.sinceMs <= this.#options.expireMs) continue;
      if (incomplete.pieces === undefined) {
        this.#incomplete.delete(key);
        continue;
      }
      const { sender, count, pieces } = incomplete;
      this.#deps.logger.warn({ sender: sender.name, arrived: pieces.size, count }, "The rest of a message did not come: gave it up");
      this.#giveUp(incomplete);
    }
  }

  /** The whole body, when this was the last piece of it. */
  #add(message: ChannelMessage): Buffer | undefined {
    const { index, count, piece } = this.#read(message.body);
    const key = `${message.address.name} ${message.uniqueId.toString("latin1")}`;
    const incomplete = this.#incomplete.get(key) ?? this.#begin(key, message.address, count);
    const { pieces } = incomplete;
    if (pieces === undefined) this.#refuse(new PieceRefusedError("other pieces of its message were given up already"));
    if (incomplete.count !== count) {
      this.#giveUp(incomplete);
      this.#refuse(new MalformedMessageError(`A message of ${incomplete.count} pieces has one of ${count}`));
    }
    if (pieces.has(index)) return undefined;
    const bytes = piece.length + PIECE_OVERHEAD_BYTES;
    const { maxFrameBytes } = this.#options;
    if (this.#bytes + bytes > maxFrameBytes) {
      this.#giveUp(incomplete);
      this.#refuse(new MessageTooLargeError("Pieces that wait for the rest of their messages would hold", maxFrameBytes));
    }
    // The body is a view of a socket's buffer.
    pieces.set(index, Buffer.from(piece));
    incomplete.bytes += bytes;
    this.#bytes += bytes;
    if (pieces.size < count) return undefined;
    this.#incomplete.delete(key);
    this.#bytes -= incomplete.bytes;
    return Buffer.concat(Array.from({ length: count }, (_, position) => pieces.get(position)!));
  }

  #read(body: Buffer): { readonly index: number; readonly count: number; readonly piece: Buffer } {
    const end = body.length - TRAILER_BYTES;
    const index = end > 0 ? body.readInt32BE(end) : -1;
    const count = end > 0 ? body.readInt32BE(end + 4) : 0;
    if (index < 0 || index >= count) {
      this.#refuse(
        new MalformedMessageError(`A piece of a message is malformed: the sender needs a FragmentationInterceptor at the same place`),
      );
    }
    return { index, count, piece: body.subarray(0, end) };
  }

  #begin(key: string, sender: Member, count: number): Incomplete {
    if (this.#incomplete.size >= MAX_INCOMPLETE) {
      this.#refuse(new PieceRefusedError(`${MAX_INCOMPLETE} messages wait for the rest of their pieces already`));
    }
    const incomplete = { sender, count, sinceMs: this.#deps.clock.monotonic(), pieces: new Map<number, Buffer>(), bytes: 0 };
    this.#incomplete.set(key, incomplete);
    return incomplete;
  }

  /** Remembered for another `expireMs`. */
  #giveUp(incomplete: Incomplete): void {
    this.#bytes -= incomplete.bytes;
    incomplete.bytes = 0;
    incomplete.pieces = undefined;
    incomplete.sinceMs = this.#deps.clock.monotonic();
  }

  #refuse(error: Error): never {
    this.#deps.metrics.refused.inc({ reason: "fragmentation" });
    throw error;
  }
}

function trailer(index: number, count: number): Buffer {
  const bytes = Buffer.allocUnsafe(TRAILER_BYTES);
  bytes.writeInt32BE(index);
  bytes.writeInt32BE(count, 4);
  bytes[8] = 1;
  return bytes;
}
