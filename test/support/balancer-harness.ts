// A balancer in this process, before workers that do as a test says, over loopback.
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { Balancer } from "../../src/balancer/index.ts";
import { type Clock, type NameResolver, Registry, silentLogger, systemClock, systemRandom } from "../../src/base/index.ts";
import { type BalancerSettingsDocument, parseBalancerSettings } from "../../src/config/index.ts";
import type { Page, ReadinessCheck } from "../../src/management/index.ts";

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A worker made of two plain servers: requests and health checks. */
export class FakeWorker {
  readonly name: string;
  /** What its health check says. */
  health: "ready" | "draining" | "not ready" | "silent" = "ready";
  /** "METHOD /path" of every request that reached it. */
  readonly seen: string[] = [];
  readonly sockets = new Set<Socket>();
  connections = 0;
  handler: Handler;
  /** Where it listens; set before `start`. */
  address = "127.0.0.1";
  server!: Server;
  readonly #management = createServer((_request, response) => {
    if (this.health === "silent") return;
    if (this.health === "draining") response.setHeader("X-Tomcat-Cluster-State", "draining");
    response.statusCode = this.health === "ready" ? 200 : 503;
    response.end(this.health);
  });
  port = 0;
  managementPort = 0;

  constructor(name: string, handler?: Handler) {
    this.name = name;
    this.handler = handler ?? ((_request, response) => response.end(name));
  }

  async start(): Promise<this> {
    this.server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
      this.seen.push(`${request.method} ${request.url}`);
      if (this.health === "draining") response.setHeader("Connection", "close"); // rule 18
      this.handler(request, response);
    });
    this.server.on("connection", (socket) => {
      this.connections++;
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
    });
    await listen(this.server, this.port, this.address);
    if (!this.#management.listening) await listen(this.#management, this.managementPort, this.address);
    this.port = portOf(this.server);
    this.managementPort = portOf(this.#management);
    return this;
  }

  /** As a process that is killed: nobody listens any more and every connection is gone. */
  async kill(): Promise<void> {
    await Promise.all([this.refuse(), close(this.#management)]);
  }

  /** Only the data port: it refuses, its connections end. */
  refuse(): Promise<void> {
    for (const socket of this.sockets) socket.resetAndDestroy();
    return close(this.server);
  }
}

/** Answers with the request's body. */
export const echo: Handler = (request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => response.end(Buffer.concat(chunks)));
};

function listen(server: Server, port: number, address: string): Promise<void> {
  return new Promise((resolve) => server.listen(port, address, resolve));
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  server.close();
  server.closeAllConnections();
  await once(server, "close");
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

export interface RunningBalancer {
  readonly balancer: Balancer;
  readonly port: number;
  /** What /balancer shows. */
  status(): BalancerStatus;
  metrics(): Promise<string>;
  /** What /readyz says: undefined when ready. */
  notReady(): string | undefined;
  /** Resolves when every worker is in the state that stands for its name. */
  states(wanted: Readonly<Record<string, string>>): Promise<void>;
}

export interface BalancerStatus {
  readonly requestsInFlight: number;
  readonly sticky: Readonly<Record<string, number>>;
  readonly retries: Readonly<Record<string, number>>;
  readonly failed: Readonly<Record<string, number>>;
  readonly refused: Readonly<Record<string, number>>;
  readonly settingsDigest: string;
  readonly workers: readonly {
    readonly name: string;
    readonly state: string;
    readonly inFlight: number;
    readonly elected: number;
    readonly connections: { readonly idle: number; readonly active: number };
  }[];
}

export interface BalancerOptions {
  readonly settings?: Partial<BalancerSettingsDocument>;
  readonly clock?: Clock;
  readonly resolver?: NameResolver;
  /** Health checks are off unless this is true. */
  readonly health?: boolean;
}

/** Starts workers and a balancer before them; both end with the test. */
export async function startBalancer(
  context: TestContext,
  workers: readonly FakeWorker[],
  options: BalancerOptions = {},
): Promise<RunningBalancer> {
  for (const worker of workers) {
    await worker.start();
    context.after(() => worker.kill());
  }
  const settings = parseBalancerSettings({
    discovery: {
      type: "Static",
      workers: workers.map(({ name, port, managementPort }) => ({ name, address: "127.0.0.1", port, managementPort })),
    },
    healthCheck: { enabled: options.health ?? false, intervalMilliseconds: 20, timeoutMilliseconds: 200 },
    ...options.settings,
    listen: { address: "127.0.0.1", port: 0, ...options.settings?.listen },
  });
  const pages = new Map<string, Page>();
  const checks: ReadinessCheck[] = [];
  const management = {
    addPage: (path: string, page: Page) => void pages.set(path, page),
    addReadinessCheck: (_name: string, check: ReadinessCheck) => void checks.push(check),
  };
  const registry = new Registry();
  const deps = { clock: options.clock ?? systemClock, random: systemRandom, logger: silentLogger, registry, management };
  const balancer = new Balancer(options.resolver ? { ...deps, resolver: options.resolver } : deps, settings);
  await balancer.start();
  let stopped: Promise<void> | undefined;
  const stop = balancer.stop.bind(balancer);
  balancer.stop = () => {
    stopped ??= stop();
    return stopped;
  };
  context.after(() => balancer.stop());
  const running: RunningBalancer = {
    balancer,
    port: balancer.port,
    status() {
      let text = "";
      const response = {
        writeHead: () => response,
        end: (chunk: string) => {
          text = chunk;
        },
      };
      void pages.get("/balancer")!({} as IncomingMessage, response as unknown as ServerResponse);
      return JSON.parse(text) as BalancerStatus;
    },
    metrics: () => registry.metrics(),
    notReady: () => checks.map((check) => check()).find((reason) => reason !== undefined),
    async states(wanted) {
      await until(() => {
        const states = new Map(running.status().workers.map((worker) => [worker.name, worker.state]));
        return Object.entries(wanted).every(([name, state]) => states.get(name) === state);
      });
    },
  };
  return running;
}

/** Waits for a condition that events of other parts bring about; the suite's time-out is the limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

export interface RawAnswer {
  /** 0 when the connection ended without an answer. */
  readonly status: number;
  readonly head: string;
  readonly body: string;
  /** Everything that came. */
  readonly text: string;
}

/** Writes bytes to a new connection and reads until the other side closes it. */
export async function raw(port: number, bytes: string): Promise<RawAnswer> {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket.setEncoding("latin1");
  socket.on("data", (chunk) => {
    text += chunk;
  });
  socket.on("error", () => socket.destroy());
  socket.write(bytes, "latin1");
  await new Promise((resolve) => socket.on("close", resolve));
  return parseAnswer(text);
}

export function parseAnswer(text: string): RawAnswer {
  const end = text.indexOf("\r\n\r\n");
  const head = end === -1 ? text : text.slice(0, end);
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? 0), head, body: end === -1 ? "" : text.slice(end + 4), text };
}

export interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly cookie?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
}

/** One request on a connection of its own. */
export function ask(port: number, { method = "GET", path = "/", cookie, headers = [], body }: Ask = {}): Promise<RawAnswer> {
  const lines = [`${method} ${path} HTTP/1.1`, "Host: shop.test", "Connection: close", ...headers];
  if (cookie !== undefined) lines.push(`Cookie: ${cookie}`);
  if (body !== undefined) lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
  return raw(port, `${lines.join("\r\n")}\r\n\r\n${body ?? ""}`);
}
