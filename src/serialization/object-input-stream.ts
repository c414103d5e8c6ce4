// Reads a Java object stream: objects, and primitives between them.
import { ByteReader, UnexpectedEndError } from "../base/index.ts";
import { BlockDataInput } from "./block-data-input.ts";
import { MalformedStreamError, StreamLimitError } from "./errors.ts";
import { GraphReader } from "./graph-reader.ts";
import type { JavaValue } from "./java-value.ts";
import { type StreamLimits, streamLimits } from "./limits.ts";
import { STREAM_HEADER, TC } from "./protocol.ts";
import type { SuidTable } from "./suid-table.ts";

export interface ObjectInputStreamOptions {
  readonly limits?: Partial<StreamLimits>;
  /** Learns the SUIDs of what is read. */
  readonly suids?: SuidTable;
}

/**
 * Everything it returns is a copy: the bytes may be reused afterwards. Nothing is instantiated, every class is inert.
 * After MalformedStreamError or StreamLimitError the stream is spoilt; after WriteAbortedError it can be read on.
 */
export class ObjectInputStream extends BlockDataInput {
  readonly #reader: ByteReader;
  readonly #graph: GraphReader;
  /** Bytes of the current block data record that have not been consumed. */
  #recordRemaining = 0;

  constructor(bytes: Buffer, options: ObjectInputStreamOptions = {}) {
    super();
    const limits = streamLimits(options.limits);
    if (bytes.length > limits.maxBytes) throw new StreamLimitError("maxBytes", limits.maxBytes);
    if (bytes.length < 4 || bytes.readUInt32BE(0) !== STREAM_HEADER) throw new MalformedStreamError("Wanted the header AC ED 00 05", 0);
    this.#reader = new ByteReader(bytes, 4);
    this.#graph = new GraphReader(this.#reader, limits, options.suids);
  }

  override get atEnd(): boolean {
    return this.#recordRemaining === 0 && this.#skipToContent() === undefined;
  }

  override get objectFollows(): boolean {
    return this.#recordRemaining === 0 && this.#skipToContent() === "object";
  }

  override readObject(): JavaValue {
    if (this.#recordRemaining > 0 || this.#skipToContent() === "block") {
      throw new MalformedStreamError("Wanted an object, found primitive data", this.#reader.offset);
    }
    try {
      return this.#graph.readValue(0);
    } catch (error) {
      if (error instanceof UnexpectedEndError)
        throw new MalformedStreamError("The data ends too early", this.#reader.offset, { cause: error });
      throw error;
    }
  }

  protected override take(length: number): number {
    if (length < 0 || length > this.#recordRemaining) return this.#gather(length);
    const offset = this.#reader.offset;
    this.window = this.#reader.buffer;
    this.#reader.offset += length;
    this.#recordRemaining -= length;
    return offset;
  }

  /** Bytes that lie in more than one record, or at the start of the next. */
  #gather(length: number): number {
    const reader = this.#reader;
    if (length < 0 || length > reader.remaining)
      throw new MalformedStreamError(`Wanted ${length} bytes, more than there are,`, reader.offset);
    if (this.#recordRemaining === 0) {
      this.#nextRecord(length);
      if (length <= this.#recordRemaining) return this.take(length);
    }
    const gathered = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      if (this.#recordRemaining === 0) this.#nextRecord(length - filled);
      const part = Math.min(length - filled, this.#recordRemaining);
      reader.buffer.copy(gathered, filled, reader.offset, reader.offset + part);
      reader.offset += part;
      this.#recordRemaining -= part;
      filled += part;
    }
    this.window = gathered;
    return 0;
  }

  #nextRecord(wanted: number): void {
    const content = this.#skipToContent();
    if (content !== "block") {
      throw new MalformedStreamError(`Wanted ${wanted} more bytes of primitive data, found ${content ?? "the end"}`, this.#reader.offset);
    }
  }

  /** Skips resets and empty records; enters the next record of block data. Undefined at the end. */
  #skipToContent(): "object" | "block" | undefined {
    const reader = this.#reader;
    while (reader.remaining > 0) {
      const code = reader.buffer[reader.offset];
      if (code === TC.RESET) {
        reader.offset++;
        this.#graph.reset();
        continue;
      }
      if (code !== TC.BLOCKDATA && code !== TC.BLOCKDATALONG) return "object";
      const headerBytes = code === TC.BLOCKDATA ? 2 : 5;
      if (reader.remaining < headerBytes) throw new MalformedStreamError("The data ends in a block data header", reader.offset);
      reader.offset++;
      const length = code === TC.BLOCKDATA ? reader.u8() : reader.i32();
      if (length < 0 || length > reader.remaining)
        throw new MalformedStreamError(`Block data of ${length} bytes does not fit`, reader.offset);
      if (length > 0) {
        this.#recordRemaining = length;
        return "block";
      }
    }
    return undefined;
  }
}
