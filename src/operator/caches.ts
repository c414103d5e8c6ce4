// The caches that the operator reads: TomcatClusters, the objects that it made of them, and workers' pods.
import type { Clock, Lifecycle, Logger, Random, Registry } from "../base/index.ts";
import {
  ApiError,
  Informer,
  InformerMetrics,
  type InformerOptions,
  type KubeClient,
  type KubeObject,
  type ObjectRef,
  RESOURCES,
  type Resource,
} from "../kube/index.ts";
import { ADDED_KINDS, TOMCAT_CLUSTERS, USUAL_KINDS } from "./apply/owned-kinds.ts";
import { OWNER_INDEX, ownerUids } from "./apply/owned-objects.ts";
import { APPLICATION_NAME, MANAGED_BY } from "./desired/index.ts";
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

export class Caches implements Lifecycle {
  readonly clusters: readonly Informer<TomcatClusterObject>[];
  readonly pods: readonly Informer<Pod>[];
  /** By kind; without those that the API server does not know. */
  readonly owned: ReadonlyMap<string, readonly Informer<KubeObject>[]>;

  /** `namespaces`: undefined is all of them. `addedKinds`: of ADDED_KINDS, those that there are. */
  constructor(deps: CachesDeps, namespaces: readonly (string | undefined)[], addedKinds: readonly Resource[]) {
    const metrics = new InformerMetrics(deps.registry);
    const informers = <T extends KubeObject>(options: InformerOptions<T>) =>
      namespaces.map((namespace) => new Informer<T>({ ...deps, metrics }, { ...options, selection: { ...options.selection, namespace } }));
    this.clusters = informers<TomcatClusterObject>({ resource: TOMCAT_CLUSTERS });
    this.pods = informers<Pod>({
      resource: RESOURCES.Pod,
      selection: { labelSelector: WORKERS },
      indexers: BY_OWNER,
      transform: withoutSpec,
    });
    const kinds = [...Object.values(USUAL_KINDS), ...addedKinds];
    this.owned = new Map(
      kinds.map((resource) => [
        resource.kind,
        informers<KubeObject>({ resource, selection: { labelSelector: OWNED }, indexers: BY_OWNER }),
      ]),
    );
  }

  get hasSynced(): boolean {
    return this.#all.every(({ hasSynced }) => hasSynced);
  }

  cluster(ref: ObjectRef): TomcatClusterObject | undefined {
    for (const { objects } of this.clusters) {
      const found = objects.get(ref);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Rejects with SyncTimeoutError. */
  async start(): Promise<void> {
    const results = await Promise.allSettled(this.#all.map((informer) => informer.start()));
    const failed = results.find((result) => result.status === "rejected");
    if (failed === undefined) return;
    await this.stop();
    throw failed.reason;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.map((informer) => informer.stop()));
  }

  get #all(): readonly (Lifecycle & { readonly hasSynced: boolean })[] {
    return [...this.clusters, ...this.pods, ...[...this.owned.values()].flat()];
  }
}

/** Of ADDED_KINDS those that the API server has. What is installed later is found by the next start. */
export async function findAddedKinds(
  client: Pick<KubeClient, "list">,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<readonly Resource[]> {
  const found: Resource[] = [];
  for (const resource of Object.values(ADDED_KINDS)) {
    try {
      await client.list(resource, { namespace, labelSelector: OWNED }, { signal });
      found.push(resource);
    } catch (error) {
      // 403: not ours to make, where an operator may do less than everything.
      if (!(error instanceof ApiError) || (error.statusCode !== 404 && error.statusCode !== 403)) throw error;
    }
  }
  return found;
}

/** Of a pod, what it is like counts here, and not what it is made of. */
function withoutSpec(pod: Pod): Pod {
  const { spec: _spec, status, ...rest } = pod;
  const { podIP, conditions = [], containerStatuses = [] } = status ?? {};
  const ready = conditions.filter(({ type }) => type === "Ready");
  const containers = containerStatuses.map(({ name, state }) => ({ name, ...(state && { state }) }));
  return { ...rest, status: { ...(podIP !== undefined && { podIP }), conditions: ready, containerStatuses: containers } };
}
