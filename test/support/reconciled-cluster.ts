// A Reconciler on objects in memory, with one TomcatCluster "web/shop", and what a StatefulSet's controller and a kubelet would do.
import { API_VERSION, KIND, type TomcatClusterManifest } from "../../src/api/index.ts";
import { type Random, silentLogger } from "../../src/base/index.ts";
import type { KubeEvent, KubeObject, ObjectRef } from "../../src/kube/index.ts";
import { ChannelKeys } from "../../src/operator/apply/channel-keys.ts";
import { USUAL_KINDS } from "../../src/operator/apply/owned-kinds.ts";
import { OwnedObjects } from "../../src/operator/apply/owned-objects.ts";
import type { DesireOptions } from "../../src/operator/desire.ts";
import { DEFAULTS, poolSelectorLabels } from "../../src/operator/desired/index.ts";
import { Observer, type TomcatClusterObject } from "../../src/operator/observe/observer.ts";
import { References } from "../../src/operator/observe/references.ts";
import type { Pod, StatefulSet } from "../../src/operator/observe/worker-pods.ts";
import { Reconciler } from "../../src/operator/reconcile.ts";
import { ProgressWatch } from "../../src/operator/roll/progress-watch.ts";
import { UpdateTurns } from "../../src/operator/roll/update-turns.ts";
import { ManualClock } from "./manual-clock.ts";
import { MemoryKubernetes } from "./memory-kubernetes.ts";

const NAMESPACE = "web";
const NAME = "shop";

export class ReconciledCluster {
  readonly kubernetes = new MemoryKubernetes();
  readonly clock = new ManualClock();
  readonly events: KubeEvent[] = [];
  /** By pod, keys with the sending one first: what its worker answers in place of the one view of all ready ones. */
  readonly answers = new Map<string, { members?: readonly string[]; sessionsAtRisk?: number; keys?: readonly number[] } | Error>();
  /** Uids of clusters that the operator's own image is rolled out to. */
  readonly rolling = new Set<string>();
  /** What the last reconcile asked for. */
  requeueAfterMs: number | undefined;
  #reconciler: Reconciler;

  constructor(spec: TomcatClusterManifest["spec"] = {}) {
    this.edit({ spec: { ...spec } });
    this.#reconciler = this.#operator({});
  }

  /** Another process, perhaps of another version, goes on. */
  upgrade(changes: Partial<Pick<DesireOptions, "image" | "defaults">> & { readonly rolloutDelayMs?: number } = {}): void {
    this.#reconciler = this.#operator(changes);
  }

