// The balancer: each request to a living worker, the same session to the same worker.
import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import {
  type Clock,
  DnsNameResolver,
  type Lifecycle,
  type Logger,
  type NameResolver,
  type Random,
  type Registry,
  type Timer,
} from "../base/index.ts";
import type { BalancerSettings } from "../config/index.ts";
import type { ManagementServer } from "../management/index.ts";
import { type Client, type GatedRequest, type GateOptions, GateRefusal, passGate } from "../protocol/index.ts";
import { createStatusPage } from "./admin/status-page.ts";
import { BalancedRequest, type RequestContext, type UpgradeOffer } from "./balanced-request.ts";
import { BalancerMetrics } from "./balancer-metrics.ts";
import { HttpForwarder } from "./forward/http/http-forwarder.ts";
import { UpgradedConnection } from "./forward/upgraded-connection.ts";
import { RunningRequests } from "./running-requests.ts";
import { BALANCING_METHODS } from "./selection/balancing-methods.ts";
import type { Discovery } from "./workers/discovery/discovery.ts";
import { DnsDiscovery } from "./workers/discovery/dns-discovery.ts";
import { StaticDiscovery } from "./workers/discovery/static-discovery.ts";
import { WorkerRegistry } from "./workers/worker-registry.ts";

export interface BalancerDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly registry: Registry;
  /** Gets the page /balancer and the readiness check "workers"; its life cycle is the caller's. */
  readonly management: Pick<ManagementServer, "addPage" | "addReadinessCheck">;
  /** For DNS discovery; default: a DnsNameResolver with the settings' server and time-out. */
  readonly resolver?: NameResolver;
}

/** How often running requests are looked at for progress: the precision of all time-outs. */
const SWEEP_MS = 500;
/** How often node:http looks for connections whose head is overdue. */
const HEAD_CHECK_MS = 2000;
const ALLOWED_METHODS = "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH, TRACE";

export class Balancer implements Lifecycle {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #settings: BalancerSettings;
  readonly #workers: WorkerRegistry;
  readonly #metrics: BalancerMetrics;
  readonly #context: RequestContext;
  readonly #gateOptions: GateOptions;
  readonly #server: Server;
  readonly #upgraded = new Set<UpgradedConnection>();
  #clientConnections = 0;
  #sweeper: Timer | undefined;

