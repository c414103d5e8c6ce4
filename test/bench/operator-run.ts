// A real API server with many TomcatClusters on it, two operators of which one leads, and a bench in place of controllers and kubelets.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { API_VERSION, KIND } from "../../src/api/index.ts";
import { systemClock } from "../../src/base/index.ts";
import { type Informer, KubeConfigCredentials, type KubeObject } from "../../src/kube/index.ts";
import { TOMCAT_CLUSTERS } from "../../src/operator/apply/owned-kinds.ts";
import { MANAGEMENT_PORT } from "../../src/operator/desired/index.ts";
import type { TomcatClusterObject } from "../../src/operator/observe/observer.ts";
import { sampleValue } from "../support/exposition.ts";
import { KubeApiServer } from "../support/kube-api-server.ts";
import { KubeTestClient } from "../support/kube-test-client.ts";
import { OperatorProcess, type PodAccount } from "../support/operator-process.ts";
import { cpuSeconds, peakResidentMiB, residentMiB } from "../support/process-cpu.ts";
import { ClusterOnServer, installOperator, OPERATOR_NAMESPACE } from "../support/running-operator.ts";

/** Every pod's address: one server speaks for all workers. */
const WORKERS_ADDRESS = "127.0.82.1";
const OPERATOR_ADDRESSES = ["127.0.82.2", "127.0.82.3"];
const REVISION = "r1";
/** Requests of the bench that run at once. */
const WRITERS = 16;
const DEADLINE_MS = 1_200_000;
const POLL_MS = 20;
/** For one request of the bench, on a machine that is busy. */
const TIMEOUT_MS = 60_000;
const RESTART_MS = 200;

/** What the leader has done since its process began. */
export interface Counters {
  readonly reads: number;
  /** Without those of the Lease. */
  readonly writes: number;
  readonly leaseWrites: number;
  readonly reconciles: number;
  readonly cpuSeconds: number;
}

export class OperatorRun {
  readonly #server: KubeApiServer;
  readonly #client: KubeTestClient;
  readonly #clusters: Informer<TomcatClusterObject>;
  readonly #workers: Server;
  readonly #operators: OperatorProcess[] = [];
  readonly #account: PodAccount;
  readonly #compiled: boolean;
  #isStopping = false;
  #edits = 0;

