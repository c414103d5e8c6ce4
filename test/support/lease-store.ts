// Leases as the API server keeps them: versions that grow, conflicts, and failures on demand.
import { ApiError, type KubeClient, type KubeObject, keyOf, type ObjectRef, type Resource } from "../../src/kube/index.ts";

export class LeaseStore {
  /** Thrown by every call while it is set; a promise that never settles: the API server hangs. */
  failure: Error | undefined;
  isHanging = false;
  /** In order: "find", "create", "replace". */
  readonly calls: string[] = [];
  readonly #objects = new Map<string, KubeObject>();
  #version = 0;

  get spec(): Record<string, unknown> {
    const [lease] = this.#objects.values();
    return (lease as KubeObject & { spec: Record<string, unknown> }).spec;
  }

  /** Somebody else writes. */
  overwrite(spec: Record<string, unknown>): void {
    const [lease] = this.#objects.values();
    this.#put({ ...lease!, spec } as KubeObject);
  }

  clear(): void {
    this.#objects.clear();
  }

  /** What one process uses of a KubeClient. */
  client(): Pick<KubeClient, "find" | "create" | "replace"> {
    const enter = async (call: string, signal?: AbortSignal) => {
      this.calls.push(call);
      if (this.isHanging) await new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
      if (this.failure) throw this.failure;
    };
    return {
      find: async <T extends KubeObject>(_of: Resource, ref: ObjectRef, options?: { signal?: AbortSignal | undefined }) => {
        await enter("find", options?.signal);
        return structuredClone(this.#objects.get(keyOf(ref))) as T | undefined;
      },
      create: async <T extends KubeObject>(_of: Resource, object: KubeObject, options?: { signal?: AbortSignal | undefined }) => {
        await enter("create", options?.signal);
        if (this.#objects.has(keyOf(object.metadata))) throw refused(409, "AlreadyExists");
        return this.#put(object) as T;
      },
      replace: async <T extends KubeObject>(_of: Resource, object: KubeObject, options?: { signal?: AbortSignal | undefined }) => {
        await enter("replace", options?.signal);
        const before = this.#objects.get(keyOf(object.metadata));
        if (!before) throw refused(404, "NotFound");
        if (before.metadata.resourceVersion !== object.metadata.resourceVersion) throw refused(409, "Conflict");
        return this.#put(object) as T;
      },
    };
  }

  #put(object: KubeObject): KubeObject {
    this.#version++;
    const kept = structuredClone({ ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } });
    this.#objects.set(keyOf(object.metadata), kept);
    return structuredClone(kept);
  }
}

function refused(code: number, reason: string): ApiError {
  return new ApiError("lease", code, { kind: "Status", code, reason }, "");
}