  constructor(deps: BalancerDeps, settings: BalancerSettings) {
    this.#clock = deps.clock;
    this.#logger = deps.logger.child({ component: "Balancer" });
    this.#settings = settings;
    this.#gateOptions = { maxHeaders: settings.limits.headers, forwarded: settings.forwarded };
    this.#workers = this.#createRegistry(deps);
    const running = new RunningRequests();
    this.#metrics = new BalancerMetrics(deps.registry, {
      workers: () => this.#workers.workers,
      requestsInFlight: () => running.size,
      clientConnections: () => this.#clientConnections,
    });
    this.#context = this.#createContext(running);
    this.#workers.onWorkers = (names) => {
      this.#context.method.retain(names);
      this.#metrics.retain(names);
    };
    this.#server = this.#createServer();
    deps.management.addPage(
      "/balancer",
      createStatusPage({
        settings,
        workers: () => this.#workers.workers,
        metrics: this.#metrics,
        requestsInFlight: () => running.size,
        stopping: () => this.#context.stopping,
      }),
    );
    deps.management.addReadinessCheck("workers", () => {
      if (this.#context.stopping) return "the balancer stops";
      return this.#workers.hasServing ? undefined : "no worker is serving";
    });
  }

  /** The port that was bound; valid after `start`. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Looks for workers once, then listens, whether some were found or not: /readyz tells when one is serving. */
  async start(): Promise<void> {
    await this.#workers.start();
    try {
      await this.#listen();
    } catch (error) {
      await this.#workers.stop();
      throw error;
    }
    this.#sweeper = this.#clock.setInterval(() => this.#sweep(), SWEEP_MS);
    this.#logger.info({ port: this.port, discovery: this.#settings.discovery.type }, "Balancer listens");
  }

  /** Not ready, no new connections, WebSockets cut; running requests may end until the deadline, with Connection: close. */
  async stop(): Promise<void> {
    this.#context.stopping = true;
    for (const connection of this.#upgraded) connection.destroy();
    const deadline = this.#clock.setTimeout(() => {
      this.#logger.warn({ requests: this.#context.running.size }, "Requests cut at the drain deadline");
      this.#context.running.destroyAll();
      this.#server.closeAllConnections();
    }, this.#settings.drain.deadlineSeconds * 1000);
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
    deadline.cancel();
    this.#sweeper?.cancel();
    await this.#workers.stop();
  }

  #handle(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void {
    const gated = this.#gate(request);
    if (gated instanceof GateRefusal) {
      answerRefusal(response, gated);
    } else if (gated.target === "*") {
      response.writeHead(200, ["Allow", ALLOWED_METHODS, "Content-Length", "0"]);
      response.end();
    } else {
      new BalancedRequest(this.#context, gated, { request, response }, { awaitsContinue }).begin();
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, bytes: Buffer): void {
    const response = new ServerResponse(request);
    response.assignSocket(request.socket);
    response.shouldKeepAlive = false;
    response.on("finish", () => socket.end());
    socket.on("error", () => socket.destroy());
    const gated = this.#gate(request);
    if (gated instanceof GateRefusal || !gated.webSocket || this.#context.stopping) {
      answerRefusal(response, gated instanceof GateRefusal ? gated : NOT_UPGRADED);
      return;
    }
    const upgradeOffer: UpgradeOffer = {
      accept: (head, workerSocket) => {
        response.detachSocket(request.socket);
        const connection = new UpgradedConnection(socket, workerSocket, () => this.#upgraded.delete(connection));
        this.#upgraded.add(connection);
        connection.relay(head, bytes);
      },
    };
    new BalancedRequest(this.#context, gated, { request, response }, { awaitsContinue: false, upgradeOffer }).begin();
  }

  #gate(request: IncomingMessage): GatedRequest | GateRefusal {
    const result = passGate(request.method!, request.url!, request.httpVersion, request.rawHeaders, clientOf(request), this.#gateOptions);
    if (result instanceof GateRefusal) this.#metrics.gateRefused(result.reason);
    return result;
  }

  #sweep(): void {
    this.#context.running.sweep(SWEEP_MS);
    if (this.#context.stopping) this.#server.closeIdleConnections();
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ port: this.#settings.listen.port, host: this.#settings.listen.address }, () => {
        this.#server.off("error", reject);
        this.#server.on("error", (error) => this.#logger.error({ err: error }, "Listening for clients failed"));
        resolve();
      });
    });
  }

  #createServer(): Server {
    const { timeouts, limits, listen } = this.#settings;
    const server = createServer(
      {
        maxHeaderSize: limits.headerBytes,
        headersTimeout: timeouts.headSeconds * 1000,
        keepAliveTimeout: timeouts.keepAliveSeconds * 1000,
        requestTimeout: 0, // a body may take as long as it makes progress: the sweep watches
        connectionsCheckingInterval: HEAD_CHECK_MS,
        requireHostHeader: false, // the gate's affair
        noDelay: true,
        shouldUpgradeCallback: (request) => request.method === "GET" && request.headers.upgrade?.toLowerCase() === "websocket",
      },
      (request, response) => this.#handle(request, response, false),
    );
    server.maxConnections = listen.maxConnections;
    server.maxHeadersCount = 0; // node:http would drop fields beyond its limit; the gate refuses them
    server.on("checkContinue", (request, response) => this.#handle(request, response, true));
    server.on("upgrade", (request, socket, bytes) => this.#upgrade(request, socket, bytes));
    server.on("connect", (_request, socket) =>
      socket.end("HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
    );
    server.on("connection", (socket) => {
      this.#clientConnections++;
      socket.once("close", () => this.#clientConnections--);
    });
    return server;
  }

  #createContext(running: RunningRequests): RequestContext {
    const { stickySession, timeouts, limits, healthCheck, method } = this.#settings;
    const { pathParameter } = stickySession;
    return {
      clock: this.#clock,
      logger: this.#logger,
      workers: this.#workers,
      method: BALANCING_METHODS[method](),
      metrics: this.#metrics,
      limits: {
        bodyIdleMs: timeouts.bodyIdleSeconds * 1000,
        answerMs: timeouts.answerSeconds * 1000,
        answerIdleMs: timeouts.answerIdleSeconds * 1000,
        unresponsiveMs: healthCheck.unresponsiveSeconds * 1000,
        retryBodyBytes: limits.retryBodyBytes,
        retryMemoryBytes: limits.retryMemoryBytes,
      },
      sticky: stickySession.enabled
        ? {
            cookie: stickySession.cookie,
            pathParameter: pathParameter.enabled ? pathParameter.name : undefined,
            force: stickySession.force,
          }
        : undefined,
      running,
      heldBytes: 0,
      stopping: false,
    };
  }

  #createRegistry(deps: BalancerDeps): WorkerRegistry {
    const { backend, healthCheck, discovery, drain } = this.#settings;
    const { clock, random } = deps;
    const logger = this.#logger;
    return new WorkerRegistry(
      {
        clock,
        random,
        logger,
        discovery: this.#createDiscovery(deps),
        createForwarder: ({ address, port }) =>
          new HttpForwarder(clock, {
            address,
            port,
            connectTimeoutMs: backend.connectTimeoutMilliseconds,
            keepAliveMs: backend.keepAliveSeconds * 1000,
            maxIdle: backend.maxIdleConnections,
            maxResponseHeaderBytes: backend.maxResponseHeaderBytes,
          }),
      },
      {
        healthCheck: { ...healthCheck, intervalMs: healthCheck.intervalMilliseconds, timeoutMs: healthCheck.timeoutMilliseconds },
        errorRetryMs: backend.errorRetryMilliseconds,
        removeAfterMs: (discovery.type === "DNS" ? discovery.removeAfterSeconds : 0) * 1000,
        quietMs: drain.quietSeconds * 1000,
      },
    );
  }

  #createDiscovery(deps: BalancerDeps): Discovery {
    const { discovery } = this.#settings;
    if (discovery.type === "Static") {
      return new StaticDiscovery(
        discovery.workers.map((worker) => ({ ...worker, route: worker.route ?? worker.name, managementPort: worker.managementPort })),
      );
    }
    const { server, timeoutMilliseconds: timeoutMs } = discovery;
    const resolver = deps.resolver ?? new DnsNameResolver(server === undefined ? { timeoutMs } : { server, timeoutMs });
    return new DnsDiscovery(
      { clock: this.#clock, logger: this.#logger, resolver },
      { service: discovery.service, family: discovery.addressFamily === "IPv4" ? 4 : 6, refreshMs: discovery.refreshMilliseconds },
    );
  }
}

const NOT_UPGRADED = new GateRefusal("upgrade", "The connection cannot be upgraded");
const IPV4_IN_IPV6 = "::ffff:";

function clientOf(request: IncomingMessage): Client {
  const address = request.socket.remoteAddress ?? "unknown"; // unknown: it has gone already (RFC 7239 6.2)
  return { address: address.startsWith(IPV4_IN_IPV6) ? address.slice(IPV4_IN_IPV6.length) : address, scheme: "http" };
}

/** The connection ends after it: what follows on it may not be what it seems. */
function answerRefusal(response: ServerResponse, refusal: GateRefusal): void {
  const text = `${refusal.message}\n`;
  response.shouldKeepAlive = false;
  response.writeHead(refusal.status, ["Content-Type", "text/plain; charset=utf-8", "Content-Length", String(text.length)]);
  response.end(text);
}
