// A TomcatCluster on this machine: the story of its start, its life and its end.
import { rmSync } from "node:fs";
import { type Clock, type Lifecycle, type Logger, type Random, systemErrorCode } from "../base/index.ts";
import { MANAGEMENT_PORT, WORKER_ENVIRONMENT } from "../operator/desired/index.ts";
import { ClusterFolder } from "./cluster-folder.ts";
import type { ClusterPlan } from "./cluster-plan.ts";
import { DnsServer } from "./dns-server.ts";
import { DnsZone } from "./dns-zone.ts";
import { BalancerFailedError, PortInUseError } from "./errors.ts";
import type { LocalEvent, MembershipEvent } from "./events.ts";
import { LocalProcess } from "./local-process.ts";
import { claimNetwork, type LoopbackNetwork, probePort } from "./loopback-network.ts";
import { memberChange } from "./member-lines.ts";
import type { ProcessExit, Spawn } from "./process-supervisor.ts";
import type { ReadinessProbeDeps } from "./readiness-probe.ts";
import { ReadyWait } from "./ready-wait.ts";

export interface LocalClusterDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Makes the channel's key: must be cryptographically strong. */
  readonly random: Random;
  readonly spawn: Spawn;
  readonly fetchReadiness: ReadinessProbeDeps["fetch"];
  /** Names of the workers to which the balancer with this management URL sends requests. */
  fetchServingWorkers(management: string, timeoutMs: number): Promise<readonly unknown[]>;
  /** `ready` first, `stopped` last. */
  onEvent(event: LocalEvent): void;
  /** One sentence about what is not as it should be, for a person. */
  onTrouble(text: string): void;
  /** The cluster cannot run; the caller stops it. At most once. */
  onFailed(error: Error): void;
}

export interface LocalClusterOptions {
  readonly plan: ClusterPlan;
  /** Port of the balancer on 127.0.0.1; 0: any free one. */
  readonly port: number;
  /** Unset: the first free one. */
  readonly network?: LoopbackNetwork;
  /** Whether a worker that dies is started again. */
  readonly restart: boolean;
  /** How this program is run: the executable and what stands before the subcommand. */
  readonly program: readonly [string, ...string[]];
  /** Handed on to every process. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const BALANCER_ADDRESS = "127.0.0.1";
/** Whoever has it on the network's first address owns the network. */
const DNS_PORT = 8053;
const SERVING_TIMEOUT_MS = 1000;

export class LocalCluster implements Lifecycle {
  readonly #deps: LocalClusterDeps;
  readonly #options: LocalClusterOptions;
  readonly #zone: DnsZone;
  /** In the order of their start. Workers by ordinal. */
  #workers: LocalProcess[] = [];
  #balancer: LocalProcess | undefined;
  #claim: Lifecycle | undefined;
  #network: LoopbackNetwork | undefined;
  #folder: ClusterFolder | undefined;
  #port = 0;
  #readyWait: ReadyWait | undefined;
  #announced = false;
  #stopping = false;
  /** By name: the process that an event has called ready. One that is busy for a moment is not announced again. */
  readonly #reportedPids = new Map<string, number>();
  readonly #lastTrouble = new Map<string, string>();

  constructor(deps: LocalClusterDeps, options: LocalClusterOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#zone = new DnsZone(options.plan.services, { namespace: options.plan.namespace });
  }

  get network(): string {
    return this.#network?.cidr ?? "";
  }

  get folder(): string {
    return this.#folder?.path ?? "";
  }

