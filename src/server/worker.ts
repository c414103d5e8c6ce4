// One worker: configuration -> channel, replication, container, connectors; and how it starts, drains and stops (rule 18).
import { type Clock, DnsNameResolver, type Lifecycle, LifecycleGroup, type Logger, type Random, type Registry } from "../base/index.ts";
import { createChannel, type GroupChannel } from "../channel/index.ts";
import type { ClusterConfig, ServiceConfig } from "../config/index.ts";
import { HttpConnector } from "../connector/index.ts";
import { Engine, HeapGuard, type LineWriter, type ManagerDeps, managerOptionsOf, StandardManager } from "../container/index.ts";
import { ManagementServer } from "../management/index.ts";
import { SimpleTcpCluster } from "../replication/index.ts";
import { clusterPage } from "./cluster-page.ts";
import type { WorkerParts, WorkerState } from "./describe-worker.ts";
import { untilQuiet } from "./drain.ts";
import { StartAbortedError } from "./errors.ts";
import { readConfiguration } from "./read-configuration.ts";

export interface WorkerDeps {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: Random;
  readonly registry: Registry;
  /** Takes the lines of AccessLogValves, without a line end. */
  readonly accessLog: LineWriter;
}

export interface WorkerOptions {
  /** A folder laid out like a CATALINA_BASE. */
  readonly base: string;
  /** `host:port` of a DNS server for the membership, in place of server.xml's and resolv.conf's. */
  readonly dnsServer?: string;
  /** Default: every address. */
  readonly managementAddress?: string | undefined;
  /** 0: any free port. */
  readonly managementPort: number;
}

/** After the drain, running requests get this long before they are cut: deadline, this and the flush fit in a pod's grace period. */
const REQUEST_END_TIMEOUT_MS = 10_000;

export class Worker implements Lifecycle {
  readonly #deps: WorkerDeps;
  readonly #options: WorkerOptions;
  readonly #management: ManagementServer;
  #state: WorkerState = "starting";
  #starting: Promise<void> | undefined;
  #service: ServiceConfig | undefined;
  #channel: GroupChannel | undefined;
  #cluster: SimpleTcpCluster | undefined;
  #engine: Engine | undefined;
  #connectors: readonly HttpConnector[] = [];
  #parts: LifecycleGroup | undefined;

  constructor(deps: WorkerDeps, options: WorkerOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#management = new ManagementServer(
      { logger: deps.logger.child({ component: "ManagementServer" }), registry: deps.registry },
      { address: options.managementAddress, port: options.managementPort },
    );
    this.#management.addReadinessCheck("worker", () => this.#notReadyReason());
    this.#management.addPage("/cluster", clusterPage({ registry: deps.registry, parts: () => this.#describable() }));
  }

  /** Where the management port listens; valid after `start`. */
  get managementPort(): number {
    return this.#management.port;
  }

  /**
   * Resolves when the connectors are open: after the state of the group has come in (rules 5 and 6), which takes as long as the
   * group needs. Nothing listens yet when the configuration is refused. Rejects with StartAbortedError after a `stop`.
   */
  start(): Promise<void> {
    this.#starting = this.#start();
    return this.#starting;
  }

  /**
   * Rule 18. Resolves when everything is flushed and closed: at the latest after the drain deadline, the time-outs of what is under
   * way, and the time that connectors give running requests. May be called while the worker starts.
   */
  async stop(): Promise<void> {
    const { clock, logger } = this.#deps;
    if (!(await this.#served())) return;
    logger.info({ quietMs: this.#service!.drain.quietMs, deadlineMs: this.#service!.drain.deadlineMs }, "Worker drains");
    this.#cluster?.switchToSynchronous();
    for (const connector of this.#connectors) connector.drain();
    await untilQuiet(clock, this.#connectors, this.#service!.drain, () => {
      logger.info("Sessions are still in use: balancers are told to give it no more requests");
      this.#setState("stopping");
    });
    await this.#parts!.stop();
    logger.info("Worker stopped");
  }

  async #start(): Promise<void> {
    const { logger, registry, clock } = this.#deps;
    const { service } = await readConfiguration(this.#options.base, this.#deps.environment, logger);
    this.#service = service;
    const clusterConfig = service.engine.cluster ?? service.engine.hosts.find((host) => host.cluster !== undefined)?.cluster;
    if (clusterConfig) this.#cluster = this.#createCluster(clusterConfig);
    const engine = this.#createEngine(service);
    this.#engine = engine;
    this.#connectors = service.connectors.map(
      (config) => new HttpConnector({ clock, logger, registry, handler: engine }, { config, stopTimeoutMs: REQUEST_END_TIMEOUT_MS }),
    );
    this.#parts = new LifecycleGroup([
      this.#management,
      ...(this.#cluster ? [this.#cluster] : []),
      this.#gate(),
      engine,
      this.#gate(),
      ...this.#connectors,
    ]);
    await this.#parts.start();
    if (this.#state === "starting") this.#setState("serving");
    logger.info({ ports: this.#connectors.map(({ port }) => port), contexts: engine.contexts.map(({ name }) => name) }, "Worker started");
  }

  /** Ends a start that is under way. Whether there is anything to stop after it. */
  async #served(): Promise<boolean> {
    this.#setState("draining");
    this.#cluster?.abortStarts();
    try {
      await this.#starting;
      return this.#starting !== undefined;
    } catch (error) {
      this.#deps.logger.debug({ err: error }, "Worker had not started");
      return false;
    }
  }

  /** A place in the order of starting at which a worker that was told to stop goes no further. */
  #gate(): Lifecycle {
    return {
      start: async () => {
        if (this.#state === "draining") throw new StartAbortedError();
      },
      stop: async () => undefined,
    };
  }

  #describable(): WorkerParts {
    return { state: this.#state, channel: this.#channel, cluster: this.#cluster, engine: this.#engine };
  }

  #setState(state: WorkerState): void {
    this.#state = state;
    this.#management.state = state;
  }

  #notReadyReason(): string | undefined {
    return this.#state === "serving" ? this.#engine?.notReadyReason() : this.#state;
  }

  #createCluster(config: ClusterConfig): SimpleTcpCluster {
    const { dnsServer } = this.#options;
    const { membership } = config.channel;
    const resolver =
      dnsServer === undefined || membership.type !== "DNS"
        ? {}
        : { resolver: new DnsNameResolver({ server: dnsServer, timeoutMs: membership.timeoutMs }) };
    this.#channel = createChannel({ ...this.#deps, ...resolver }, config.channel);
    return new SimpleTcpCluster({ ...this.#deps, channel: this.#channel }, config);
  }

  #createEngine(service: ServiceConfig): Engine {
    const { clock, logger, accessLog } = this.#deps;
    const cluster = this.#cluster;
    const clusterHost = service.engine.cluster ? undefined : service.engine.hosts.find((host) => host.cluster !== undefined)?.name;
    const managerDeps: ManagerDeps = { ...this.#deps, heapGuard: new HeapGuard(clock) };
    return new Engine(
      {
        clock,
        logger,
        accessLog,
        valveFactories: cluster?.valveFactories ?? new Map(),
        managerFactory: (context) =>
          cluster && (clusterHost === undefined || context.host.name === clusterHost)
            ? cluster.createManager(context, managerDeps)
            : new StandardManager(managerDeps, managerOptionsOf(context)),
      },
      { config: service.engine, baseFolder: this.#options.base },
    );
  }
}
