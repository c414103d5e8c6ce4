// What manifests name and somebody else owns. ConfigMaps are watched, and read again when they change; Secrets are not the operator's to
// watch, and are read anew each time.
import type { TomcatCluster } from "../../api/index.ts";
import { type KubeClient, type KubeObject, type ObjectRef, RESOURCES } from "../../kube/index.ts";
import {
  balancerReferences,
  type Reference,
  type ReferencedData,
  type ResolvedReferences,
  resolveReferences,
  workerReferences,
} from "../desired/index.ts";

export interface ReferencesDeps {
  readonly client: Pick<KubeClient, "find">;
  /** The resourceVersion of a ConfigMap as it was last heard of; undefined: there is none. */
  readonly versionOf: (configMap: ObjectRef) => string | undefined;
}

interface Known {
  /** Of manifest and ConfigMaps, from before they were read. */
  readonly versions: string;
  readonly resolved: ResolvedReferences;
}

export class References {
  readonly #deps: ReferencesDeps;
  /** By uid, of clusters that name ConfigMaps alone. */
  readonly #known = new Map<string, Known>();

  constructor(deps: ReferencesDeps) {
    this.#deps = deps;
  }

  /** `object`: the cluster as the API server has it. */
  async read(cluster: TomcatCluster, { metadata }: KubeObject, signal: AbortSignal): Promise<ResolvedReferences> {
    const { namespace, uid = "", generation } = metadata;
    const named = new Map([...workerReferences(cluster), ...balancerReferences(cluster)].map((one) => [keyOf(one), one]));
    const references = [...named.values()];
    const versions = JSON.stringify([generation, ...references.map(({ name }) => this.#deps.versionOf({ namespace, name }) ?? null)]);
    const isWatched = references.every(({ kind }) => kind === "ConfigMap");
    const known = this.#known.get(uid);
    if (isWatched && known?.versions === versions) return known.resolved;
    const found = new Map<string, ReferencedData | undefined>();
    for (const [key, { kind, name }] of named) {
      found.set(key, await this.#deps.client.find<KubeObject & ReferencedData>(RESOURCES[kind], { namespace, name }, { signal }));
    }
    const resolved = resolveReferences(cluster, (reference) => found.get(keyOf(reference)));
    if (isWatched) this.#known.set(uid, { versions, resolved });
    else this.#known.delete(uid);
    return resolved;
  }

  /** The cluster is gone. */
  forget(uid: string): void {
    this.#known.delete(uid);
  }
}

function keyOf({ kind, name }: Reference): string {
  return `${kind}/${name}`;
}
