// The operator as one thing that starts and stops: it fills its caches, waits to be the leader, and reconciles.
import { KIND } from "../api/index.ts";
import type { Clock, Lifecycle, Logger, Random, Registry } from "../base/index.ts";
import { EventRecorder, type KubeClient, type KubeObject, keyOf, type Resource } from "../kube/index.ts";
import type { ManagementServer } from "../management/index.ts";
import { AddedKinds } from "./added-kinds.ts";
import { ChannelKeys } from "./apply/channel-keys.ts";
import { OwnWrites } from "./apply/own-writes.ts";
import { OwnedObjects } from "./apply/owned-objects.ts";
import { Caches } from "./caches.ts";
import { ClusterMetrics } from "./cluster-metrics.ts";
import { Controller, ControllerMetrics, LeaderElector, type LeadershipLostError } from "./controller/index.ts";
import { DEFAULTS, type Defaults, INSTANCE_LABEL } from "./desired/index.ts";
import { Observer, type TomcatClusterObject } from "./observe/observer.ts";
import { References } from "./observe/references.ts";
import { fetchText, type GetText } from "./observe/worker-view.ts";
import { Reconciler } from "./reconcile.ts";
import { ProgressWatch } from "./roll/progress-watch.ts";
import { UpdateTurns } from "./roll/update-turns.ts";

export interface OperatorDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly client: KubeClient;
  readonly management: Pick<ManagementServer, "addReadinessCheck">;
  /** It cannot go on: the process has to end with a failure. Called at most once. */
  readonly onFailed: (error: unknown) => void;
  /** How workers' pages are read. Default: over the network. */
  readonly getText?: GetText;
}

export interface OperatorOptions {
  /** Of clusters that have none yet, and of those that want what the operator has. */
  readonly image: string;
  /** Of the operator, and of its Lease. */
  readonly namespace: string;
  /** Of this process among several; a pod's name. */
  readonly identity: string;
  /** Empty: all namespaces. */
  readonly watchNamespaces: readonly string[];
  /** Whether one of several leads. Without, there must be one alone. */
  readonly electsLeader: boolean;
  /** Clusters worked on at a time. Default 8. */
  readonly concurrency?: number;
  /** After the update of one cluster to the operator's own image and defaults, before the next one's. Default 0. */
  readonly rolloutDelayMs?: number;
  /** Between two looks which kinds of other products there are. Default 30 000. */
  readonly kindsPeriodMs?: number;
  /** What pods are made of, by revision. Default DEFAULTS. */
  readonly defaults?: readonly Defaults[];
}

const NAME = "tomcat-cluster-operator";
const CONCURRENCY = 8;

export class Operator implements Lifecycle {
  readonly #deps: OperatorDeps;
  readonly #options: OperatorOptions;
  readonly #events: EventRecorder;
  readonly #elector: LeaderElector | undefined;
  readonly #stopped = new AbortController();
  #leading: Promise<void> | undefined;
  #isLeading = false;
  #caches: Caches | undefined;
  #addedKinds: AddedKinds | undefined;
  #controller: Controller | undefined;

  constructor(deps: OperatorDeps, options: OperatorOptions) {
    this.#deps = deps;
    this.#options = options;
    const { namespace, identity, electsLeader } = options;
    this.#events = new EventRecorder(deps, { component: NAME, instance: identity });
    const election = { namespace, name: NAME, identity };
    const onLost = (error: LeadershipLostError) => this.#lost(error);
    this.#elector = electsLeader ? new LeaderElector({ ...deps, onLost }, election) : undefined;
    deps.management.addReadinessCheck("caches", () => (this.#caches?.hasSynced ? undefined : "not filled yet"));
  }

  /** Does not wait for the caches, nor to be the leader. */
  async start(): Promise<void> {
    await this.#events.start();
    this.#leading = this.#lead().catch((error: unknown) => {
      if (!this.#stopped.signal.aborted) this.#deps.onFailed(error);
    });
  }

  /** The Lease goes last: nobody else may begin while something of ours still runs. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#controller?.stop();
    // Together: a look may wait for a cache to be filled.
    await Promise.all([this.#addedKinds?.stop(), this.#caches?.stop()]);
    await this.#events.stop();
    await this.#elector?.stop();
    await this.#leading;
  }

  /** Five seconds later somebody else may lead: what runs is cut off at once, and not given the time that a stop gives it. */
  #lost(error: LeadershipLostError): void {
    this.#stopped.abort(error);
    this.#controller?.abandon(error);
    this.#deps.onFailed(error);
  }

