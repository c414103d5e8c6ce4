// Java objects that are one JavaScript value each: boxed primitives, dates, big integers.

import { javaByteArray } from "./boxed.ts";
import { copyBytes } from "./copy-bytes.ts";
import { JavaArray } from "./java-array.ts";
import { JavaObject } from "./java-object.ts";
import type { JavaValue } from "./java-value.ts";
import { JAVA } from "./known-classes.ts";

/** JavaScript's own limit is not far above; larger ones stay inert. */
const MAX_MAGNITUDE_BYTES = 1_048_576;

/** The value of a string, boxed primitive, date, BigInteger or byte[]; undefined for every other node. Null for null. */
export function scalarOf(value: JavaValue): string | number | bigint | boolean | Date | Buffer | null | undefined {
  if (value === null || typeof value === "string") return value;
  if (value instanceof JavaArray) {
    return value.descriptor.name === "[B" ? copyBytes(value.bytes, 0, value.bytes.length) : undefined;
  }
  return value instanceof JavaObject ? objectScalar(value) : undefined;
}

function objectScalar(object: JavaObject): string | number | bigint | boolean | Date | undefined {
  const first = object.fields[0];
  switch (object.className) {
    case "java.lang.Integer":
    case "java.lang.Double":
    case "java.lang.Short":
    case "java.lang.Byte":
    case "java.lang.Float":
      return typeof first === "number" ? first : undefined;
    case "java.lang.Long":
      return typeof first === "number" || typeof first === "bigint" ? first : undefined;
    case "java.lang.Boolean":
      return typeof first === "boolean" ? first : undefined;
    case "java.lang.Character":
      return typeof first === "number" ? String.fromCharCode(first) : undefined;
    case "java.util.Date":
      return dateOf(object);
    case "java.math.BigInteger":
      return bigIntegerOf(object);
    default:
      return undefined;
  }
}

function dateOf(object: JavaObject): Date | undefined {
  const [time] = object.annotation();
  if (!Buffer.isBuffer(time) || time.length !== 8) return undefined;
  const date = new Date(Number(time.readBigInt64BE(0)));
  return Number.isNaN(date.getTime()) ? undefined : date;
}

export function javaDate(timeMs: number): JavaObject {
  const time = Buffer.allocUnsafeSlow(8);
  time.writeBigInt64BE(BigInt(timeMs));
  return new JavaObject(JAVA.date, [], [[time]]);
}

function bigIntegerOf(object: JavaObject): bigint | undefined {
  const signum = object.field("signum");
  const magnitude = object.field("magnitude");
  if (typeof signum !== "number" || !(magnitude instanceof JavaArray) || magnitude.bytes.length > MAX_MAGNITUDE_BYTES) return undefined;
  const value = magnitude.bytes.length === 0 ? 0n : BigInt(`0x${magnitude.bytes.toString("hex")}`);
  return signum < 0 ? -value : value;
}

/** The bit counts are what Java writes for "not computed yet" (BigInteger.writeObject). */
export function javaBigInteger(value: bigint): JavaObject {
  const signum = value === 0n ? 0 : value < 0n ? -1 : 1;
  const digits = (value < 0n ? -value : value).toString(16);
  const magnitude = signum === 0 ? Buffer.alloc(0) : Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, "hex");
  return new JavaObject(JAVA.bigInteger, [-1, -1, -2, -2, signum, javaByteArray(magnitude)], [undefined, []]);
}
