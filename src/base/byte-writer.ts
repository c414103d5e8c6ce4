// Writes big-endian binary data into one growing buffer.
const INITIAL_BYTES = 256;

export class ByteWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(initialBytes: number = INITIAL_BYTES) {
    this.#buffer = Buffer.allocUnsafe(initialBytes);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
    return this;
  }

  u16(value: number): this {
    this.#reserve(2);
    this.#length = this.#buffer.writeUInt16BE(value & 0xffff, this.#length);
    return this;
  }

  i32(value: number): this {
    this.#reserve(4);
    this.#length = this.#buffer.writeInt32BE(value | 0, this.#length);
    return this;
  }

  i64(value: bigint): this {
    this.#reserve(8);
    this.#length = this.#buffer.writeBigInt64BE(BigInt.asIntN(64, value), this.#length);
    return this;
  }

  /** A safe integer as i64, without a bigint on the way. */
  safeI64(value: number): this {
    this.i32(Math.floor(value / 0x1_0000_0000));
    this.#reserve(4);
    this.#length = this.#buffer.writeUInt32BE(value >>> 0, this.#length);
    return this;
  }

  f32(value: number): this {
    this.#reserve(4);
    this.#length = this.#buffer.writeFloatBE(value, this.#length);
    return this;
  }

  f64(value: number): this {
    this.#reserve(8);
    this.#length = this.#buffer.writeDoubleBE(value, this.#length);
    return this;
  }

  bytes(value: Uint8Array): this {
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** What the other one holds, without a view of it. */
  append(other: ByteWriter): this {
    this.#reserve(other.#length);
    other.#buffer.copy(this.#buffer, this.#length, 0, other.#length);
    this.#length += other.#length;
    return this;
  }

  /** ISO-8859-1 text without a length. */
  latin1(value: string): this {
    this.#reserve(value.length);
    this.#length += this.#buffer.write(value, this.#length, "latin1");
    return this;
  }

  /** Overwrites four bytes written before, for a length that is known only afterwards. */
  patchI32(offset: number, value: number): void {
    if (offset + 4 > this.#length) throw new RangeError("Cannot patch bytes that have not been written");
    this.#buffer.writeInt32BE(value | 0, offset);
  }

  patchU8(offset: number, value: number): void {
    if (offset + 1 > this.#length) throw new RangeError("Cannot patch a byte that has not been written");
    this.#buffer[offset] = value;
  }

  /** A copy of what was written, of exactly its length. */
  toBuffer(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#length));
  }

  /** What was written, without a copy: valid until the next write or `reset`. */
  view(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Forgets what was written and keeps the memory for the next message. */
  reset(): void {
    this.#length = 0;
  }

  #reserve(extra: number): void {
    const needed = this.#length + extra;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}