  /** Resolves when the processes have been started; that they serve is told by the event `ready`. */
  async start(): Promise<void> {
    const { plan } = this.#options;
    try {
      this.#port = await this.#freePort();
      const { network, claim } = await this.#claimNetwork();
      this.#network = network;
      this.#claim = claim;
      const dnsServer = `${network.balancerAddress}:${DNS_PORT}`;
      const settings = plan.balancerSettings({
        address: BALANCER_ADDRESS,
        port: this.#port,
        managementAddress: network.balancerAddress,
        managementPort: MANAGEMENT_PORT,
        dnsServer,
      });
      this.#folder = await ClusterFolder.create(this.#deps.random, plan, settings);
      this.#workers = plan.workers.map((name, ordinal) => this.#worker(name, network.workerAddress(ordinal), dnsServer));
      this.#balancer = this.#createBalancer(network.balancerAddress);
      this.#readyWait = new ReadyWait(
        {
          clock: this.#deps.clock,
          fetchServingWorkers: () => this.#servingWorkers(),
          onReady: () => this.#announce(),
          onOverdue: () => this.#reportOverdue(),
        },
        { workers: this.#workers, balancer: this.#balancer },
      );
      // Addresses first: a worker that starts alone waits until it finds itself in DNS (rule 5).
      this.#publish();
      await Promise.all([...this.#workers, this.#balancer].map((process) => process.start()));
    } catch (error) {
      await this.#tearDown();
      throw error;
    }
    this.#readyWait.begin();
  }

  /**
   * The balancer first, so that every request that it has accepted is answered by workers that still run; then the workers, each
   * by rule 18; DNS last, since they look for each other until their end.
   */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#readyWait?.end();
    await this.#tearDown();
    this.#deps.onEvent({ event: "stopped" });
  }

  /** Ends every process and removes the folder, at once and without a word. */
  abandon(): void {
    this.#stopping = true;
    for (const process of [this.#balancer, ...this.#workers]) process?.kill();
    if (this.#folder) rmSync(this.#folder.path, { recursive: true, force: true });
  }

  async #tearDown(): Promise<void> {
    await this.#balancer?.stop();
    await Promise.all(this.#workers.map((worker) => worker.stop()));
    await this.#claim?.stop();
    await this.#folder?.remove();
  }

  async #freePort(): Promise<number> {
    const { port } = this.#options;
    try {
      return await probePort(BALANCER_ADDRESS, port);
    } catch (error) {
      if (systemErrorCode(error) === "EADDRINUSE") throw new PortInUseError(port, { cause: error });
      throw error;
    }
  }

  #claimNetwork(): Promise<{ network: LoopbackNetwork; claim: Lifecycle }> {
    const { plan, network } = this.#options;
    return claimNetwork(
      {
        claim: async ({ balancerAddress }) => {
          const server = new DnsServer({ authority: this.#zone, logger: this.#deps.logger }, { address: balancerAddress, port: DNS_PORT });
          await server.start();
          return server;
        },
        probe: async (address, port) => void (await probePort(address, port)),
      },
      {
        ...(network && { network }),
        workers: plan.workers.length,
        workerPorts: [plan.httpPort, plan.receiverPort, MANAGEMENT_PORT],
        balancerPorts: [MANAGEMENT_PORT],
      },
    );
  }

  #worker(name: string, address: string, dnsServer: string): LocalProcess {
    const { plan, program, environment, restart } = this.#options;
    const folder = this.#folder!;
    const [executable, ...before] = program;
    const publishAnd = (then: () => void) => () => {
      this.#publish();
      if (!this.#stopping) then();
    };
    const worker: LocalProcess = new LocalProcess(
      {
        ...this.#processDeps(),
        onReady: publishAnd(() => this.#workerReady(worker)),
        onNotReady: (reason) => publishAnd(() => this.#trouble(name, `${name} is no longer ready: ${reason}`))(),
        onExited: (exit) => publishAnd(() => this.#workerExited(worker, exit))(),
        onOutputEnded: (exit, lastErrors) => this.#reportEnd(name, exit, lastErrors),
        onLine: (line) => this.#memberLine(name, line),
      },
      {
        name,
        command: [
          executable,
          ...before,
          "worker",
          ...["--base", folder.baseOf(name), "--dns-server", dnsServer],
          ...["--management-address", address, "--management-port", String(MANAGEMENT_PORT)],
        ],
        environment: {
          ...environment,
          [WORKER_ENVIRONMENT.podName]: name,
          [WORKER_ENVIRONMENT.podAddress]: address,
          [WORKER_ENVIRONMENT.dnsName]: plan.membersName,
        },
        restart,
        graceMs: plan.graceMs,
        management: `http://${address}:${MANAGEMENT_PORT}`,
        logPath: folder.workerLogPath(name),
      },
    );
    return worker;
  }

  #createBalancer(address: string): LocalProcess {
    const { plan, program, environment } = this.#options;
    const folder = this.#folder!;
    const [executable, ...before] = program;
    return new LocalProcess(
      {
        ...this.#processDeps(),
        onReady: () => this.#balancerReady(),
        onNotReady: (reason) => this.#trouble("balancer", `balancer is no longer ready: ${reason}`),
        onExited: ({ pid, signal }) => {
          if (this.#announced && !this.#stopping) this.#deps.onEvent({ event: "balancerExited", pid, signal });
        },
        onOutputEnded: (exit, lastErrors) => {
          if (exit.expected) return;
          if (!this.#announced) this.#deps.onFailed(new BalancerFailedError(lastErrors));
          else this.#reportEnd("balancer", exit, lastErrors);
        },
        onLine: () => undefined,
      },
      {
        name: "balancer",
        command: [executable, ...before, "balancer", "--config", folder.balancerSettingsPath],
        environment,
        restart: true,
        graceMs: plan.graceMs,
        management: `http://${address}:${MANAGEMENT_PORT}`,
        logPath: folder.balancerLogPath,
      },
    );
  }

  #processDeps() {
    const { clock, logger, spawn, fetchReadiness } = this.#deps;
    return { clock, logger, spawn, fetchReadiness };
  }

  /** Every worker has its address for as long as it is meant to run, as a pod has whose container is restarted. */
  #publish(): void {
    const network = this.#network!;
    const { restart } = this.#options;
    this.#zone.setEndpoints(
      this.#workers
        .map((worker, ordinal) => ({ hostname: worker.name, address: network.workerAddress(ordinal), ready: worker.ready, worker }))
        .filter(({ worker }) => worker.pid !== undefined || !this.#announced || (restart && !this.#stopping)),
    );
  }

  #workerReady({ name, pid }: LocalProcess): void {
    if (this.#isReadyAgain(name, pid!)) this.#deps.onEvent({ event: "workerStarted", name, route: name, pid: pid! });
  }

  #balancerReady(): void {
    const { name, pid } = this.#balancer!;
    if (this.#isReadyAgain(name, pid!) && !this.#stopping) this.#deps.onEvent({ event: "balancerStarted", pid: pid! });
  }

  /** Whether an event should tell of it: the cluster had been announced, with another process of this name. */
  #isReadyAgain(name: string, pid: number): boolean {
    this.#lastTrouble.delete(name);
    if (!this.#announced) this.#readyWait?.check();
    else if (this.#reportedPids.get(name) !== pid) {
      this.#reportedPids.set(name, pid);
      return true;
    }
    return false;
  }

  #workerExited(worker: LocalProcess, exit: ProcessExit): void {
    if (!this.#announced) return;
    this.#deps.onEvent({ event: "workerExited", name: worker.name, route: worker.name, pid: exit.pid, signal: exit.signal });
  }

  /** Why a process ended that nobody had told to. */
  #reportEnd(name: string, { expected, signal, code }: ProcessExit, lastErrors: string): void {
    if (!expected && signal === null) this.#trouble(name, `${name} ended with code ${code}${lastErrors && `:\n${lastErrors}`}`);
  }

  #memberLine(seenBy: string, line: string): void {
    const change = this.#announced && !this.#stopping ? memberChange(line) : undefined;
    if (change === undefined) return;
    const member = this.#workers.find((_, ordinal) => this.#network!.workerAddress(ordinal) === change.address);
    if (member === undefined) return;
    const event: MembershipEvent = { event: change.event, name: member.name, route: member.name, seenBy };
    this.#deps.onEvent(event);
  }

  #reportOverdue(): void {
    for (const process of [...this.#workers, this.#balancer!]) {
      if (!process.ready) this.#trouble(process.name, `${process.name} is not ready: ${process.reason}`);
    }
  }

  async #servingWorkers(): Promise<readonly unknown[]> {
    try {
      return await this.#deps.fetchServingWorkers(this.#balancer!.management, SERVING_TIMEOUT_MS);
    } catch (error) {
      this.#deps.logger.debug({ err: error }, "The balancer did not tell its workers");
      return [];
    }
  }

  #announce(): void {
    const balancer = this.#balancer!;
    this.#announced = true;
    const { plan } = this.#options;
    for (const { name, ready, pid } of [...this.#workers, balancer]) if (ready) this.#reportedPids.set(name, pid!);
    this.#deps.onEvent({
      event: "ready",
      url: `http://${BALANCER_ADDRESS}:${this.#port}`,
      balancer: { pid: balancer.pid!, management: balancer.management },
      // One that is between two runs has no process to name: it will be announced when it is ready.
      workers: this.#workers.flatMap((worker, ordinal) => {
        const { name, pid, management } = worker;
        if (pid === undefined) return [];
        const address = this.#network!.workerAddress(ordinal);
        return [{ name, route: name, pid, address, http: plan.httpPort, receiver: plan.receiverPort, management }];
      }),
    });
  }

  /** The same sentence about the same process is said once, however often it is restarted. */
  #trouble(process: string, text: string): void {
    if (this.#stopping || this.#lastTrouble.get(process) === text) return;
    this.#lastTrouble.set(process, text);
    this.#deps.onTrouble(text);
  }
}
