// An Operator on a real API server, with the rights that the chart gives it, and what no controller and no kubelet does there.
import { API_VERSION, KIND } from "../../src/api/index.ts";
import { type Clock, type Lifecycle, LifecycleGroup, Registry, systemClock, systemRandom } from "../../src/base/index.ts";
import {
  type ApplyOptions,
  type CallOptions,
  type Credentials,
  type DeleteOptions,
  KubeClient,
  KubeConfigCredentials,
  type KubeObject,
  keyOf,
  type ObjectRef,
  RESOURCES,
  type Resource,
} from "../../src/kube/index.ts";
import { TOMCAT_CLUSTERS } from "../../src/operator/apply/owned-kinds.ts";
import { poolSelectorLabels } from "../../src/operator/desired/index.ts";
import type { TomcatClusterObject } from "../../src/operator/observe/observer.ts";
import type { Deployment, StatefulSet } from "../../src/operator/observe/worker-pods.ts";
import { Operator, type OperatorOptions } from "../../src/operator/operator.ts";
import { parseExposition, sampleValue } from "./exposition.ts";
import type { KubeApiServer } from "./kube-api-server.ts";
import type { KubeTestClient } from "./kube-test-client.ts";
import { MemoryLog } from "./memory-log.ts";

const DEPLOY = new URL("../../deploy", import.meta.url).pathname;
/** Of the operator. */
export const OPERATOR_NAMESPACE = "tomcat-cluster";
const MANAGER = "test";

/** As deploy/ has it: the CRD, a namespace for the operator, and its rights. Returns the kubeconfig of the operator's service account. */
export async function installOperator(server: KubeApiServer): Promise<string> {
  await server.kubectl("apply", "-k", DEPLOY);
  await server.kubectl("wait", "--for=condition=Established", `crd/${TOMCAT_CLUSTERS.plural}.${TOMCAT_CLUSTERS.group}`);
  return server.serviceAccountKubeconfig(OPERATOR_NAMESPACE, "tomcat-cluster-operator");
}

/** Remembers what it was told to change, but for Events and Leases. */
class RecordingClient extends KubeClient {
  readonly writes: string[] = [];

  override apply<T extends KubeObject>(of: Resource, object: KubeObject, options: ApplyOptions): Promise<T> {
    this.#record("apply", of, object.metadata);
    return super.apply<T>(of, object, options);
  }

  override applyStatus<T extends KubeObject>(of: Resource, object: KubeObject, options: ApplyOptions): Promise<T> {
    this.#record("status", of, object.metadata);
    return super.applyStatus<T>(of, object, options);
  }

  override create<T extends KubeObject>(of: Resource, object: KubeObject, options: CallOptions): Promise<T> {
    this.#record("create", of, object.metadata);
    return super.create<T>(of, object, options);
  }

  override delete(of: Resource, ref: ObjectRef, options: DeleteOptions): Promise<boolean> {
    this.#record("delete", of, ref);
    return super.delete(of, ref, options);
  }

  #record(verb: string, { kind }: Resource, ref: ObjectRef): void {
    if (kind !== "Event" && kind !== "Lease") this.writes.push(`${verb} ${kind} ${keyOf(ref)}`);
  }
}

export interface RunningOperatorOptions extends Partial<OperatorOptions> {
  readonly requestTimeoutMs?: number;
  /** Default: the system's. */
  readonly clock?: Clock;
}

export class RunningOperator {
  readonly log = new MemoryLog();
  readonly failures: unknown[] = [];
  /** By a pod's address: what its worker answers. Others do not answer. */
  readonly pages = new Map<string, object>();
  readonly #registry = new Registry();
  readonly #client: RecordingClient;
  readonly #parts: Lifecycle;

