// Primitives into block data: what a stream and the custom data of one object have in common.
import { ByteWriter } from "../base/index.ts";
import { UnsupportedValueError } from "./errors.ts";
import type { JavaValue } from "./java-value.ts";
import { modifiedUtf8Length, writeModifiedUtf8 } from "./modified-utf8.ts";
import type { ObjectOutput } from "./object-io.ts";

const MAX_UTF_BYTES = 0xffff;
const INITIAL_BLOCK_BYTES = 128;

export abstract class BlockDataOutput implements ObjectOutput {
  /** Made for the first primitive: most streams hold an object and nothing else. */
  #block: ByteWriter | undefined;

  /** Primitives since the last object. */
  protected get block(): ByteWriter {
    this.#block ??= new ByteWriter(INITIAL_BLOCK_BYTES);
    return this.#block;
  }

  protected get blockLength(): number {
    return this.#block === undefined ? 0 : this.#block.length;
  }

  abstract writeObject(value: JavaValue): void;

  writeBoolean(value: boolean): void {
    this.block.u8(value ? 1 : 0);
  }

  writeByte(value: number): void {
    this.block.u8(value & 0xff);
  }

  writeShort(value: number): void {
    this.block.u16(value);
  }

  writeInt(value: number): void {
    this.block.i32(value);
  }

  writeLong(value: number | bigint): void {
    if (typeof value === "bigint") this.block.i64(value);
    else this.block.safeI64(value);
  }

  writeFloat(value: number): void {
    this.block.f32(value);
  }

  writeDouble(value: number): void {
    this.block.f64(value);
  }

  writeUTF(value: string): void {
    const length = modifiedUtf8Length(value);
    if (length > MAX_UTF_BYTES) throw new UnsupportedValueError("", `string of ${length} bytes in a UTF field of at most ${MAX_UTF_BYTES}`);
    this.block.u16(length);
    writeModifiedUtf8(this.block, value, length);
  }

  writeBytes(value: Uint8Array): void {
    this.block.bytes(value);
  }
}
