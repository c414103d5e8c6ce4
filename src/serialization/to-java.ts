// JavaScript values to Java objects: the type table of rule 15.
import { types } from "node:util";
import { javaArrayList, javaBoolean, javaByteArray } from "./boxed.ts";
import { ClassDescriptor } from "./class-descriptor.ts";
import { UnsupportedValueError } from "./errors.ts";
import { JavaArray } from "./java-array.ts";
import { JavaClass } from "./java-class.ts";
import { javaHashMap, javaLinkedHashMap, javaLinkedHashSet } from "./java-collection-nodes.ts";
import { collectionOf, type JavaCollection } from "./java-collections.ts";
import { JavaEnum } from "./java-enum.ts";
import { JavaObject } from "./java-object.ts";
import { javaDate, scalarOf } from "./java-scalars.ts";
import type { JavaValue } from "./java-value.ts";
import { bigintToJava, numberToJava, stringToJava, typedNumberToJava } from "./numbers-to-java.ts";
import { PreviousEntries } from "./previous-entries.ts";

/** Below the streams' limit, since values are written inside other objects. */
const MAX_DEPTH = 400;
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/**
 * The Java form of a value. Numbers, and what else has several Java forms, keep the type that they have in `previous`, the
 * value that stood in the same place; what has not changed at all comes back as the same node. JavaValue nodes pass through.
 * The result shares nothing with the value. Throws UnsupportedValueError, naming the path inside the value.
 */
export function toJava(value: unknown, previous: JavaValue = null): JavaValue {
  return convertToJava(value, previous).java;
}

/** `exact`: false when the value holds what only stands for a Java value, such as `javaLong(5)`: then it is not what others read. */
export function convertToJava(value: unknown, previous: JavaValue): { readonly java: JavaValue; readonly exact: boolean } {
  const primitive = primitiveToJava(value, previous);
  if (primitive !== undefined) return { java: primitive, exact: true };
  const conversion = new Conversion();
  const java = conversion.convert(value, previous);
  return { java, exact: conversion.exact };
}

/** Undefined for what is not a primitive with a Java form. */
function primitiveToJava(value: unknown, previous: JavaValue): JavaValue | undefined {
  switch (typeof value) {
    case "string":
      return stringToJava(value, previous);
    case "number":
      return numberToJava(value, previous);
    case "boolean":
      return scalarOf(previous) === value ? previous : javaBoolean(value);
    case "bigint":
      return bigintToJava(value, previous);
    default:
      return undefined;
  }
}

class Conversion {
  exact = true;
  readonly #path: string[] = [];
  readonly #ancestors = new Set<object>();
  /** What was shared in JavaScript is shared in Java, and converted once. */
  readonly #converted = new Map<object, JavaValue>();

  convert(value: unknown, previous: JavaValue): JavaValue {
    const primitive = primitiveToJava(value, previous);
    if (primitive !== undefined) return primitive;
    if (typeof value !== "object") throw this.#unsupported(typeof value);
    return value === null ? null : this.#object(value, previous);
  }

  #object(value: object, previous: JavaValue): JavaValue {
    if (isNode(value)) return value;
    const number = typedNumberToJava(value);
    if (number !== undefined) {
      this.exact = false;
      return number;
    }
    const before = this.#converted.get(value);
    if (before !== undefined) return before;
    if (this.#ancestors.has(value)) throw this.#unsupported("cycle");
    if (this.#path.length >= MAX_DEPTH) throw this.#unsupported(`nesting deeper than ${MAX_DEPTH}`);
    this.#ancestors.add(value);
    const converted = this.#newObject(value, previous);
    this.#ancestors.delete(value);
    this.#converted.set(value, converted);
    return converted;
  }

  #newObject(value: object, previous: JavaValue): JavaValue {
    if (types.isUint8Array(value)) {
      return previous instanceof JavaArray && previous.className === "[B" && previous.bytes.equals(value) ? previous : javaByteArray(value);
    }
    const levels = prototypeLevels(value);
    if (levels === 2) {
      if (Array.isArray(value)) return this.#list(value, collection(previous, "List"), previous);
      if (types.isMap(value)) return this.#map([...value], collection(previous, "Map"), previous, javaHashMap);
      if (types.isSet(value)) return this.#set([...value], collection(previous, "Set"), previous);
      if (types.isDate(value)) return this.#date(value, previous);
    }
    if (levels > 1) throw this.#unsupported(className(value));
    if (Object.getOwnPropertySymbols(value).length > 0) throw this.#unsupported("object with symbol keys");
    return this.#map(Object.entries(value), collection(previous, "Map"), previous, javaLinkedHashMap);
  }

