// What this process has written itself and a cache may not have heard of yet: without it, a reconcile that follows at once would see the
// state from before, and write again.
import type { KubeObject } from "../../kube/index.ts";
import { describeObject } from "./applied-object.ts";

/** Holds objects only until the cache has them, or something newer. */
export class OwnWrites {
  readonly #answers = new Map<string, KubeObject>();

  /** `answer`: of the API server to a write. */
  remember(answer: KubeObject): void {
    this.#answers.set(describeObject(answer), answer);
  }

  /** The cache has this by now. */
  heard(object: KubeObject): void {
    const answer = this.#answers.get(describeObject(object));
    if (answer !== undefined && !isOlder(object, answer)) this.#answers.delete(describeObject(object));
  }

  /** The cache has it no more. */
  gone(object: KubeObject): void {
    this.#answers.delete(describeObject(object));
  }

  /** The newer one of the cache's and our own. */
  latest<T extends KubeObject>(cached: T): T {
    const answer = this.#answers.get(describeObject(cached));
    return answer !== undefined && answer.metadata.uid === cached.metadata.uid && isOlder(cached, answer) ? (answer as T) : cached;
  }
}

/** Versions are decimal numbers that grow (Kubernetes API concepts, "Resource versions"). */
function isOlder(one: KubeObject, other: KubeObject): boolean {
  return BigInt(one.metadata.resourceVersion ?? 0) < BigInt(other.metadata.resourceVersion ?? 0);
}
