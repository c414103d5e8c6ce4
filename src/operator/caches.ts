// The caches that the operator reads: TomcatClusters, the objects that it made of them, workers' pods, and versions of ConfigMaps.
import type { TomcatClusterManifest } from "../api/index.ts";
import type { Clock, Lifecycle, Logger, Random, Registry } from "../base/index.ts";
import {
  Informer,
  InformerMetrics,
  type InformerOptions,
  type KubeClient,
  type KubeObject,
  keyOf,
  type ObjectRef,
  RESOURCES,
  type Resource,
} from "../kube/index.ts";
import { TOMCAT_CLUSTERS, USUAL_KINDS } from "./apply/owned-kinds.ts";
import { OWNER_INDEX, ownerUids } from "./apply/owned-objects.ts";
import { APPLICATION_NAME, balancerReferences, MANAGED_BY, workerReferences } from "./desired/index.ts";
import type { TomcatClusterObject } from "./observe/observer.ts";
import type { Pod } from "./observe/worker-pods.ts";

export interface CachesDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly client: KubeClient;
}

const OWNED = `app.kubernetes.io/managed-by=${MANAGED_BY}`;
const WORKERS = `app.kubernetes.io/name=${APPLICATION_NAME},app.kubernetes.io/component=worker`;
const BY_OWNER = { [OWNER_INDEX]: ownerUids };
/** Index of clusters: by the keys of the ConfigMaps that they name. */
const CONFIG_MAP_INDEX = "configMap";

export class Caches implements Lifecycle {
  readonly clusters: readonly Informer<TomcatClusterObject>[];
  readonly pods: readonly Informer<Pod>[];
  /** Of everybody: nothing but which version each has, since any may be named by a cluster. */
  readonly configMaps: readonly Informer<KubeObject>[];
  readonly #deps: CachesDeps;
  readonly #namespaces: readonly (string | undefined)[];
  readonly #metrics: InformerMetrics;
  readonly #owned: Map<string, readonly Informer<KubeObject>[]>;
  /** Of kinds that came later, from before they are filled. */
  readonly #added = new Map<string, readonly Informer<KubeObject>[]>();
  #isStopped = false;

