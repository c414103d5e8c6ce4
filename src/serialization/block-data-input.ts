// Primitives out of block data: what a stream and the custom data of one object have in common.

import { copyBytes } from "./copy-bytes.ts";
import type { JavaValue } from "./java-value.ts";
import { decodeModifiedUtf8 } from "./modified-utf8.ts";
import type { ObjectInput } from "./object-io.ts";

const EMPTY = Buffer.alloc(0);

export abstract class BlockDataInput implements ObjectInput {
  /** Where `take` put the bytes it answered for. */
  protected window: Buffer = EMPTY;

  abstract readonly atEnd: boolean;
  abstract readonly objectFollows: boolean;
  abstract readObject(): JavaValue;

  /** Consumes `length` bytes of block data and returns where they lie, in one piece, in `window`. */
  protected abstract take(length: number): number;

  readBoolean(): boolean {
    return this.readUnsignedByte() !== 0;
  }

  readByte(): number {
    return (this.readUnsignedByte() << 24) >> 24;
  }

  readUnsignedByte(): number {
    const offset = this.take(1);
    return this.window[offset]!;
  }

  readShort(): number {
    const offset = this.take(2);
    return this.window.readInt16BE(offset);
  }

  readInt(): number {
    const offset = this.take(4);
    return this.window.readInt32BE(offset);
  }

  readLong(): bigint {
    const offset = this.take(8);
    return this.window.readBigInt64BE(offset);
  }

  readLongNumber(): number {
    const offset = this.take(8);
    return this.window.readInt32BE(offset) * 0x1_0000_0000 + this.window.readUInt32BE(offset + 4);
  }

  readFloat(): number {
    const offset = this.take(4);
    return this.window.readFloatBE(offset);
  }

  readDouble(): number {
    const offset = this.take(8);
    return this.window.readDoubleBE(offset);
  }

  readUTF(): string {
    const lengthOffset = this.take(2);
    const length = this.window.readUInt16BE(lengthOffset);
    const offset = this.take(length);
    return decodeModifiedUtf8(this.window, offset, length);
  }

  readBytes(length: number): Buffer {
    const offset = this.take(length);
    return copyBytes(this.window, offset, length);
  }
}
