// Nodes for the Java objects behind JavaScript primitives, and back.
import type { ClassDescriptor } from "./class-descriptor.ts";
import { copyBytes } from "./copy-bytes.ts";
import { UnexpectedShapeError, UnsupportedValueError } from "./errors.ts";
import { JavaArray } from "./java-array.ts";
import { JavaObject } from "./java-object.ts";
import type { AnnotationItem, FieldValue, JavaValue } from "./java-value.ts";
import { JAVA } from "./known-classes.ts";

const MIN_INT = -0x8000_0000;
const MAX_INT = 0x7fff_ffff;
const MIN_LONG = -(2n ** 63n);
const MAX_LONG = 2n ** 63n - 1n;

/** Integer.valueOf and Long.valueOf hand out one object for each of these numbers, which a stream shows as references. */
const FIRST_CACHED = -128;
const CACHED = 256;

const integers = Array.from({ length: CACHED }, (_, index) => new JavaObject(JAVA.integer, [index + FIRST_CACHED]));
const longs = Array.from({ length: CACHED }, (_, index) => new JavaObject(JAVA.long, [index + FIRST_CACHED]));
const yes = new JavaObject(JAVA.boolean, [true]);
const no = new JavaObject(JAVA.boolean, [false]);

/** java.lang.Integer. Throws UnsupportedValueError for what is not an integer of 32 bits. */
export function javaInteger(value: number): JavaObject {
  if (!Number.isInteger(value) || value < MIN_INT || value > MAX_INT) throw new UnsupportedValueError("", `${value} as java.lang.Integer`);
  return isCached(value) ? integers[value - FIRST_CACHED]! : new JavaObject(JAVA.integer, [value]);
}

/** java.lang.Long, whatever the size of the number. Throws UnsupportedValueError for what is not an exact integer of 64 bits. */
export function javaLong(value: number | bigint): JavaObject {
  if (typeof value === "bigint") {
    if (value < MIN_LONG || value > MAX_LONG) throw new UnsupportedValueError("", `${value} as java.lang.Long`);
    const exact = Number(value);
    return Number.isSafeInteger(exact) ? javaLong(exact) : new JavaObject(JAVA.long, [value]);
  }
  if (!Number.isSafeInteger(value)) throw new UnsupportedValueError("", `${value} as java.lang.Long`);
  return isCached(value) ? longs[value - FIRST_CACHED]! : new JavaObject(JAVA.long, [value]);
}

/** Asked first: to look for a time stamp in an array is slow, which takes it for a property's name. */
function isCached(value: number): boolean {
  return value >= FIRST_CACHED && value < FIRST_CACHED + CACHED;
}

/** java.lang.Double, also for whole numbers. */
export function javaDouble(value: number): JavaObject {
  return new JavaObject(JAVA.double, [value]);
}

export function javaBoolean(value: boolean): JavaObject {
  return value ? yes : no;
}

/** byte[] with a copy of the bytes; `new JavaArray(JAVA.byteArray, buffer)` takes a buffer that nobody else will change. */
export function javaByteArray(bytes: Uint8Array): JavaArray {
  return new JavaArray(JAVA.byteArray, copyBytes(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.byteLength));
}

/** String[]. */
export function javaStringArray(values: readonly (string | null)[]): JavaArray {
  return new JavaArray(JAVA.stringArray, values);
}

/** java.util.ArrayList. */
export function javaArrayList(elements: readonly JavaValue[]): JavaObject {
  const size = Buffer.allocUnsafeSlow(4);
  size.writeInt32BE(elements.length);
  return new JavaObject(JAVA.arrayList, [elements.length], [[size, ...elements]]);
}

/**
 * An object with the named fields; those left out are 0, false or null. `annotation` is the custom data of the class itself
 * (of AnnotationOutput). Throws UnexpectedShapeError for a field that the class lacks.
 */
export function javaObject(
  descriptor: ClassDescriptor,
  fields: Readonly<Record<string, FieldValue>> = {},
  annotation?: readonly AnnotationItem[],
): JavaObject {
  const values: FieldValue[] = [];
  if (!descriptor.externalizable) {
    for (const level of descriptor.hierarchy) {
      for (const field of level.fields) values.push(field.signature.length > 1 ? null : field.signature === "Z" ? false : 0);
    }
  }
  for (const name in fields) {
    const index = descriptor.indexOf(name);
    if (index === -1 || index >= values.length) throw new UnexpectedShapeError(`a field of class "${descriptor.name}"`, `"${name}"`);
    values[index] = fields[name]!;
  }
  if (annotation === undefined) return new JavaObject(descriptor, values);
  const annotations: (readonly AnnotationItem[] | undefined)[] = descriptor.hierarchy.map(() => undefined);
  annotations[annotations.length - 1] = annotation;
  return new JavaObject(descriptor, values, annotations);
}

/** The number in an Integer, Long, Short, Byte, Float or Double; a Long beyond 2^53 is a bigint; undefined for anything else. */
export function unboxNumber(value: JavaValue): number | bigint | undefined {
  if (!(value instanceof JavaObject) || value.descriptor.superDescriptor?.name !== "java.lang.Number") return undefined;
  if (value.fields.length !== 1) return undefined;
  const number = value.fields[0];
  return typeof number === "number" || typeof number === "bigint" ? number : undefined;
}

/** The number in a boxed value. Throws UnexpectedShapeError for anything else; a Long beyond 2^53 is rounded. */
export function expectNumber(value: JavaValue): number {
  const number = unboxNumber(value);
  if (number === undefined) throw new UnexpectedShapeError("a boxed number", describeValue(value));
  return Number(number);
}

/** The value of a java.lang.Boolean. Throws UnexpectedShapeError for anything else. */
export function expectBoolean(value: JavaValue): boolean {
  if (value instanceof JavaObject && value.descriptor.name === JAVA.boolean.name && typeof value.fields[0] === "boolean")
    return value.fields[0];
  throw new UnexpectedShapeError("a java.lang.Boolean", describeValue(value));
}

/** Throws UnexpectedShapeError for anything but a string. */
export function expectString(value: JavaValue): string {
  if (typeof value === "string") return value;
  throw new UnexpectedShapeError("a java.lang.String", describeValue(value));
}

/** The class of a value, for messages. */
export function describeValue(value: JavaValue): string {
  if (value === null) return "null";
  return typeof value === "string" ? "java.lang.String" : value.className;
}
