// Reads big-endian binary data from one buffer; every read is checked against the end.
import { TomcatClusterError } from "./errors.ts";

/** Thrown when a read passes the end of the data, or when a length in the data is negative. */
export class UnexpectedEndError extends TomcatClusterError {
  readonly code = "UNEXPECTED_END";

  constructor(wanted: number, offset: number, length: number) {
    super(`Wanted ${wanted} bytes at offset ${offset}, but the data ends at ${length}`);
  }
}

export class ByteReader {
  readonly buffer: Buffer;
  offset: number;
  readonly end: number;

  constructor(buffer: Buffer, offset = 0, end = buffer.length) {
    this.buffer = buffer;
    this.offset = offset;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.offset;
  }

  u8(): number {
    this.#need(1);
    return this.buffer[this.offset++]!;
  }

  u16(): number {
    this.#need(2);
    const value = this.buffer.readUInt16BE(this.offset);
    this.offset += 2;
    return value;
  }

  i32(): number {
    this.#need(4);
    const value = this.buffer.readInt32BE(this.offset);
    this.offset += 4;
    return value;
  }

  i64(): bigint {
    this.#need(8);
    const value = this.buffer.readBigInt64BE(this.offset);
    this.offset += 8;
    return value;
  }

  /** An i64 as a number; exact up to 2^53. */
  i64Number(): number {
    this.#need(8);
    const value = this.buffer.readInt32BE(this.offset) * 0x1_0000_0000 + this.buffer.readUInt32BE(this.offset + 4);
    this.offset += 8;
    return value;
  }

  f32(): number {
    this.#need(4);
    const value = this.buffer.readFloatBE(this.offset);
    this.offset += 4;
    return value;
  }

  f64(): number {
    this.#need(8);
    const value = this.buffer.readDoubleBE(this.offset);
    this.offset += 8;
    return value;
  }

  /** A view of the next bytes. It shares the memory of the buffer: copy what is kept. */
  bytes(length: number): Buffer {
    this.#need(length);
    const value = this.buffer.subarray(this.offset, this.offset + length);
    this.offset += length;
    return value;
  }

  #need(length: number): void {
    if (length < 0 || this.offset + length > this.end) throw new UnexpectedEndError(length, this.offset, this.end);
  }
}