  #date(value: Date, previous: JavaValue): JavaValue {
    const time = value.getTime();
    if (Number.isNaN(time)) throw this.#unsupported("invalid Date");
    const before = scalarOf(previous);
    return before instanceof Date && before.getTime() === time ? previous : javaDate(time);
  }

  #list(values: readonly unknown[], before: JavaCollection | undefined, previous: JavaValue): JavaValue {
    const elements: JavaValue[] = [];
    let unchanged = before !== undefined && before.elements.length === values.length;
    for (let index = 0; index < values.length; index++) {
      const elementBefore = before?.elements[index] ?? null;
      this.#path.push(`[${index}]`);
      const element = this.convert(values[index], elementBefore);
      this.#path.pop();
      elements.push(element);
      unchanged &&= element === elementBefore;
    }
    return unchanged ? previous : javaArrayList(elements);
  }

  #set(values: readonly unknown[], before: JavaCollection | undefined, previous: JavaValue): JavaValue {
    const entries = new PreviousEntries(before?.elements ?? [], 1);
    const elements: JavaValue[] = [];
    let unchanged = before !== undefined && before.elements.length === values.length;
    values.forEach((value, index) => {
      const elementBefore = entries.keyFor(value, index);
      this.#path.push(`.values()[${index}]`);
      const element = this.convert(value, elementBefore ?? null);
      this.#path.pop();
      elements.push(element);
      unchanged &&= element === elementBefore;
    });
    return unchanged ? previous : javaLinkedHashSet(elements);
  }

  #map(
    values: readonly (readonly [unknown, unknown])[],
    before: JavaCollection | undefined,
    previous: JavaValue,
    create: (entries: readonly JavaValue[]) => JavaObject,
  ): JavaValue {
    const entries = new PreviousEntries(before?.elements ?? [], 2);
    const elements: JavaValue[] = [];
    let unchanged = before !== undefined && before.elements.length === values.length * 2;
    values.forEach(([key, value], index) => {
      const keyBefore = entries.keyFor(key, index);
      const valueBefore = entries.valueFor(key, index);
      this.#path.push(keyPath(key));
      const keyNode = this.convert(key, keyBefore ?? null);
      const valueNode = this.convert(value, valueBefore ?? null);
      this.#path.pop();
      elements.push(keyNode, valueNode);
      unchanged &&= keyNode === keyBefore && valueNode === valueBefore;
    });
    return unchanged ? previous : create(elements);
  }

  #unsupported(type: string): UnsupportedValueError {
    return new UnsupportedValueError(this.#path.join(""), type);
  }
}

function isNode(value: object): value is Exclude<JavaValue, null | string> {
  if (value instanceof JavaObject || value instanceof JavaArray) return true;
  return value instanceof JavaEnum || value instanceof JavaClass || value instanceof ClassDescriptor;
}

function collection(previous: JavaValue, kind: JavaCollection["kind"]): JavaCollection | undefined {
  const content = previous instanceof JavaObject ? collectionOf(previous) : undefined;
  return content?.kind === kind ? content : undefined;
}

/** 0 for an object without prototype, 1 for a plain one, 2 for arrays, maps, dates; more for subclasses. Holds across realms. */
function prototypeLevels(value: object): number {
  let levels = 0;
  for (let prototype = Object.getPrototypeOf(value); prototype !== null && levels < 3; prototype = Object.getPrototypeOf(prototype))
    levels++;
  return levels;
}

function className(value: object): string {
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== "" ? `instance of ${name}` : "instance of a class";
}

function keyPath(key: unknown): string {
  if (typeof key !== "string") return `[${typeof key === "object" ? "…" : String(key)}]`;
  return IDENTIFIER.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
