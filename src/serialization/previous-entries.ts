// What stood under the same key of a map, or as the same element of a set, before.

import { keysCollide } from "./colliding-keys.ts";
import { scalarOf } from "./java-scalars.ts";
import type { JavaValue } from "./java-value.ts";

export class PreviousEntries {
  readonly #elements: readonly JavaValue[];
  /** 1: elements of a set; 2: keys and values in turn. */
  readonly #stride: 1 | 2;
  /** Where each key stands that is a primitive in JavaScript, or an inert node. */
  readonly #positions = new Map<unknown, number>();

  constructor(elements: readonly JavaValue[], stride: 1 | 2) {
    this.#elements = elements;
    this.#stride = stride;
    // A map of these has never been one of JavaScript: none of its keys is looked for here.
    if (keysCollide(elements, stride)) return;
    for (let index = 0; index < elements.length; index += stride) this.#positions.set(comparable(elements[index] ?? null), index);
  }

  /** Undefined: there was no such key, and null was none either. */
  keyFor(key: unknown, ordinal: number): JavaValue | undefined {
    return this.#elements[this.#position(key, ordinal)];
  }

  valueFor(key: unknown, ordinal: number): JavaValue | undefined {
    return this.#elements[this.#position(key, ordinal) + 1];
  }

  /** A container as key was made anew for JavaScript: its place is all that is left of it. */
  #position(key: unknown, ordinal: number): number {
    const found = this.#positions.get(key);
    if (found !== undefined) return found;
    return typeof key === "object" && key !== null ? ordinal * this.#stride : this.#elements.length;
  }
}

function comparable(key: JavaValue): unknown {
  const scalar = scalarOf(key);
  return scalar === undefined || typeof scalar === "object" ? key : scalar;
}
