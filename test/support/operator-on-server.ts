// A real API server with one operator, and clusters on it whose pods run.
import { systemClock } from "../../src/base/index.ts";
import { KubeConfigCredentials } from "../../src/kube/index.ts";
import { KubeApiServer } from "./kube-api-server.ts";
import { KubeTestClient } from "./kube-test-client.ts";
import { ClusterOnServer, installOperator, RunningOperator, type RunningOperatorOptions } from "./running-operator.ts";
import { eventually } from "./session-requests.ts";

export class OperatorOnServer {
  readonly server: KubeApiServer;
  /** May do everything. */
  readonly test: KubeTestClient;
  /** The operator's. */
  readonly kubeconfig: string;
  readonly operator: RunningOperator;

  private constructor(server: KubeApiServer, kubeconfig: string, options: RunningOperatorOptions) {
    this.server = server;
    this.kubeconfig = kubeconfig;
    this.test = new KubeTestClient(new KubeConfigCredentials({ clock: systemClock }, { kubeconfig: server.adminKubeconfig }));
    this.operator = new RunningOperator(kubeconfig, options);
  }

  static async start(options: RunningOperatorOptions = {}): Promise<OperatorOnServer> {
    const server = await KubeApiServer.start();
    try {
      const started = new OperatorOnServer(server, await installOperator(server), options);
      await started.operator.start();
      return started;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.operator.stop();
    await this.test.client.stop();
    await this.server.stop();
  }

  /** "default/<name>" */
  cluster(name: string): ClusterOnServer {
    return new ClusterOnServer(this.test.client, name);
  }

  async create(name: string, spec: object = {}): Promise<ClusterOnServer> {
    const cluster = this.cluster(name);
    await cluster.create(spec);
    return cluster;
  }

  /** Made and seen, with ready workers that form one group. `network`: the first three parts of their addresses. */
  async settled(name: string, network: string, spec: object = {}): Promise<ClusterOnServer> {
    const cluster = await this.create(name, spec);
    await has(() => cluster.condition("Reconciling"), "True Starting");
    await cluster.see("r1");
    const { replicas = 0 } = (await cluster.statefulSet()).spec;
    for (let ordinal = 0; ordinal < replicas; ordinal++) {
      const address = `${network}.${ordinal}`;
      this.operator.pages.set(address, clusterPage());
      await cluster.startPod(ordinal, "r1", address);
    }
    await has(() => cluster.condition("Ready"), "True AllServing");
    await has(() => cluster.condition("WellFormed"), "True OneView");
    return cluster;
  }

  /** What is written while a reconcile without a reason runs. */
  async writesOfOneMore(name: string): Promise<readonly string[]> {
    const metric = (metricName: string) => this.operator.metric(metricName, { controller: "tomcatcluster" });
    const [first, reconciles] = [this.operator.writes.length, await metric("controller_runtime_reconcile_total")];
    await this.server.kubectl("annotate", "tomcat", name, `touched=${reconciles}`, "--overwrite");
    await eventually(
      async () => [
        await metric("controller_runtime_reconcile_total"),
        await metric("workqueue_depth"),
        await metric("controller_runtime_active_workers"),
      ],
      ([count, depth, active]) => count! > reconciles && depth === 0 && active === 0,
    );
    return this.operator.writes.slice(first);
  }
}

/** What a worker's page "/cluster" says. `keys`: generations, the sending one first. */
export function clusterPage({ sessionsAtRisk = 0, keys = [1] }: { sessionsAtRisk?: number; keys?: readonly number[] } = {}): object {
  const [sending, ...others] = keys.map((generation) => ({ name: `${generation}.key` }));
  const encryption = { sending, accepted: [sending, ...others] };
  return { state: "serving", members: [{ name: "the group", state: "Alive" }], managers: [{ sessionsAtRisk }], encryption };
}

const HAS_MS = 30_000;

/** Waits until it is so. */
export async function has(look: () => Promise<string>, expected: string): Promise<void> {
  await eventually(look, (found) => found === expected, HAS_MS);
}
