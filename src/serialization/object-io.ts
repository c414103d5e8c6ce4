// The ports through which external forms are read and written: java.io.ObjectInput and ObjectOutput, as far as needed.
import type { JavaValue } from "./java-value.ts";

/**
 * Primitives come from block data, objects stand between its records; the caller knows the order. Reading past the end or
 * a primitive where an object stands throws MalformedStreamError.
 */
export interface ObjectInput {
  readObject(): JavaValue;
  readBoolean(): boolean;
  /** Signed, as Java's. */
  readByte(): number;
  readUnsignedByte(): number;
  readShort(): number;
  readInt(): number;
  readLong(): bigint;
  /** A long as a number; exact up to 2^53. */
  readLongNumber(): number;
  readFloat(): number;
  readDouble(): number;
  readUTF(): string;
  /** A copy. */
  readBytes(length: number): Buffer;
  /** Nothing follows. */
  readonly atEnd: boolean;
  /** An object, rather than block data, follows. */
  readonly objectFollows: boolean;
}

export interface ObjectOutput {
  writeObject(value: JavaValue): void;
  writeBoolean(value: boolean): void;
  writeByte(value: number): void;
  writeShort(value: number): void;
  writeInt(value: number): void;
  /** A number must be a safe integer. */
  writeLong(value: number | bigint): void;
  writeFloat(value: number): void;
  writeDouble(value: number): void;
  /** Throws UnsupportedValueError above 65535 encoded bytes. */
  writeUTF(value: string): void;
  writeBytes(value: Uint8Array): void;
}
