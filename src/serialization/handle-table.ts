// What back-references of a stream that is being read lead to.
import { MalformedStreamError, StreamLimitError } from "./errors.ts";
import type { JavaValue } from "./java-value.ts";

export type Handled = NonNullable<JavaValue> | symbol;

export class HandleTable {
  readonly #maxHandles: number;
  #values: Handled[] = [];
  /** Handles ever given: a reset frees the numbers, not the allowance. */
  #given = 0;

  constructor(maxHandles: number) {
    this.#maxHandles = maxHandles;
  }

  get size(): number {
    return this.#values.length;
  }

  /** Counts what takes memory as `count` handles do. */
  charge(count: number): void {
    this.#given += count;
    if (this.#given > this.#maxHandles) throw new StreamLimitError("maxHandles", this.#maxHandles);
  }

  add(value: Handled): number {
    this.charge(1);
    return this.#values.push(value) - 1;
  }

  set(index: number, value: Handled): void {
    this.#values[index] = value;
  }

  get(index: number, offset: number): Handled {
    const value = this.#values[index];
    if (value === undefined) throw new MalformedStreamError(`Reference to handle ${index}, which has not been given,`, offset);
    return value;
  }

  clear(): void {
    this.#values = [];
  }
}
