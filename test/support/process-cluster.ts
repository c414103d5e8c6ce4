// A cluster of real processes in reach of a test, part by part: the commands `worker` and `balancer` with what `local` would give them,
// and a DNS server of its own, on a network that may be cut.
import { spawn } from "node:child_process";
import { createLogger, systemClock, systemRandom } from "../../src/base/index.ts";
import { ClusterFolder } from "../../src/local/cluster-folder.ts";
import type { ClusterPlan } from "../../src/local/cluster-plan.ts";
import { LocalProcess } from "../../src/local/local-process.ts";
import { probePort } from "../../src/local/loopback-network.ts";
import { planCluster } from "../../src/local/plan-cluster.ts";
import { fetchReadiness } from "../../src/local/readiness-probe.ts";
import { fetchServingWorkers } from "../../src/local/serving-workers.ts";
import { MANAGEMENT_PORT } from "../../src/operator/desired/index.ts";
import { DnsProcess } from "./dns-process.ts";
import { ENTRY } from "./local-cluster.ts";
import type { ProcessNetwork } from "./process-networks.ts";
import { until } from "./until.ts";
import { WorkerProcess } from "./worker-process.ts";

const DNS_PORT = 8054;
const CLIENT_ADDRESS = "127.0.0.1";
const PAGE_TIMEOUT_MS = 1000;

export interface ProcessClusterOptions {
  /** File of the manifest. */
  readonly manifest: string;
  /** Addresses that DNS lists as members of the group beside the workers. */
  readonly furtherMembers?: readonly string[];
}

interface Parts {
  readonly url: string;
  readonly dns: DnsProcess;
  readonly workers: readonly WorkerProcess[];
  readonly balancer: LocalProcess;
  readonly folder: ClusterFolder;
}

export class ProcessCluster {
  /** Of the balancer. */
  readonly url: string;
  readonly dns: DnsProcess;
  readonly workers: readonly WorkerProcess[];
  readonly #balancer: LocalProcess;
  readonly #folder: ClusterFolder;

  private constructor(parts: Parts) {
    this.url = parts.url;
    this.dns = parts.dns;
    this.workers = parts.workers;
    this.#balancer = parts.balancer;
    this.#folder = parts.folder;
  }

  /** Resolves when all workers serve and know each other. The network stays the caller's. */
  static async start(network: ProcessNetwork, options: ProcessClusterOptions): Promise<ProcessCluster> {
    const plan = await planCluster(options.manifest);
    const cluster = new ProcessCluster(await createParts(plan, network, options.furtherMembers ?? []));
    try {
      await cluster.dns.start();
      await Promise.all([...cluster.workers, cluster.#balancer].map((part) => part.start()));
      await cluster.whole();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** Resolves when every worker is ready, known to every other one and served by the balancer. */
  async whole(): Promise<void> {
    await until("every worker serves and knows the others", async () => {
      if (!this.workers.every(({ ready }) => ready)) return false;
      const serving = await fetchServingWorkers(this.#balancer.management, PAGE_TIMEOUT_MS);
      const pages = await Promise.all(this.workers.map((worker) => worker.page()));
      return serving.length === this.workers.length && pages.every(({ members }) => this.#knowsAll(members));
    });
  }

  /** Resolves when the worker is ready in another process than `pid`. */
  async restarted(worker: WorkerProcess, pid: number): Promise<void> {
    await until(`${worker.name} is ready again`, async () => worker.ready && worker.pid !== undefined && worker.pid !== pid);
  }

  async stop(): Promise<void> {
    await this.#balancer.stop();
    await Promise.all(this.workers.map((worker) => worker.stop()));
    await this.dns.stop();
    await this.#folder.remove();
  }

  #knowsAll(members: readonly { readonly name: string; readonly state: string }[]): boolean {
    const alive = members.filter(({ state }) => state === "Alive").map(({ name }) => name);
    return this.workers.filter(({ address }) => alive.some((name) => name.includes(`//${address}:`))).length === this.workers.length - 1;
  }
}

async function createParts(plan: ClusterPlan, network: ProcessNetwork, furtherMembers: readonly string[]): Promise<Parts> {
  const port = await probePort(CLIENT_ADDRESS, 0);
  const dnsServer = `${network.hostAddress}:${DNS_PORT}`;
  const settings = plan.balancerSettings({
    address: CLIENT_ADDRESS,
    port,
    managementAddress: network.hostAddress,
    managementPort: MANAGEMENT_PORT,
    dnsServer,
  });
  const folder = await ClusterFolder.create(systemRandom, plan, settings);
  const workers = plan.workers.map(
    (name, index) =>
      new WorkerProcess({
        index,
        name,
        address: network.memberAddress(index),
        prefix: network.commandPrefix(index),
        base: folder.baseOf(name),
        logPath: folder.workerLogPath(name),
        dnsServer,
        dnsName: plan.membersName,
        graceMs: plan.graceMs,
      }),
  );
  // Ready as far as DNS knows, whatever happens: which workers are, the balancer finds out by itself.
  const endpoints = workers.map(({ name, address }) => ({ hostname: name, address, ready: true }));
  const further = furtherMembers.map((address, index) => ({ hostname: `further-${index}`, address, ready: false }));
  const { services, namespace } = plan;
  const dns = new DnsProcess({
    address: network.hostAddress,
    port: DNS_PORT,
    services,
    namespace,
    endpoints: [...endpoints, ...further],
  });
  return { url: `http://${CLIENT_ADDRESS}:${port}`, dns, workers, balancer: balancerProcess(plan, folder, network), folder };
}

function balancerProcess(plan: ClusterPlan, folder: ClusterFolder, network: ProcessNetwork): LocalProcess {
  return new LocalProcess(
    {
      clock: systemClock,
      logger: createLogger({ level: "error" }, process.stderr),
      spawn,
      fetchReadiness,
      onReady: () => undefined,
      onNotReady: () => undefined,
      onExited: () => undefined,
      onOutputEnded: () => undefined,
      onLine: () => undefined,
    },
    {
      name: "balancer",
      command: [process.execPath, ENTRY, "balancer", "--config", folder.balancerSettingsPath],
      environment: process.env,
      restart: true,
      graceMs: plan.graceMs,
      management: `http://${network.hostAddress}:${MANAGEMENT_PORT}`,
      logPath: folder.balancerLogPath,
    },
  );
}