  #operator({ rolloutDelayMs = 0, ...changes }: Parameters<ReconciledCluster["upgrade"]>[0] = {}): Reconciler {
    const { kubernetes, clock, events } = this;
    const { client } = kubernetes;
    const owned = new OwnedObjects({ client }, new Map(Object.keys(USUAL_KINDS).map((kind) => [kind, [kubernetes.cache(kind)]])));
    let bytes = 0;
    const random: Random = { bytes: (length) => Buffer.alloc(length, ++bytes) };
    const versionOf = (ref: ObjectRef) => kubernetes.get("ConfigMap", ref)?.metadata.resourceVersion;
    const observer = new Observer({
      references: new References({ client, versionOf }),
      findCluster: (ref) => kubernetes.get(KIND, ref),
      owned,
      pods: [kubernetes.cache<Pod>("Pod")],
      getText: (url) => this.#page(new URL(url).hostname),
    });
    const deps = {
      clock,
      logger: silentLogger,
      client,
      observer,
      owned,
      keys: new ChannelKeys({ clock, random, client }),
      progress: new ProgressWatch(clock),
      metrics: { told: () => undefined },
      turns: new UpdateTurns({ clock, rolling: () => this.rolling }, { delayMs: rolloutDelayMs }),
      events: { record: (_about: KubeObject, event: KubeEvent) => events.push(event) },
      written: () => undefined,
    };
    return new Reconciler(deps, {
      image: "registry.example/tomcat-cluster:1.2.3",
      defaults: DEFAULTS,
      operatorNamespace: "tomcat-cluster",
      knows: (kind) => owned.knows(kind),
      ...changes,
    });
  }

  get object(): TomcatClusterObject {
    return this.kubernetes.get<TomcatClusterObject>(KIND, { namespace: NAMESPACE, name: NAME })!;
  }

  get statefulSet(): StatefulSet {
    return this.kubernetes.get<StatefulSet>("StatefulSet", { namespace: NAMESPACE, name: NAME })!;
  }

  /** What a person changes: spec as a whole, annotations. */
  edit({ spec, annotations }: { spec?: object; annotations?: Readonly<Record<string, string>> }): void {
    const before = this.kubernetes.get<TomcatClusterObject>(KIND, { namespace: NAMESPACE, name: NAME });
    const metadata = { ...(before?.metadata ?? { namespace: NAMESPACE, name: NAME }), ...(annotations && { annotations }) };
    this.kubernetes.put({ ...before, apiVersion: API_VERSION, kind: KIND, metadata, spec: spec ?? before?.spec });
  }

  /** What is written meanwhile. */
  async reconcile(): Promise<readonly string[]> {
    const first = this.kubernetes.writes.length;
    const result = await this.#reconciler.reconcile(`${NAMESPACE}/${NAME}`, AbortSignal.timeout(10_000));
    this.requeueAfterMs = result?.requeueAfterMs;
    return this.kubernetes.writes.slice(first);
  }

  /** "Ready=True AllServing" */
  condition(type: string): string {
    const found = this.object.status?.conditions?.find((condition) => condition.type === type);
    return `${type}=${found?.status} ${found?.reason}`;
  }

  /** The StatefulSet's controller has seen the template, which is this revision. */
  see(revision: string): void {
    const set = this.statefulSet;
    const { generation } = set.metadata;
    this.kubernetes.put({ ...set, status: { observedGeneration: generation, updateRevision: revision } });
    const deployment = this.kubernetes.get<KubeObject & { spec: { replicas: number } }>("Deployment", {
      namespace: NAMESPACE,
      name: "shop-balancer",
    })!;
    const { replicas } = deployment.spec;
    const status = { observedGeneration: deployment.metadata.generation, updatedReplicas: replicas, availableReplicas: replicas };
    this.kubernetes.put({ ...deployment, status });
  }

  /** A worker's pod comes to be; an address of the documentation's. "faltering": it was ready, and is not any more. */
  startPod(ordinal: number, revision: string, state: "ready" | "starting" | "faltering" = "ready"): void {
    const { uid } = this.statefulSet.metadata;
    this.kubernetes.remove("Pod", { namespace: NAMESPACE, name: `${NAME}-${ordinal}` });
    this.kubernetes.put({
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        namespace: NAMESPACE,
        name: `${NAME}-${ordinal}`,
        labels: { ...poolSelectorLabels({ metadata: { name: NAME } }), "controller-revision-hash": revision },
        ownerReferences: [{ apiVersion: "apps/v1", kind: "StatefulSet", name: NAME, uid: uid!, controller: true }],
      },
      status: {
        podIP: `192.0.2.${ordinal}`,
        conditions: [{ type: "Ready", status: state === "ready" ? "True" : "False", lastTransitionTime: "2026-01-01T12:00:00Z" }],
        containerStatuses: [
          { name: "worker", state: { running: { startedAt: `2026-01-01T${state === "faltering" ? "11" : "13"}:00:00Z` } } },
        ],
      },
    });
  }

  removePod(ordinal: number): void {
    this.kubernetes.remove("Pod", { namespace: NAMESPACE, name: `${NAME}-${ordinal}` });
  }

  /** Reconciled, seen, and every wanted worker ready. */
  async settle(revision = "r1"): Promise<void> {
    await this.reconcile();
    this.see(revision);
    for (let ordinal = 0; ordinal < this.statefulSet.spec.replicas!; ordinal++) this.startPod(ordinal, revision);
    await this.reconcile();
  }

  #page(address: string): Promise<string> {
    const worker = `${NAME}-${address.slice(address.lastIndexOf(".") + 1)}`;
    const answer = this.answers.get(worker) ?? {};
    if (answer instanceof Error) return Promise.reject(answer);
    const { members = ["one group"], sessionsAtRisk = 0, keys = [1] } = answer;
    const [sending, ...others] = keys.map((generation) => ({ name: `${generation}.key` }));
    const known = members.map((name) => ({ name, state: "Alive" }));
    return Promise.resolve(
      JSON.stringify({
        state: "serving",
        members: known,
        managers: [{ sessionsAtRisk }],
        encryption: { sending, accepted: [sending, ...others] },
      }),
    );
  }
}
