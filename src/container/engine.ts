// The top of the container: takes exchanges from connectors, finds host, context and session, and sends requests down (Tomcat: StandardEngine).
import { type Clock, type Lifecycle, LifecycleGroup, type Logger, type Timer } from "../base/index.ts";
import type { EngineConfig } from "../config/index.ts";
import type { Exchange, RequestHandler } from "../protocol/index.ts";
import type { Context, ContextDeps } from "./context.ts";
import { HeldResponseSweeper } from "./held-response-sweeper.ts";
import { Host } from "./host.ts";
import { HostTable } from "./host-table.ts";
import { chainValves, createValves, type RequestStep, type ValveFactory } from "./pipeline.ts";
import { Request, type RequestServices } from "./request.ts";
import { decodePath, splitAbsoluteForm } from "./request-target.ts";
import { findRequestedSession } from "./session-look-up.ts";
import { ACCESS_LOG_VALVE, AccessLogValve, type LineWriter } from "./valves/access-log-valve.ts";

export interface EngineDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Valves beside those of the container itself, by class name. */
  readonly valveFactories: ReadonlyMap<string, ValveFactory>;
  /** Makes the manager of a context that starts. */
  readonly managerFactory: ContextDeps["managerFactory"];
  /** Takes the lines of access logs, without a line end. */
  readonly accessLog: LineWriter;
}

export interface EngineOptions {
  readonly config: EngineConfig;
  /** The folder that relative appBases are relative to: CATALINA_BASE. */
  readonly baseFolder: string;
}

const BACKGROUND_PERIOD_MS = 10_000;

export class Engine implements Lifecycle, RequestHandler {
  readonly name: string;
  readonly jvmRoute: string | undefined;
  readonly hosts: readonly Host[];
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #hostTable: HostTable;
  readonly #services: RequestServices;
  readonly #chain: RequestStep;
  readonly #group: LifecycleGroup;
  #background: Timer | undefined;
  #started = false;

  /** Throws for what the configuration cannot mean: a valve of an unknown class, two contexts with one path. */
  constructor(deps: EngineDeps, options: EngineOptions) {
    const { config } = options;
    this.name = config.name;
    this.jvmRoute = config.jvmRoute;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    const valveFactories = new Map<string, ValveFactory>([
      [ACCESS_LOG_VALVE, (valve) => new AccessLogValve({ clock: deps.clock, writer: deps.accessLog }, valve.attributes)],
      ...deps.valveFactories,
    ]);
    const contextDeps: ContextDeps = { clock: deps.clock, logger: deps.logger, valveFactories, managerFactory: deps.managerFactory };
    this.hosts = config.hosts.map(
      (host) => new Host(contextDeps, { config: host, jvmRoute: config.jvmRoute, baseFolder: options.baseFolder }),
    );
    this.#hostTable = new HostTable(this.hosts, config.defaultHost);
    this.#services = { logger: deps.logger, sweeper: new HeldResponseSweeper(deps.clock) };
    const place = { container: "Engine", name: config.name, jvmRoute: config.jvmRoute } as const;
    const valves = createValves([...config.valves, ...(config.cluster?.valves ?? [])], valveFactories, place);
    this.#chain = chainValves(valves, (request) => request.host.invoke(request));
    this.#group = new LifecycleGroup(this.hosts);
  }

  get contexts(): Context[] {
    return this.hosts.flatMap((host) => [...host.contexts]);
  }

  /** Resolves when every context serves or has failed: what replication has to fetch is here then. */
  async start(): Promise<void> {
    await this.#group.start();
    this.#background = this.#clock.setInterval(() => this.#backgroundProcess(), BACKGROUND_PERIOD_MS);
    this.#started = true;
  }

  /** Requests that still run are answered as far as they can without their sessions: stop the connectors first. */
  async stop(): Promise<void> {
    this.#started = false;
    this.#background?.cancel();
    await this.#group.stop();
  }

  /** Why the engine is not ready, or undefined: every context has to serve. */
  notReadyReason(): string | undefined {
    if (!this.#started) return `engine "${this.name}" is not started`;
    for (const context of this.contexts) {
      const reason = context.notReadyReason();
      if (reason !== undefined) return reason;
    }
    return undefined;
  }

  handle(exchange: Exchange): void {
    const req = exchange.request;
    const absolute = req.url!.charCodeAt(0) === SLASH ? undefined : splitAbsoluteForm(req.url!);
    if (absolute !== undefined) req.url = absolute.originForm;
    const decodedUri = decodePath(req.url!);
    const host = this.#hostTable.find(req, absolute?.authority);
    const context = decodedUri === undefined ? undefined : host.findContext(decodedUri);
    const request = new Request(exchange, this.#services, host, context, decodedUri ?? "");
    if (context?.state !== "Started") {
      this.#chain(request);
      return;
    }
    let pending: void | Promise<void>;
    try {
      pending = findRequestedSession(request, context);
    } catch (error) {
      request.fail(error);
      return;
    }
    if (pending === undefined) {
      this.#chain(request);
    } else {
      pending.then(
        () => this.#chain(request),
        (error: unknown) => request.fail(error),
      );
    }
  }

  #backgroundProcess(): void {
    for (const context of this.contexts) {
      try {
        context.manager?.backgroundProcess();
      } catch (error) {
        this.#logger.error({ err: error, context: context.name }, "Background process failed");
      }
    }
  }
}

const SLASH = 0x2f;