  /** `access`: credentials, or the path of a kubeconfig. */
  constructor(access: string | Credentials, { requestTimeoutMs = 30_000, clock = systemClock, ...options }: RunningOperatorOptions = {}) {
    const deps = { clock, random: systemRandom, logger: this.log.logger, registry: this.#registry };
    const credentials = typeof access === "string" ? new KubeConfigCredentials(deps, { kubeconfig: access }) : access;
    this.#client = new RecordingClient({ ...deps, credentials }, { userAgent: "tomcat-cluster-operator/test", requestTimeoutMs });
    const operator = new Operator(
      {
        ...deps,
        client: this.#client,
        management: { addReadinessCheck: () => undefined },
        onFailed: (error) => this.failures.push(error),
        getText: (url) => this.#page(new URL(url).hostname),
      },
      {
        image: "registry.example/tomcat-cluster:1",
        namespace: OPERATOR_NAMESPACE,
        identity: "one",
        watchNamespaces: [],
        electsLeader: false,
        ...options,
      },
    );
    this.#parts = new LifecycleGroup([this.#client, operator]);
  }

  /** "apply ConfigMap default/shop-workers" */
  get writes(): readonly string[] {
    return this.#client.writes;
  }

  start(): Promise<void> {
    return this.#parts.start();
  }

  stop(): Promise<void> {
    return this.#parts.stop();
  }

  async metric(name: string, labels: Record<string, string> = {}): Promise<number> {
    return sampleValue(parseExposition(await this.#registry.metrics()), name, labels);
  }

  #page(address: string): Promise<string> {
    const page = this.pages.get(address);
    return page === undefined ? Promise.reject(new Error(`${address} is silent`)) : Promise.resolve(JSON.stringify(page));
  }
}

/** One TomcatCluster and the parts of controllers and kubelet. */
export class ClusterOnServer {
  readonly #client: KubeTestClient["client"];
  readonly #ref: { readonly namespace: string; readonly name: string };

  constructor(client: KubeTestClient["client"], name: string, namespace = "default") {
    this.#client = client;
    this.#ref = { namespace, name };
  }

  /** Makes it. */
  async create(spec: object = {}): Promise<void> {
    const object = { apiVersion: API_VERSION, kind: KIND, metadata: this.#ref, spec };
    await this.#client.create(TOMCAT_CLUSTERS, object as KubeObject);
  }

  /** Changes fields of its spec; its generation then. */
  async change(spec: object): Promise<number> {
    return (await this.#client.merge<KubeObject>(TOMCAT_CLUSTERS, this.#ref, { spec })).metadata.generation!;
  }

  get(): Promise<TomcatClusterObject> {
    return this.#client.get<TomcatClusterObject>(TOMCAT_CLUSTERS, this.#ref);
  }

  statefulSet(): Promise<StatefulSet> {
    return this.#client.get<StatefulSet>(RESOURCES.StatefulSet, this.#ref);
  }

  /** "True AllServing", or "none". */
  async condition(type: string): Promise<string> {
    const found = (await this.get()).status?.conditions?.find((condition) => condition.type === type);
    return found === undefined ? "none" : `${found.status} ${found.reason}`;
  }

  /** The controllers have seen everything: the template is of this revision, and the balancers run. */
  async see(updateRevision: string): Promise<void> {
    const { metadata, spec } = await this.statefulSet();
    await this.#status(RESOURCES.StatefulSet, this.#ref.name, {
      observedGeneration: metadata.generation,
      replicas: spec.replicas ?? 0,
      updateRevision,
    });
    const balancer = await this.#client.get<Deployment>(RESOURCES.Deployment, { ...this.#ref, name: `${this.#ref.name}-balancer` });
    const replicas = balancer.spec.replicas!;
    await this.#status(RESOURCES.Deployment, balancer.metadata.name, {
      observedGeneration: balancer.metadata.generation,
      replicas,
      updatedReplicas: replicas,
      readyReplicas: replicas,
      availableReplicas: replicas,
    });
  }

  /** "faltering": it was ready, and is not any more. */
  async startPod(ordinal: number, revision: string, address: string, state: "ready" | "starting" | "faltering" = "ready"): Promise<void> {
    const { metadata } = await this.statefulSet();
    const name = `${this.#ref.name}-${ordinal}`;
    const owner = { apiVersion: "apps/v1", kind: "StatefulSet", name: metadata.name, uid: metadata.uid!, controller: true };
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name,
        namespace: this.#ref.namespace,
        labels: { ...poolSelectorLabels({ metadata: this.#ref }), "controller-revision-hash": revision },
        ownerReferences: [owner],
      },
      spec: { containers: [{ name: "worker", image: "none" }] },
    };
    await this.#client.create(RESOURCES.Pod, pod as KubeObject);
    const conditions = [{ type: "Ready", status: state === "ready" ? "True" : "False", lastTransitionTime: "2026-01-01T12:00:00Z" }];
    const running = { startedAt: `2026-01-01T${state === "faltering" ? "11" : "13"}:00:00Z` };
    const container = { name: "worker", image: "none", imageID: "", ready: state === "ready", restartCount: 0, state: { running } };
    const addresses = { podIP: address, podIPs: [{ ip: address }] };
    await this.#status(RESOURCES.Pod, name, { phase: "Running", ...addresses, conditions, containerStatuses: [container] });
  }

  async hasPod(ordinal: number): Promise<boolean> {
    return (await this.#client.find(RESOURCES.Pod, { ...this.#ref, name: `${this.#ref.name}-${ordinal}` })) !== undefined;
  }

  /** The disruption controller has counted. */
  async allowDisruptions(disruptionsAllowed: number): Promise<void> {
    const name = `${this.#ref.name}-workers`;
    const { metadata } = await this.#client.get(RESOURCES.PodDisruptionBudget, { ...this.#ref, name });
    const counts = { currentHealthy: 3, desiredHealthy: 2, expectedPods: 3 };
    await this.#status(RESOURCES.PodDisruptionBudget, name, { ...counts, disruptionsAllowed, observedGeneration: metadata.generation });
  }

  async #status(of: (typeof RESOURCES)[keyof typeof RESOURCES], name: string, status: object): Promise<void> {
    const apiVersion = of.group === "" ? of.version : `${of.group}/${of.version}`;
    const object = { apiVersion, kind: of.kind, metadata: { namespace: this.#ref.namespace, name }, status };
    await this.#client.applyStatus(of, object as KubeObject, { fieldManager: MANAGER });
  }
}
