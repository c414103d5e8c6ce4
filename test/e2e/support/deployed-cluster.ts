// A TomcatCluster on a real Kubernetes, as a test sees it: its pods, its Service, and whether all is as its manifest says.
import { type KubeClient, type KubeObject, RESOURCES } from "../../../src/kube/index.ts";
import { fetchServingWorkers } from "../../../src/local/serving-workers.ts";
import { TOMCAT_CLUSTERS } from "../../../src/operator/apply/owned-kinds.ts";
import { MANAGEMENT_PORT, WORKER_HTTP_PORT } from "../../../src/operator/desired/index.ts";
import type { TomcatClusterObject } from "../../../src/operator/observe/observer.ts";
import type { Pod } from "../../../src/operator/observe/worker-pods.ts";
import type { Mode } from "../../reliability/run-fault.ts";
import { until } from "../../support/until.ts";

export interface DeployedPod {
  /** Of a worker, its route too. */
  readonly name: string;
  readonly uid: string;
  /** Of its container. */
  readonly restarts: number;
  readonly isReady: boolean;
  /** Where it serves requests itself; only when it has an address. */
  readonly url: string;
  readonly management: string;
}

export const NAMESPACE = "default";
const PAGE_TIMEOUT_MS = 2000;
const POLL_MS = 500;
/** A roll of all workers takes less than a minute on a machine that has nothing else to do. */
const PATIENCE_MS = 300_000;

type RestartCounts = readonly { readonly restartCount?: number }[];
interface Scaled extends KubeObject {
  readonly spec?: { readonly replicas?: number };
}
interface AddressedService extends KubeObject {
  readonly spec: { readonly clusterIP: string };
}

export class DeployedCluster {
  readonly name: string;
  readonly mode: Mode;
  readonly #client: KubeClient;

  constructor(client: KubeClient, name: string, mode: Mode) {
    this.#client = client;
    this.name = name;
    this.mode = mode;
  }

  /** As the API server has it. */
  object(): Promise<TomcatClusterObject> {
    return this.#client.get<TomcatClusterObject>(TOMCAT_CLUSTERS, { namespace: NAMESPACE, name: this.name });
  }

  /** Of the balancers' Service: the address that pods use, which this machine reaches, too. */
  async url(): Promise<string> {
    const ref = { namespace: NAMESPACE, name: `${this.name}-balancer` };
    const { spec } = await this.#client.get<AddressedService>(RESOURCES.Service, ref);
    return `http://${spec.clusterIP}`;
  }

  /** Those that are not being deleted, by their names. */
  workers(): Promise<readonly DeployedPod[]> {
    return this.#pods("worker");
  }

  balancers(): Promise<readonly DeployedPod[]> {
    return this.#pods("balancer");
  }

  /** Resolves when none of these pods is there any more, and others of the same number are, ready. */
  async replaced(before: readonly DeployedPod[], component: "worker" | "balancer" = "worker"): Promise<void> {
    await this.#until(`${before.map(({ name }) => name).join(", ")} replaced`, async () => {
      const now = await this.#pods(component);
      return before.every(({ uid }) => now.every((pod) => pod.uid !== uid)) && now.filter(({ isReady }) => isReady).length >= before.length;
    });
  }

  /** Resolves when the pod's container has been started once more, and is ready. */
  async restarted(before: DeployedPod): Promise<void> {
    await this.#until(`${before.name} started again`, async () =>
      (await this.workers()).some(({ uid, restarts, isReady }) => uid === before.uid && restarts > before.restarts && isReady),
    );
  }

  /** Resolves when the operator has nothing left to do, every pod that is wanted is ready, and every balancer sends requests to every worker. */
  async whole(): Promise<void> {
    await this.#until("as its manifest says", async () => {
      const { metadata, spec, status } = await this.object();
      const { replicas } = spec as { replicas: number };
      const condition = (type: string) => status?.conditions?.find((one) => one.type === type);
      const { status: ready, message } = condition("Ready") ?? {};
      const { status: reconciling, message: reconciled } = condition("Reconciling") ?? {};
      expect(status?.observedGeneration === metadata.generation, "the operator has not seen the last change");
      expect(ready === "True", `not Ready: ${message}`);
      expect(reconciling === "False", `Reconciling: ${reconciled}`);
      expect(status?.keyRotation === undefined, "the channel's key is being replaced");
      expect(condition("WellFormed")?.status === "True", `not WellFormed: ${condition("WellFormed")?.message}`);
      const [workers, balancers] = await Promise.all([this.workers(), this.balancers()]);
      const deployment = await this.#client.get<Scaled>(RESOURCES.Deployment, { namespace: NAMESPACE, name: `${this.name}-balancer` });
      for (const { name, isReady } of [...workers, ...balancers]) expect(isReady, `${name} is not ready`);
      expect(workers.length === replicas, `${workers.length} workers, not ${replicas}`);
      expect(balancers.length === deployment.spec?.replicas, `${balancers.length} balancers, not ${deployment.spec?.replicas}`);
      const names = workers.map(({ name }) => name).join();
      for (const { name, management } of balancers) {
        const serving = (await fetchServingWorkers(management, PAGE_TIMEOUT_MS)).toSorted().join();
        expect(serving === names, `${name} sends requests to ${serving}, not ${names}`);
      }
      return true;
    });
  }

  #until(what: string, holds: () => Promise<boolean>): Promise<void> {
    return until(`${this.name}: ${what}`, holds, { patienceMs: PATIENCE_MS, pollMs: POLL_MS });
  }

  async #pods(component: "worker" | "balancer"): Promise<readonly DeployedPod[]> {
    const labelSelector = `app.kubernetes.io/instance=${this.name},app.kubernetes.io/component=${component}`;
    const pods = await this.#client.list<Pod>(RESOURCES.Pod, { namespace: NAMESPACE, labelSelector });
    return pods
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ metadata, status }) => ({
        name: metadata.name,
        uid: metadata.uid!,
        restarts: (status?.containerStatuses as RestartCounts | undefined)?.[0]?.restartCount ?? 0,
        isReady: status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false,
        url: `http://${status?.podIP}:${WORKER_HTTP_PORT}`,
        management: `http://${status?.podIP}:${MANAGEMENT_PORT}`,
      }))
      .toSorted((one, other) => one.name.localeCompare(other.name));
  }
}

function expect(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
