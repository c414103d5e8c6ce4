// The caches of all objects that the operator makes, as one.
import type { Informer, KubeClient, KubeObject, ObjectRef } from "../../kube/index.ts";
import type { LiveObjects } from "./object-writer.ts";
import { OwnWrites } from "./own-writes.ts";
import { resourceOf } from "./owned-kinds.ts";

/** Index of caches of owned objects: by the uid of their controller. */
export const OWNER_INDEX = "owner";

export type Cache<T extends KubeObject = KubeObject> = Pick<Informer<T>, "objects" | "addHandler">;

/** Values for OWNER_INDEX. */
export function ownerUids({ metadata }: KubeObject): readonly string[] {
  return (metadata.ownerReferences ?? []).filter(({ controller }) => controller === true).map(({ uid }) => uid);
}

export class OwnedObjects implements LiveObjects {
  readonly #client: Pick<KubeClient, "find">;
  readonly #caches: ReadonlyMap<string, readonly Cache[]>;
  readonly #writes = new OwnWrites();

  /** `caches`: by kind, one for each namespace that is watched; before they start. Kinds may come and go. */
  constructor(deps: { readonly client: Pick<KubeClient, "find"> }, caches: ReadonlyMap<string, readonly Cache[]>) {
    this.#client = deps.client;
    this.#caches = caches;
    for (const cache of [...caches.values()].flat()) this.listenTo(cache);
  }

  /** To a cache that joins those of the constructor; before it starts. */
  listenTo(cache: Cache): void {
    const heard = (object: KubeObject) => this.#writes.heard(object);
    cache.addHandler({ added: heard, updated: heard, deleted: (object) => this.#writes.gone(object) });
  }

  knows(kind: string): boolean {
    return this.#caches.has(kind);
  }

  /** What is not in the cache may be somebody else's, without our label, or so new that nobody has heard of it. */
  async find(kind: string, ref: ObjectRef, signal: AbortSignal): Promise<KubeObject | undefined> {
    return this.cached(kind, ref) ?? this.#client.find<KubeObject>(resourceOf(kind), ref, { signal });
  }

  cached(kind: string, ref: ObjectRef): KubeObject | undefined {
    for (const { objects } of this.#caches.get(kind) ?? []) {
      const found = objects.get(ref);
      if (found !== undefined) return this.#writes.latest(found);
    }
    return undefined;
  }

  ownedBy(uid: string): readonly KubeObject[] {
    return [...this.#caches.values()].flatMap((caches) => caches.flatMap(({ objects }) => objects.byIndex(OWNER_INDEX, uid)));
  }

  written(answer: KubeObject): void {
    this.#writes.remember(answer);
  }
}
