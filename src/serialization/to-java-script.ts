// Java objects to JavaScript values: the type table of rule 15.
import { keysCollide } from "./colliding-keys.ts";
import { StreamLimitError } from "./errors.ts";
import { JavaArray } from "./java-array.ts";
import { collectionOf } from "./java-collections.ts";
import { JavaObject } from "./java-object.ts";
import { scalarOf } from "./java-scalars.ts";
import type { JavaValue } from "./java-value.ts";
import { DEFAULT_STREAM_LIMITS } from "./limits.ts";

/** Never a property of a plain object (rule 22): the map that has one stays a Map. */
const DANGEROUS_KEYS: ReadonlySet<JavaValue> = new Set(["__proto__", "constructor", "prototype"]);

/** What an element of a list takes. */
const ELEMENT_BYTES = 8;

/**
 * The JavaScript form of a value, made anew at each call; nodes of classes outside the type table come back as they are, and
 * so do maps and sets whose keys would collide in JavaScript (an Integer and a Long of one value).
 * What was one object stays one object, cycles stay cycles. Throws StreamLimitError for graphs that are too deep, or that would
 * become too large: many views of one list, which are one list each in JavaScript.
 */
export function toJavaScript(value: JavaValue): unknown {
  const scalar = scalarOf(value);
  return scalar === undefined ? new Conversion().convert(value, 0) : scalar;
}

class Conversion {
  /** What each node has become: a node that occurs twice is converted once, however often the graph shares it. */
  readonly #converted = new Map<JavaValue, unknown>();
  #elements = 0;

  convert(value: JavaValue, depth: number): unknown {
    if (value === null || typeof value === "string") return value;
    if (depth > DEFAULT_STREAM_LIMITS.maxDepth) throw new StreamLimitError("maxDepth", DEFAULT_STREAM_LIMITS.maxDepth);
    const before = this.#converted.get(value);
    if (before !== undefined) return before;
    const converted = this.#scalar(value) ?? this.#container(value, depth);
    this.#converted.set(value, converted);
    return converted;
  }

  #scalar(node: Exclude<JavaValue, null | string>): unknown {
    const scalar = scalarOf(node);
    if (typeof scalar === "bigint" && node instanceof JavaObject) {
      const magnitude = node.field("magnitude");
      if (magnitude instanceof JavaArray) this.#charge(magnitude.bytes.length / ELEMENT_BYTES);
    }
    return scalar;
  }

  #charge(elements: number): void {
    this.#elements += elements;
    if (this.#elements > DEFAULT_STREAM_LIMITS.maxHandles) throw new StreamLimitError("maxHandles", DEFAULT_STREAM_LIMITS.maxHandles);
  }

  #container(node: Exclude<JavaValue, null | string>, depth: number): unknown {
    const content = node instanceof JavaObject ? collectionOf(node) : undefined;
    if (content === undefined) return node;
    const { kind, elements } = content;
    this.#charge(elements.length);
    if (kind === "List") return this.#list(node, elements, depth);
    if (kind === "Set") return this.#set(node, elements, depth);
    return node.className === "java.util.LinkedHashMap" && hasPropertyKeys(elements)
      ? this.#plainObject(node, elements, depth)
      : this.#map(node, elements, depth);
  }

  #list(node: JavaValue, elements: readonly JavaValue[], depth: number): unknown[] {
    const list: unknown[] = [];
    this.#converted.set(node, list);
    for (const element of elements) list.push(this.convert(element, depth + 1));
    return list;
  }

  #set(node: JavaValue, elements: readonly JavaValue[], depth: number): unknown {
    if (keysCollide(elements, 1)) return node;
    const set = new Set<unknown>();
    this.#converted.set(node, set);
    for (const element of elements) set.add(this.convert(element, depth + 1));
    return set.size === elements.length ? set : node;
  }

  #map(node: JavaValue, elements: readonly JavaValue[], depth: number): unknown {
    if (keysCollide(elements, 2)) return node;
    const map = new Map<unknown, unknown>();
    this.#converted.set(node, map);
    for (let index = 0; index + 1 < elements.length; index += 2) {
      map.set(this.convert(elements[index]!, depth + 1), this.convert(elements[index + 1]!, depth + 1));
    }
    return map.size * 2 === elements.length ? map : node;
  }

  #plainObject(node: JavaValue, elements: readonly JavaValue[], depth: number): object {
    const object: Record<string, unknown> = {};
    this.#converted.set(node, object);
    for (let index = 0; index + 1 < elements.length; index += 2) {
      object[elements[index] as string] = this.convert(elements[index + 1]!, depth + 1);
    }
    return object;
  }
}

function hasPropertyKeys(elements: readonly JavaValue[]): boolean {
  for (let index = 0; index < elements.length; index += 2) {
    const key = elements[index]!;
    if (typeof key !== "string" || DANGEROUS_KEYS.has(key)) return false;
  }
  return true;
}
