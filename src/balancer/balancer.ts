// The balancer: each request to a living worker, the same session to the same worker.
import { type IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import {
  type Clock,
  delay,
  type Lifecycle,
  LifecycleGroup,
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
import { CertificateFiles } from "./certificate-files.ts";
import { ClientListener, type ClientListenerDeps } from "./client-listener.ts";
import { HttpForwarder } from "./forward/http/http-forwarder.ts";
import { UpgradedConnection } from "./forward/upgraded-connection.ts";
import { RunningRequests } from "./running-requests.ts";
import { BALANCING_METHODS } from "./selection/balancing-methods.ts";
import { createDiscovery } from "./workers/discovery/create-discovery.ts";
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
/** How often a balancer that stops looks whether anybody still uses it. */
const QUIET_CHECK_MS = 100;
const ALLOWED_METHODS = "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH, TRACE";

export class Balancer implements Lifecycle {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #settings: BalancerSettings;
  readonly #workers: WorkerRegistry;
  readonly #metrics: BalancerMetrics;
  readonly #context: RequestContext;
  readonly #gateOptions: GateOptions;
  readonly #background: LifecycleGroup;
  readonly #listeners: readonly [ClientListener, ...ClientListener[]];
  readonly #upgraded = new Set<UpgradedConnection>();
  #clientConnections = 0;
  #lastRequestMs = Number.NEGATIVE_INFINITY;
  /** Connections without a request are closed. */
  #isClosing = false;
  #sweeper: Timer | undefined;

  /** Throws CertificateError. */
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
      isDiscoveryUp: () => this.#workers.isDiscoveryUp,
    });
    this.#context = this.#createContext(running);
    this.#workers.onWorkers = (names) => {
      this.#context.method.retain(names);
      this.#metrics.retain(names);
    };
    const { tls } = settings.listen;
    const certificate = tls && new CertificateFiles({ clock: deps.clock, logger: this.#logger }, tls);
    this.#background = new LifecycleGroup([this.#workers, ...(certificate ? [certificate] : [])]);
    this.#listeners = this.#createListeners(certificate);
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
    return this.#listeners[0].port;
  }

  /** The same for HTTPS; undefined without a certificate. */
  get httpsPort(): number | undefined {
    return this.#listeners[1]?.port;
  }

  /** Looks for workers once, then listens, whether some were found or not: /readyz tells when one is serving. */
  async start(): Promise<void> {
    await this.#background.start();
    try {
      await new LifecycleGroup(this.#listeners).start();
    } catch (error) {
      await this.#background.stop();
      throw error;
    }
    this.#sweeper = this.#clock.setInterval(() => this.#sweep(), SWEEP_MS);
    this.#logger.info({ port: this.port, httpsPort: this.httpsPort, discovery: this.#settings.discovery.type }, "Balancer listens");
  }

  /**
   * Not ready, no new connections, WebSockets cut; running requests may end until the deadline, with Connection: close. A connection that
   * waits for a request is closed after drain.quietSeconds without any: one that is closed while its client sends looks like an error.
   */
  async stop(): Promise<void> {
    this.#context.stopping = true;
    for (const listener of this.#listeners) listener.stopListening();
    for (const connection of this.#upgraded) connection.destroy();
    const deadline = this.#clock.setTimeout(() => {
      this.#logger.warn({ requests: this.#context.running.size }, "Requests cut at the drain deadline");
      this.#context.running.destroyAll();
      for (const listener of this.#listeners) listener.closeAllConnections();
    }, this.#settings.drain.deadlineSeconds * 1000);
    await this.#untilQuiet();
    this.#isClosing = true;
    await Promise.all(this.#listeners.map((listener) => listener.stop()));
    deadline.cancel();
    this.#sweeper?.cancel();
    await this.#background.stop();
  }

  async #untilQuiet(): Promise<void> {
    const { quietSeconds, deadlineSeconds } = this.#settings.drain;
    const deadlineMs = this.#clock.monotonic() + deadlineSeconds * 1000;
    for (;;) {
      const nowMs = this.#clock.monotonic();
      if (this.#clientConnections === 0 || nowMs >= Math.min(deadlineMs, this.#lastRequestMs + quietSeconds * 1000)) return;
      await delay(this.#clock, QUIET_CHECK_MS);
    }
  }

  #handle(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void {
    this.#lastRequestMs = this.#clock.monotonic();
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
    if (!this.#isClosing) return;
    for (const listener of this.#listeners) listener.closeIdleConnections();
  }

  /** HTTP first, then HTTPS where there is a certificate. */
  #createListeners(certificate: CertificateFiles | undefined): readonly [ClientListener, ...ClientListener[]] {
    const deps: ClientListenerDeps = {
      logger: this.#logger,
      onRequest: (request, response, awaitsContinue) => this.#handle(request, response, awaitsContinue),
      onUpgrade: (request, socket, bytes) => this.#upgrade(request, socket, bytes),
      onConnection: (socket) => {
        this.#clientConnections++;
        socket.once("close", () => this.#clientConnections--);
      },
    };
    const settings = this.#settings;
    const { port, tls } = settings.listen;
    const http = new ClientListener(deps, { settings, port });
    if (tls === undefined || certificate === undefined) return [http];
    const https = new ClientListener(deps, { settings, port: tls.port, certificate: certificate.first });
    certificate.onChanged = (changed) => https.setCertificate(changed);
    return [http, https];
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
        discovery: createDiscovery({ ...deps, logger }, discovery),
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
        removeAfterMs: (discovery.type === "Static" ? 0 : discovery.removeAfterSeconds) * 1000,
        quietMs: drain.quietSeconds * 1000,
      },
    );
  }
}

const NOT_UPGRADED = new GateRefusal("upgrade", "The connection cannot be upgraded");
const IPV4_IN_IPV6 = "::ffff:";

function clientOf(request: IncomingMessage): Client {
  const address = request.socket.remoteAddress ?? "unknown"; // unknown: it has gone already (RFC 7239 6.2)
  return {
    address: address.startsWith(IPV4_IN_IPV6) ? address.slice(IPV4_IN_IPV6.length) : address,
    scheme: request.socket instanceof TLSSocket ? "https" : "http",
  };
}

/** The connection ends after it: what follows on it may not be what it seems. */
function answerRefusal(response: ServerResponse, refusal: GateRefusal): void {
  const text = `${refusal.message}\n`;
  response.shouldKeepAlive = false;
  response.writeHead(refusal.status, ["Content-Type", "text/plain; charset=utf-8", "Content-Length", String(text.length)]);
  response.end(text);
}