  private constructor(server: KubeApiServer, workers: Server, account: PodAccount, compiled: boolean) {
    this.#server = server;
    this.#workers = workers;
    this.#account = account;
    this.#compiled = compiled;
    this.#client = new KubeTestClient(
      new KubeConfigCredentials({ clock: systemClock }, { kubeconfig: server.adminKubeconfig }),
      TIMEOUT_MS,
    );
    this.#clusters = this.#client.informer<TomcatClusterObject>({ resource: TOMCAT_CLUSTERS });
  }

  /** One operator leads and another waits. */
  static async start({ compiled }: { readonly compiled: boolean }): Promise<OperatorRun> {
    const workers = await serveWorkers();
    const server = await KubeApiServer.start();
    const run = new OperatorRun(server, workers, podAccount(server, await installOperator(server)), compiled);
    await run.#clusters.start();
    for (const index of OPERATOR_ADDRESSES.keys()) {
      run.#startOperator(index);
      await run.#until(() => run.leader());
    }
    return run;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const operator of this.#operators) await operator.stop();
    await this.#clusters.stop();
    await this.#client.client.stop();
    await this.#server.stop();
    this.#workers.closeAllConnections();
    this.#workers.close();
  }

  /** Seconds until everything that these clusters are made of has been applied. */
  async create(count: number): Promise<number> {
    const startedMs = performance.now();
    await inParallel(names(count), (name) => {
      const cluster = { apiVersion: API_VERSION, kind: KIND, metadata: { namespace: "default", name }, spec: {} };
      return this.#client.client.create(TOMCAT_CLUSTERS, cluster as KubeObject);
    });
    await this.#until(() => this.#all(count, (cluster) => isTold(cluster)));
    return (performance.now() - startedMs) / 1000;
  }

  /** Seconds until all are ready after the bench has begun to do what controllers and kubelets would. */
  async serve(count: number): Promise<number> {
    const startedMs = performance.now();
    await inParallel(names(count), async (name) => {
      const cluster = new ClusterOnServer(this.#client.client, name);
      await cluster.see(REVISION);
      const { replicas = 0 } = (await cluster.statefulSet()).spec;
      for (let ordinal = 0; ordinal < replicas; ordinal++) await cluster.startPod(ordinal, REVISION, WORKERS_ADDRESS);
    });
    await this.#until(() => this.#all(count, (cluster) => isTrue(cluster, "Ready") && isTrue(cluster, "WellFormed")));
    return (performance.now() - startedMs) / 1000;
  }

  /** Seconds until a change of one cluster is carried out. */
  async change(count: number): Promise<number> {
    const startedMs = performance.now();
    const name = names(count).at(-1)!;
    const ref = { namespace: "default", name };
    const spec = { balancer: { template: { labels: { edit: String(++this.#edits) } } } };
    const { metadata } = await this.#untilAnswered(() => this.#client.client.merge<KubeObject>(TOMCAT_CLUSTERS, ref, { spec }));
    await this.#until(() => {
      const seen = this.#clusters.objects.get(ref);
      return seen !== undefined && (seen.status?.observedGeneration ?? 0) >= metadata.generation!;
    });
    const seconds = (performance.now() - startedMs) / 1000;
    await new ClusterOnServer(this.#client.client, name).see(REVISION);
    await this.#until(() => this.#all(count, (cluster) => isTrue(cluster, "Ready")));
    return seconds;
  }

  /** Seconds that the API server was away. */
  async restartServer(): Promise<number> {
    const startedMs = performance.now();
    await this.#server.stopServer("SIGKILL");
    await this.#server.startServer();
    return (performance.now() - startedMs) / 1000;
  }

  /** Seconds from this signal to the process that leads until it has ended; it is started again to wait for its turn. */
  async endLeader(signal: NodeJS.Signals): Promise<number> {
    const leader = await this.#until(() => this.leader());
    const startedMs = performance.now();
    leader.kill(signal);
    await leader.ended;
    return (performance.now() - startedMs) / 1000;
  }

  /** Waits until both operators run again: one leads, the other waits. */
  async standby(): Promise<void> {
    const isThere = (operator: OperatorProcess) =>
      operator.metrics().then(
        () => true,
        () => false,
      );
    await this.#until(async () => (await Promise.all(this.#operators.map(isThere))).every((there) => there));
  }

  /** The process that says that it leads, if one does. */
  async leader(): Promise<OperatorProcess | undefined> {
    for (const operator of this.#operators) {
      const families = await operator.metrics().catch(() => undefined);
      if (families && sampleValue(families, "leader_election_master_status") === 1) return operator;
    }
    return undefined;
  }

  async counters(): Promise<Counters> {
    const leader = await this.#until(() => this.leader());
    const families = await leader.metrics();
    const samples = families.get("rest_client_requests_total")?.samples ?? [];
    const count = (...methods: string[]) =>
      samples.filter(({ labels }) => methods.includes(labels.method!)).reduce((sum, { value }) => sum + value, 0);
    return {
      reads: count("GET"),
      writes: count("POST", "PATCH", "DELETE"),
      leaseWrites: count("PUT"),
      reconciles: sampleValue(families, "controller_runtime_reconcile_total"),
      cpuSeconds: cpuSeconds(leader.pid),
    };
  }

  /** Resident memory of the leader in megabytes: now, and the most that it ever was. */
  async memoryMB(): Promise<{ readonly now: number; readonly peak: number }> {
    const { pid } = await this.#until(() => this.leader());
    const megabytes = (mebibytes: number) => (mebibytes * 2 ** 20) / 1e6;
    return { now: megabytes(residentMiB(pid)), peak: megabytes(peakResidentMiB(pid)) };
  }

  /** It is started again when it ends: by itself, as the same pod by its kubelet, and else as a pod that is made anew, with another name. */
  #startOperator(index: number, life = 1): void {
    const operator = new OperatorProcess({
      credentials: this.#account,
      namespace: OPERATOR_NAMESPACE,
      identity: `operator-${index}-${life}`,
      metricsAddress: `${OPERATOR_ADDRESSES[index]}:${MANAGEMENT_PORT}`,
      compiled: this.#compiled,
    });
    this.#operators[index] = operator;
    void operator.ended.then((how) => {
      if (this.#isStopping) return;
      const isSamePod = typeof how === "number" && how !== 0;
      if (isSamePod) console.log(`${operator.identity} ended with ${how}: ${lastMessage(operator.log)}`);
      setTimeout(() => this.#isStopping || this.#startOperator(index, isSamePod ? life : life + 1), RESTART_MS);
    });
  }

  #all(count: number, suits: (cluster: TomcatClusterObject) => boolean): boolean {
    const clusters = [...this.#clusters.objects.values()];
    return clusters.length >= count && clusters.every(suits);
  }

  async #until<T>(look: () => T | undefined | Promise<T | undefined>): Promise<NonNullable<T>> {
    const deadlineMs = performance.now() + DEADLINE_MS;
    for (;;) {
      const found = await look();
      if (found) return found;
      if (performance.now() > deadlineMs) throw new Error(`Waited in vain; the operators' last words:\n${this.#lastWords()}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  #untilAnswered<T>(call: () => Promise<T>): Promise<NonNullable<T>> {
    return this.#until(() => call().catch(() => undefined));
  }

  #lastWords(): string {
    return this.#operators.map(({ log }) => log.slice(-2000)).join("\n");
  }
}

/** What a kubelet would mount. */
function podAccount(server: KubeApiServer, kubeconfig: string): PodAccount {
  const { users } = JSON.parse(readFileSync(kubeconfig, "utf8")) as { users: [{ user: { token: string } }] };
  const folder = server.file("service-account");
  mkdirSync(folder);
  writeFileSync(join(folder, "token"), users[0].user.token);
  writeFileSync(join(folder, "namespace"), OPERATOR_NAMESPACE);
  copyFileSync(server.file("ca.crt"), join(folder, "ca.crt"));
  return { port: server.port, folder };
}

function names(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `shop-${index}`);
}

async function inParallel<T>(items: readonly T[], task: (item: T) => Promise<unknown>): Promise<void> {
  const waiting = items.values();
  await Promise.all(
    Array.from({ length: WRITERS }, async () => {
      for (const item of waiting) await task(item);
    }),
  );
}

function isTold({ metadata, status }: TomcatClusterObject): boolean {
  return status?.observedGeneration === metadata.generation;
}

function isTrue(cluster: TomcatClusterObject, type: string): boolean {
  return isTold(cluster) && cluster.status!.conditions!.some((condition) => condition.type === type && condition.status === "True");
}

function lastMessage(log: string): string {
  const line = log.trimEnd().split("\n").at(-1) ?? "";
  return line.slice(0, 300);
}

/** Workers that all see the same group. */
async function serveWorkers(): Promise<Server> {
  const page = JSON.stringify({ state: "serving", members: [{ name: "the group", state: "Alive" }], managers: [{ sessionsAtRisk: 0 }] });
  const server = createServer((_request, response) => response.setHeader("Content-Type", "application/json").end(page));
  await new Promise<void>((resolve, reject) => void server.once("error", reject).listen(MANAGEMENT_PORT, WORKERS_ADDRESS, resolve));
  return server;
}