  /** Who waits to lead keeps its caches filled: it takes over at once, however many clusters there are. */
  async #lead(): Promise<void> {
    const { watchNamespaces } = this.#options;
    const namespaces = watchNamespaces.length === 0 ? [undefined] : watchNamespaces;
    this.#caches = new Caches(this.#deps, namespaces);
    const owned = new OwnedObjects(this.#deps, this.#caches.owned);
    const controller = this.#controllerOf(this.#caches, owned);
    this.#addedKinds = this.#addedKindsOf(this.#caches, owned, controller, namespaces[0]);
    // The first to speak with the API server: it waits until there is one.
    await this.#addedKinds.start();
    if (this.#stopped.signal.aborted) return;
    await this.#caches.start();
    if (this.#stopped.signal.aborted) return;
    await this.#elector?.start();
    if (this.#elector && !(await this.#elector.elected)) return;
    this.#isLeading = true;
    this.#controller = controller;
    await controller.start();
    const clusters = this.#caches.clusters.flatMap(({ objects }) => [...objects.values()]);
    for (const object of clusters.filter((cluster) => !isTold(cluster))) controller.add(keyOf(object.metadata));
    for (const object of clusters.filter(isTold)) controller.lookOver(keyOf(object.metadata));
  }

  #addedKindsOf(caches: Caches, owned: OwnedObjects, controller: Controller, namespace: string | undefined): AddedKinds {
    const reconcileAll = () => {
      for (const { metadata } of caches.clusters.flatMap(({ objects }) => [...objects.values()])) controller.add(keyOf(metadata));
    };
    const appeared = async (resource: Resource) => {
      await caches.add(resource, (informer) => {
        owned.listenTo(informer);
        controller.watch(informer, ownerKeys);
      });
      reconcileAll();
    };
    const vanished = async (resource: Resource) => {
      await caches.remove(resource);
      reconcileAll();
    };
    return new AddedKinds({ ...this.#deps, appeared, vanished }, { namespace, periodMs: this.#options.kindsPeriodMs });
  }

  #controllerOf(caches: Caches, owned: OwnedObjects): Controller {
    const { clock, logger, registry, client, getText = fetchText } = this.#deps;
    const { image, namespace, defaults = DEFAULTS } = this.#options;
    const keys = new ChannelKeys(this.#deps);
    const progress = new ProgressWatch(clock);
    const writes = new OwnWrites();
    const clusters = () => caches.clusters.flatMap(({ objects }) => Array.from(objects.values(), (cached) => writes.latest(cached)));
    const rolling = () => clusters().flatMap(({ metadata, status }) => (status?.update?.phase === "Rolling" ? [metadata.uid!] : []));
    const turns = new UpdateTurns({ clock, rolling }, { delayMs: this.#options.rolloutDelayMs ?? 0 });
    const findCluster = (ref: { readonly namespace?: string | undefined; readonly name: string }) => {
      const cached = caches.cluster(ref);
      return cached && writes.latest(cached);
    };
    // Of several processes one tells of the clusters.
    const metrics = new ClusterMetrics({ registry, clock }, () => (this.#isLeading ? clusters() : []));
    const references = new References({ client, versionOf: (ref) => caches.configMap(ref)?.metadata.resourceVersion });
    const observer = new Observer({ references, findCluster, owned, pods: caches.pods, getText });
    const written = (answer: KubeObject) => writes.remember(answer);
    const reconciler = new Reconciler(
      { ...this.#deps, logger, observer, owned, keys, progress, turns, metrics, events: this.#events, written },
      { image, defaults, operatorNamespace: namespace, knows: (kind) => owned.knows(kind) },
    );
    const controller = new Controller(
      { clock, logger, metrics: new ControllerMetrics(registry, clock), reconcile: (key, signal) => reconciler.reconcile(key, signal) },
      { name: "tomcatcluster", concurrency: this.#options.concurrency ?? CONCURRENCY },
    );
    const heard = (object: KubeObject) => writes.heard(object);
    for (const informer of caches.clusters) {
      informer.addHandler({
        added: heard,
        updated: heard,
        deleted: (object) => {
          writes.gone(object);
          keys.forget(object.metadata.uid!);
          progress.forget(object.metadata.uid!);
          references.forget(object.metadata.uid!);
          turns.end(object.metadata.uid!, false);
          metrics.forget(keyOf(object.metadata));
        },
      });
      controller.watch(informer, ({ metadata }) => [keyOf(metadata)]);
    }
    for (const informer of [...caches.owned.values()].flat()) controller.watch(informer, ownerKeys);
    for (const informer of caches.pods) {
      informer.addHandler({
        updated: (pod, before) => this.#isLeading && metrics.changed(pod, before),
        deleted: (pod) => this.#isLeading && metrics.gone(pod),
      });
      controller.watch(informer, instanceKeys);
    }
    for (const informer of caches.configMaps) controller.watch(informer, ({ metadata }) => caches.clustersNaming(keyOf(metadata)));
    return controller;
  }
}

/** Whether its status is about the spec as it is. */
function isTold({ metadata, status }: TomcatClusterObject): boolean {
  return status?.observedGeneration === metadata.generation;
}

function ownerKeys({ metadata }: KubeObject): readonly string[] {
  const { namespace, ownerReferences = [] } = metadata;
  return ownerReferences
    .filter(({ kind, controller }) => kind === KIND && controller === true)
    .map(({ name }) => keyOf({ namespace, name }));
}

/** A pod's controller is a StatefulSet; whose it is, its label says. */
function instanceKeys({ metadata }: KubeObject): readonly string[] {
  const name = metadata.labels?.[INSTANCE_LABEL];
  return name === undefined ? [] : [keyOf({ namespace: metadata.namespace, name })];
}
