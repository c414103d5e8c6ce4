// Objects of a Kubernetes API in memory, with server-side apply as far as a reconcile depends on it, and caches that hear at once.
import { isDeepStrictEqual } from "node:util";
import { ApiError, type KubeObject, keyOf, type ObjectRef, type Resource } from "../../src/kube/index.ts";
import { ObjectStore } from "../../src/kube/object-store.ts";
import type { Cache } from "../../src/operator/apply/owned-objects.ts";
import { OWNER_INDEX, ownerUids } from "../../src/operator/apply/owned-objects.ts";

type Json = Record<string, unknown>;

/** Of every object: when a ManualClock begins. */
const CREATED = "2023-11-14T22:13:20Z";

/** Lists are values; what a manager leaves out the second time goes. */
export class MemoryKubernetes {
  /** "apply ConfigMap web/shop-workers", every call that may change something, in order. */
  readonly writes: string[] = [];
  /** By kind: what applying an object of it, or evicting a pod, is answered in place of success. */
  readonly failures = new Map<string, Error>();
  /** By kind: the same of reading an object. */
  readonly readFailures = new Map<string, Error>();
  readonly #stores = new Map<string, ObjectStore<KubeObject>>();
  readonly #applied = new Map<string, Json>();
  #version = 1;
  #uids = 0;

  /** Hears of changes before the writer does. */
  cache<T extends KubeObject>(kind: string): Cache<T> {
    return { objects: this.#store(kind) as unknown as ObjectStore<T>, addHandler: () => undefined };
  }

  get<T extends KubeObject>(kind: string, ref: ObjectRef): T | undefined {
    return this.#store(kind).get(ref) as T | undefined;
  }

  /** By somebody else, or by the API server: whatever was there. */
  put(object: KubeObject & Readonly<Record<string, unknown>>): KubeObject {
    const before = this.get(object.kind, object.metadata) as (KubeObject & { readonly spec?: unknown }) | undefined;
    const isOther = !isDeepStrictEqual(before?.spec, object.spec);
    const metadata = {
      ...object.metadata,
      uid: before?.metadata.uid ?? object.metadata.uid ?? `uid-${++this.#uids}`,
      generation: (before?.metadata.generation ?? 0) + (isOther ? 1 : 0),
      creationTimestamp: CREATED,
      resourceVersion: String(++this.#version),
    };
    const stored = { ...object, metadata };
    this.#store(object.kind).put(stored);
    return stored;
  }

  remove(kind: string, ref: ObjectRef): void {
    this.#store(kind).remove(ref);
  }

  readonly client = {
    find: <T extends KubeObject>(of: Resource, ref: ObjectRef): Promise<T | undefined> => {
      const failure = this.readFailures.get(of.kind);
      return failure === undefined ? Promise.resolve(this.get<T>(of.kind, ref)) : Promise.reject(failure);
    },
    apply: <T extends KubeObject>(_of: Resource, object: KubeObject, { fieldManager }: { fieldManager: string }): Promise<T> => {
      this.writes.push(`apply ${object.kind} ${keyOf(object.metadata)}`);
      const failure = this.failures.get(object.kind);
      if (failure !== undefined) return Promise.reject(failure);
      return Promise.resolve(this.#apply(object, fieldManager) as T);
    },
    applyStatus: <T extends KubeObject>(_of: Resource, object: KubeObject): Promise<T> => {
      this.writes.push(`status ${keyOf(object.metadata)}`);
      const { status } = object as KubeObject & { readonly status: unknown };
      return Promise.resolve(this.put({ ...this.get(object.kind, object.metadata)!, status }) as T);
    },
    create: <T extends KubeObject>(of: Resource, object: KubeObject): Promise<T> => {
      if (this.get(object.kind, object.metadata)) {
        const status = { kind: "Status", reason: "AlreadyExists" } as const;
        return Promise.reject(new ApiError(`POST ${of.plural}`, 409, status, ""));
      }
      this.writes.push(`create ${object.kind} ${keyOf(object.metadata)}`);
      return Promise.resolve(this.put({ ...object }) as T);
    },
    delete: (of: Resource, ref: ObjectRef): Promise<boolean> => {
      this.writes.push(`delete ${of.kind} ${keyOf(ref)}`);
      const isThere = this.get(of.kind, ref) !== undefined;
      this.remove(of.kind, ref);
      return Promise.resolve(isThere);
    },
    evict: (pod: ObjectRef): Promise<boolean> => {
      this.writes.push(`evict ${keyOf(pod)}`);
      const failure = this.failures.get("Pod");
      if (failure !== undefined) return Promise.reject(failure);
      const found = this.get("Pod", pod);
      if (found) this.put({ ...found, metadata: { ...found.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } });
      return Promise.resolve(found !== undefined);
    },
  };

  #apply(object: KubeObject, manager: string): KubeObject {
    const key = `${manager} ${object.kind} ${keyOf(object.metadata)}`;
    const before = this.get(object.kind, object.metadata) as unknown as Json | undefined;
    const applied = object as unknown as Json;
    const kept = before && without(before, this.#applied.get(key) ?? {}, this.#othersOf(key));
    this.#applied.set(key, applied);
    const merged = merge(kept ?? {}, applied);
    return isDeepStrictEqual(merged, before) ? (before as unknown as KubeObject) : this.put(merged as unknown as KubeObject & Json);
  }

  #othersOf(key: string): readonly Json[] {
    const [manager, ...rest] = key.split(" ");
    const object = rest.join(" ");
    return [...this.#applied]
      .filter(([other]) => other.endsWith(` ${object}`) && !other.startsWith(`${manager} `))
      .map(([, value]) => value);
  }

  #store(kind: string): ObjectStore<KubeObject> {
    const store = this.#stores.get(kind) ?? new ObjectStore<KubeObject>({ [OWNER_INDEX]: ownerUids });
    this.#stores.set(kind, store);
    return store;
  }
}

/** The object without the fields that were applied before, unless another manager has them. */
function without(object: Json, applied: Json, others: readonly Json[]): Json {
  const entries = Object.entries(object).flatMap(([field, value]): [string, unknown][] => {
    if (!(field in applied)) return [[field, value]];
    const inner = others.filter((other) => field in other).map((other) => other[field]);
    if (isMap(value) && isMap(applied[field])) return [[field, without(value, applied[field], inner.filter(isMap))]];
    return inner.length > 0 ? [[field, value]] : [];
  });
  return Object.fromEntries(entries);
}

function merge(object: Json, applied: Json): Json {
  const merged = { ...object };
  for (const [field, value] of Object.entries(applied)) {
    const before = merged[field];
    merged[field] = isMap(before) && isMap(value) ? merge(before, value) : value;
  }
  return merged;
}

function isMap(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
