// Numbers that were chosen so that a Map or a Set of JavaScript takes as many steps for each as it has elements.
import { JavaObject } from "./java-object.ts";
import { scalarOf } from "./java-scalars.ts";
import type { JavaValue } from "./java-value.ts";

/** Steps for one element, on average, up to which numbers are taken to be what they seem: by chance it is some 3. */
const MAX_STEPS = 64;
/** So few cannot take more, however they collide. */
const HARMLESS = 2 * MAX_STEPS;
const HASH_MASK = 0x3fff_ffff;
const double = new DataView(new ArrayBuffer(8));
const MASK_64 = 0xffff_ffff_ffff_ffffn;

/**
 * Whether a Map or Set of these elements, or every second of them, would be slow. V8's hash of numbers has no secret, other than that
 * of strings: 32 000 integers that fall into one bucket took 2.5 s in place of 10 ms (Node 24). Takes a step for each element.
 */
export function keysCollide(elements: readonly JavaValue[], stride: 1 | 2): boolean {
  if (elements.length / stride <= HARMLESS) return false;
  const hashes: number[] = [];
  for (let index = 0; index < elements.length; index += stride) {
    const element = elements[index]!;
    const key = element instanceof JavaObject ? scalarOf(element) : undefined;
    if (typeof key === "number" || typeof key === "bigint") hashes.push(hashOf(key));
  }
  if (hashes.length <= HARMLESS) return false;
  // As V8 makes it: a power of two, with up to two elements for each bucket.
  const mask = 2 ** Math.floor(Math.log2(elements.length / stride / 2)) - 1;
  const buckets = new Uint32Array(mask + 1);
  let steps = 0;
  for (const hash of hashes) steps += ++buckets[hash & mask]!;
  return steps > MAX_STEPS * hashes.length;
}

/** As V8 hashes it: a BigInt by its lowest 64 bits. */
export function hashOf(key: number | bigint): number {
  if (typeof key === "bigint") return hash64(BigInt.asUintN(64, key < 0n ? -key : key));
  if (key === (key | 0)) return hash32(key);
  double.setFloat64(0, key);
  return hash64(double.getBigUint64(0));
}

/** V8's ComputeUnseededHash. */
function hash32(key: number): number {
  let hash = key | 0;
  hash = (~hash + (hash << 15)) | 0;
  hash ^= hash >>> 12;
  hash = (hash + (hash << 2)) | 0;
  hash ^= hash >>> 4;
  hash = Math.imul(hash, 2057);
  hash ^= hash >>> 16;
  return hash & HASH_MASK;
}

/** V8's ComputeLongHash: of doubles' bits and of the lowest digit of a BigInt. */
function hash64(key: bigint): number {
  let hash = (~key + (key << 18n)) & MASK_64;
  hash ^= hash >> 31n;
  hash = (hash * 21n) & MASK_64;
  hash ^= hash >> 11n;
  hash = (hash + (hash << 6n)) & MASK_64;
  hash ^= hash >> 22n;
  return Number(hash & BigInt(HASH_MASK));
}
