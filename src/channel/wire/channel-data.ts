// ChannelData: what a frame carries, unless it is an acknowledgement (tribes.md 2).
import { ByteReader, ByteWriter, TomcatClusterError } from "../../base/index.ts";
import type { ChannelMessage, Member } from "../channel.ts";
import { MalformedMessageError } from "../errors.ts";
import { END_MARK, FRAME_HEAD_BYTES, FRAME_OVERHEAD_BYTES, START_MARK } from "./frame.ts";
import { decodeMember, encodeMember } from "./member-block.ts";

/** options, time stamp, and the lengths of unique id, member block and message. */
const FIXED_BYTES = 4 + 8 + 4 + 4 + 4;
const MAX_UNIQUE_ID_BYTES = 64;

/** Length of what `encodeChannelData` makes of a message. */
export function frameBytesOf(message: ChannelMessage): number {
  return FIXED_BYTES + message.uniqueId.length + encodeMember(message.address).length + message.body.length + FRAME_OVERHEAD_BYTES;
}

/** A frame on its way to sockets: whole, or in the parts that are written one after the other. The same serves every destination. */
export interface OutgoingFrame {
  readonly length: number;
  readonly parts: readonly Buffer[];
}

/** Larger bodies are not copied: that costs more than the list of parts. */
const COPIED_BODY_BYTES = 32 * 1024;

export function frameOf(message: ChannelMessage): OutgoingFrame {
  const { body } = message;
  if (body.length > COPIED_BODY_BYTES) {
    const head = encodeHead(message, 0).view();
    return { length: head.length + body.length + END_MARK.length, parts: [head, body, END_MARK] };
  }
  const whole = encodeChannelData(message);
  return { length: whole.length, parts: [whole] };
}

/** The whole frame of a message: one allocation, one copy of the body. */
export function encodeChannelData(message: ChannelMessage): Buffer {
  const { body } = message;
  return encodeHead(message, body.length + END_MARK.length)
    .bytes(body)
    .bytes(END_MARK)
    .view();
}

/** What stands before the body, with room for so many bytes behind it. */
function encodeHead(message: ChannelMessage, room: number): ByteWriter {
  const block = encodeMember(message.address);
  const headBytes = FIXED_BYTES + message.uniqueId.length + block.length;
  const dataBytes = headBytes + message.body.length;
  return new ByteWriter(FRAME_HEAD_BYTES + headBytes + room)
    .bytes(START_MARK)
    .i32(dataBytes)
    .i32(message.options)
    .safeI64(message.timestamp)
    .i32(message.uniqueId.length)
    .bytes(message.uniqueId)
    .i32(block.length)
    .bytes(block)
    .i32(message.body.length);
}

/** Reads what the frames of one connection hold. The sender is decoded once and then recognised by its bytes. */
export class ChannelDataDecoder {
  #block: Buffer | undefined;
  #member: Member | undefined;

  /**
   * `body` of the message is a view of `frameBody`; unique id and sender are copies. Throws MalformedMessageError for anything that
   * is not exactly one ChannelData with a member block.
   */
  decode(frameBody: Buffer): ChannelMessage {
    try {
      return this.#read(new ByteReader(frameBody));
    } catch (error) {
      if (error instanceof MalformedMessageError || !(error instanceof TomcatClusterError)) throw error;
      throw new MalformedMessageError(`Malformed ChannelData: ${error.message}`, { cause: error });
    }
  }

  #read(reader: ByteReader): ChannelMessage {
    const options = reader.i32();
    const timestamp = reader.i64Number();
    const uniqueIdBytes = reader.i32();
    if (uniqueIdBytes > MAX_UNIQUE_ID_BYTES) throw new MalformedMessageError(`A message has a unique id of ${uniqueIdBytes} bytes`);
    const uniqueId = Buffer.from(reader.bytes(uniqueIdBytes));
    const address = this.#memberOf(reader.bytes(reader.i32()));
    const body = reader.bytes(reader.i32());
    if (reader.remaining !== 0) throw new MalformedMessageError(`${reader.remaining} bytes follow a ChannelData inside its frame`);
    return { options, timestamp, uniqueId, address, body };
  }

  #memberOf(block: Buffer): Member {
    if (this.#member && this.#block?.equals(block)) return this.#member;
    this.#member = decodeMember(block);
    this.#block = Buffer.from(block);
    return this.#member;
  }
}