  /** `namespaces`: undefined is all of them. */
  constructor(deps: CachesDeps, namespaces: readonly (string | undefined)[]) {
    this.#deps = deps;
    this.#namespaces = namespaces;
    this.#metrics = new InformerMetrics(deps.registry);
    this.clusters = this.#informers<TomcatClusterObject>({ resource: TOMCAT_CLUSTERS, indexers: { [CONFIG_MAP_INDEX]: configMapKeys } });
    this.pods = this.#informers<Pod>({
      resource: RESOURCES.Pod,
      selection: { labelSelector: WORKERS },
      indexers: BY_OWNER,
      transform: withoutSpec,
    });
    this.configMaps = this.#informers<KubeObject>({
      resource: RESOURCES.ConfigMap,
      selection: { metadataOnly: true },
      transform: versionAlone,
    });
    this.#owned = new Map(Object.values(USUAL_KINDS).map((resource) => [resource.kind, this.#ownedOf(resource)]));
  }

  /** By kind. Those of ADDED_KINDS come when they are filled, and go. */
  get owned(): ReadonlyMap<string, readonly Informer<KubeObject>[]> {
    return this.#owned;
  }

  get hasSynced(): boolean {
    return this.#first.every(({ hasSynced }) => hasSynced);
  }

  cluster(ref: ObjectRef): TomcatClusterObject | undefined {
    return findIn(this.clusters, ref);
  }

  configMap(ref: ObjectRef): KubeObject | undefined {
    return findIn(this.configMaps, ref);
  }

  /** Keys of the clusters that name the ConfigMap with this key. */
  clustersNaming(configMap: string): readonly string[] {
    return this.clusters.flatMap(({ objects }) => objects.byIndex(CONFIG_MAP_INDEX, configMap).map(({ metadata }) => keyOf(metadata)));
  }

  /**
   * Keeps objects of one more kind from now on; resolves when they are there. `prepare` adds handlers. Rejects with SyncTimeoutError, and keeps
   * none then.
   */
  async add(resource: Resource, prepare: (informer: Informer<KubeObject>) => void): Promise<void> {
    if (this.#isStopped) return;
    const informers = this.#ownedOf(resource);
    for (const informer of informers) prepare(informer);
    this.#added.set(resource.kind, informers);
    try {
      await startAll(informers);
    } catch (error) {
      this.#added.delete(resource.kind);
      throw error;
    }
    this.#owned.set(resource.kind, informers);
  }

  /** Keeps none of that kind any more, which was added. */
  async remove({ kind }: Resource): Promise<void> {
    const informers = this.#added.get(kind) ?? [];
    this.#added.delete(kind);
    this.#owned.delete(kind);
    await stopAll(informers);
  }

  /** Rejects with SyncTimeoutError. */
  start(): Promise<void> {
    return startAll(this.#first);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await stopAll([...this.#first, ...[...this.#added.values()].flat()]);
  }

  get #first(): readonly (Lifecycle & { readonly hasSynced: boolean })[] {
    const owned = [...this.#owned].flatMap(([kind, informers]) => (this.#added.has(kind) ? [] : informers));
    return [...this.clusters, ...this.pods, ...this.configMaps, ...owned];
  }

  #ownedOf(resource: Resource): readonly Informer<KubeObject>[] {
    return this.#informers<KubeObject>({ resource, selection: { labelSelector: OWNED }, indexers: BY_OWNER });
  }

  #informers<T extends KubeObject>(options: InformerOptions<T>): readonly Informer<T>[] {
    const deps = { ...this.#deps, metrics: this.#metrics };
    return this.#namespaces.map((namespace) => new Informer<T>(deps, { ...options, selection: { ...options.selection, namespace } }));
  }
}

/** There is an informer for each namespace, or one for all. */
function findIn<T extends KubeObject>(informers: readonly Informer<T>[], ref: ObjectRef): T | undefined {
  for (const { objects } of informers) {
    const found = objects.get(ref);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** One after the other, so that what reading a list takes for a moment is not taken thirteen times at once. All or none. */
async function startAll(parts: readonly Lifecycle[]): Promise<void> {
  try {
    for (const part of parts) await part.start();
  } catch (error) {
    await stopAll(parts);
    throw error;
  }
}

async function stopAll(parts: readonly Lifecycle[]): Promise<void> {
  await Promise.all(parts.map((part) => part.stop()));
}

/** Of ConfigMaps that the cluster names. Exported for tests. */
export function configMapKeys({ metadata, spec }: TomcatClusterObject): readonly string[] {
  const cluster = { spec } as Pick<TomcatClusterManifest, "spec">;
  try {
    const named = [...workerReferences(cluster), ...balancerReferences(cluster)].filter(({ kind }) => kind === "ConfigMap");
    return named.map(({ name }) => keyOf({ namespace: metadata.namespace, name }));
  } catch {
    // Of another version of the definition, and not what this program knows: the reconcile says so (InvalidSpec).
    return [];
  }
}

function versionAlone({ metadata: { namespace, name, uid, resourceVersion } }: KubeObject): KubeObject {
  const metadata = { ...(namespace !== undefined && { namespace }), name, uid: uid!, resourceVersion: resourceVersion! };
  return { apiVersion: "v1", kind: "ConfigMap", metadata };
}

/** Of a pod, what it is like counts here, and not what it is made of. */
function withoutSpec(pod: Pod): Pod {
  const { spec: _spec, status, ...rest } = pod;
  const { podIP, conditions = [], containerStatuses = [] } = status ?? {};
  const ready = conditions.filter(({ type }) => type === "Ready");
  const containers = containerStatuses.map(({ name, state }) => ({ name, ...(state && { state }) }));
  return { ...rest, status: { ...(podIP !== undefined && { podIP }), conditions: ready, containerStatuses: containers } };
}
