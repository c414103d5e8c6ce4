// The objects that an Informer knows, by key and by what its indexers say.
import type { KubeObject, ObjectRef } from "./kube-object.ts";
import { keyOf } from "./kube-object.ts";

/** What an object is found under: none, one or several values. */
export type Indexer<T extends KubeObject> = (object: T) => readonly string[];

/** For readers. What it returns is shared: never change it. */
export interface ObjectView<T extends KubeObject> {
  readonly size: number;
  get(ref: ObjectRef): T | undefined;
  values(): IterableIterator<T>;
  /** In the order in which they came. Throws RangeError for an index that there is not. */
  byIndex(index: string, value: string): T[];
}

export class ObjectStore<T extends KubeObject> implements ObjectView<T> {
  readonly #objects = new Map<string, T>();
  readonly #indexers: ReadonlyMap<string, Indexer<T>>;
  /** By index, then value: the keys. */
  readonly #keys = new Map<string, Map<string, Set<string>>>();

  constructor(indexers: Readonly<Record<string, Indexer<T>>> = {}) {
    this.#indexers = new Map(Object.entries(indexers));
    for (const index of this.#indexers.keys()) this.#keys.set(index, new Map());
  }

  get size(): number {
    return this.#objects.size;
  }

  get(ref: ObjectRef): T | undefined {
    return this.#objects.get(keyOf(ref));
  }

  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  byIndex(index: string, value: string): T[] {
    const keys = this.#keys.get(index);
    if (!keys) throw new RangeError(`There is no index "${index}", only: ${[...this.#keys.keys()].join(", ")}`);
    return [...(keys.get(value) ?? [])].map((key) => this.#objects.get(key)!);
  }

  put(object: T): void {
    const key = keyOf(object.metadata);
    const before = this.#objects.get(key);
    if (before) this.#unindex(key, before);
    this.#objects.set(key, object);
    for (const [index, indexer] of this.#indexers) {
      const values = this.#keys.get(index)!;
      for (const value of indexer(object)) {
        const keys = values.get(value);
        if (keys) keys.add(key);
        else values.set(value, new Set([key]));
      }
    }
  }

  remove(ref: ObjectRef): void {
    const key = keyOf(ref);
    const object = this.#objects.get(key);
    if (!object) return;
    this.#unindex(key, object);
    this.#objects.delete(key);
  }

  #unindex(key: string, object: T): void {
    for (const [index, indexer] of this.#indexers) {
      const values = this.#keys.get(index)!;
      for (const value of indexer(object)) {
        const keys = values.get(value);
        keys?.delete(key);
        if (keys?.size === 0) values.delete(value);
      }
    }
  }
}
