// Nodes for lists, maps and sets with the custom data that java.util writes itself.
import { JavaObject } from "./java-object.ts";
import type { JavaValue } from "./java-value.ts";
import { JAVA } from "./known-classes.ts";

const LOAD_FACTOR = 0.75;
const DEFAULT_CAPACITY = 16;
const MAX_CAPACITY = 2 ** 30;

/** The table size of a map made with its default constructor and filled one by one. */
function capacityFor(size: number): number {
  let capacity = DEFAULT_CAPACITY;
  while (size > capacity * LOAD_FACTOR && capacity < MAX_CAPACITY) capacity *= 2;
  return capacity;
}

/** `entries` are keys and values in turn. */
export function javaHashMap(entries: readonly JavaValue[]): JavaObject {
  const { fields, custom } = hashMapParts(entries);
  return new JavaObject(JAVA.hashMap, fields, [custom]);
}

/** `entries` are keys and values in turn. */
export function javaLinkedHashMap(entries: readonly JavaValue[]): JavaObject {
  const { fields, custom } = hashMapParts(entries);
  return new JavaObject(JAVA.linkedHashMap, [...fields, false], [custom, undefined]);
}

/** HashMap.writeObject: the fields, then capacity, size, and each entry. */
function hashMapParts(entries: readonly JavaValue[]) {
  const size = entries.length / 2;
  const capacity = capacityFor(size);
  const sizes = Buffer.allocUnsafeSlow(8);
  sizes.writeInt32BE(capacity);
  sizes.writeInt32BE(size, 4);
  const threshold = size === 0 ? 0 : capacity * LOAD_FACTOR;
  return { fields: [LOAD_FACTOR, threshold], custom: [sizes, ...entries] };
}

/** HashSet.writeObject: capacity, load factor, size, and each element. */
export function javaLinkedHashSet(elements: readonly JavaValue[]): JavaObject {
  const sizes = Buffer.allocUnsafeSlow(12);
  sizes.writeInt32BE(capacityFor(elements.length));
  sizes.writeFloatBE(LOAD_FACTOR, 4);
  sizes.writeInt32BE(elements.length, 8);
  return new JavaObject(JAVA.linkedHashSet, [], [[sizes, ...elements], undefined]);
}
