// Frames: marks and a length around each message of a connection (tribes.md 1).
import { FrameTooLargeError, FramingError } from "../errors.ts";

export const START_MARK = Buffer.from("FLT2002", "latin1");
export const END_MARK = Buffer.from("TLF2003", "latin1");
/** Start mark and length. */
export const FRAME_HEAD_BYTES = START_MARK.length + 4;
/** What a frame has besides its body. */
export const FRAME_OVERHEAD_BYTES = FRAME_HEAD_BYTES + END_MARK.length;
const SMALL_CHUNK_BYTES = 4096;

/** A body as a frame of its own: for acknowledgements. Messages are framed by `encodeChannelData`. */
export function encodeFrame(body: Buffer): Buffer {
  const length = Buffer.allocUnsafe(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([START_MARK, length, body, END_MARK]);
}

/**
 * Takes the frames out of the chunks of one connection. Memory follows what was received, never what a frame announces.
 * After a FramingError the rest of the connection has no meaning: close it.
 */
export class FrameDecoder {
  readonly #maxFrameBytes: number;
  readonly #chunks: Buffer[] = [];
  /** Bytes of the first chunk that are taken already. */
  #offset = 0;
  #bufferedBytes = 0;
  /** Length of the frame at the front; 0 until its head is complete. */
  #frameBytes = 0;
  /** How much of the head has been compared. */
  #checkedBytes = 0;

  /** `maxFrameBytes` limits a whole frame, marks included. */
  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Bytes received and not yet taken by `next`. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** Keeps the chunk itself, not a copy. Small chunks are joined, so that bytes one by one cost no more than bytes at once. */
  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#bufferedBytes += chunk.length;
    const last = this.#chunks.at(-1);
    if (last === undefined || last.length + chunk.length > SMALL_CHUNK_BYTES) {
      this.#chunks.push(chunk);
      return;
    }
    const unread = this.#chunks.length === 1 ? last.subarray(this.#offset) : last;
    if (this.#chunks.length === 1) this.#offset = 0;
    this.#chunks[this.#chunks.length - 1] = Buffer.concat([unread, chunk]);
  }

  /**
   * The body of the next complete frame, or undefined when more bytes are needed. It is a view of a chunk, or a copy where the frame
   * lies in several: copy what is kept. Throws FramingError, as early as the bytes show it.
   */
  next(): Buffer | undefined {
    if (this.#frameBytes === 0) this.#readHead();
    if (this.#frameBytes === 0 || this.#bufferedBytes < this.#frameBytes) return undefined;
    const frame = this.#take(this.#frameBytes);
    this.#frameBytes = 0;
    this.#checkedBytes = 0;
    const bodyEnd = frame.length - END_MARK.length;
    if (frame.compare(END_MARK, 0, END_MARK.length, bodyEnd) !== 0) {
      throw new FramingError("A frame does not end with its mark where its length says");
    }
    return frame.subarray(FRAME_HEAD_BYTES, bodyEnd);
  }

  #readHead(): void {
    const available = Math.min(this.#bufferedBytes, FRAME_HEAD_BYTES);
    if (available === this.#checkedBytes) return;
    const head = this.#peek(available);
    for (let index = this.#checkedBytes; index < available && index < START_MARK.length; index++) {
      if (head[index] !== START_MARK[index]) throw new FramingError("A frame does not begin with its mark");
    }
    this.#checkedBytes = available;
    if (available < FRAME_HEAD_BYTES) return;
    const bodyBytes = head.readInt32BE(START_MARK.length);
    if (bodyBytes < 0) throw new FramingError(`A frame announces ${bodyBytes} bytes`);
    const frameBytes = bodyBytes + FRAME_OVERHEAD_BYTES;
    if (frameBytes > this.#maxFrameBytes) throw new FrameTooLargeError(frameBytes, this.#maxFrameBytes);
    this.#frameBytes = frameBytes;
  }

  /** The first bytes without taking them; a view where they lie in one chunk. */
  #peek(length: number): Buffer {
    const first = this.#chunks[0]!;
    if (first.length - this.#offset >= length) return first.subarray(this.#offset, this.#offset + length);
    return this.#gather(length);
  }

  #take(length: number): Buffer {
    const first = this.#chunks[0]!;
    this.#bufferedBytes -= length;
    const end = this.#offset + length;
    if (end <= first.length) {
      const view = first.subarray(this.#offset, end);
      if (end === first.length) this.#dropChunks(1, 0);
      else this.#offset = end;
      return view;
    }
    const gathered = this.#gather(length);
    let index = 0;
    let left = end;
    while (left >= this.#chunks[index]!.length) {
      left -= this.#chunks[index]!.length;
      index++;
      if (index === this.#chunks.length) break;
    }
    this.#dropChunks(index, left);
    return gathered;
  }

  #gather(length: number): Buffer {
    const gathered = Buffer.allocUnsafe(length);
    let filled = 0;
    let start = this.#offset;
    for (const chunk of this.#chunks) {
      filled += chunk.copy(gathered, filled, start, Math.min(chunk.length, start + length - filled));
      start = 0;
      if (filled === length) break;
    }
    return gathered;
  }

  #dropChunks(count: number, offset: number): void {
    this.#chunks.splice(0, count);
    this.#offset = offset;
  }
}
