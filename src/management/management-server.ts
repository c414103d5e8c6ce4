// The management port: /livez, /readyz, /metrics, and pages that others register. Never on the data port.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { asError, type Lifecycle, type Logger, type Registry } from "../base/index.ts";
import { ManagementPortError } from "./management-port-error.ts";

/** Answers one path. Throwing or rejecting answers 500 with the message. */
export type Page = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** Why something is not ready, in a few words, or undefined when it is. */
export type ReadinessCheck = () => string | undefined;

export interface ManagementServerOptions {
  /** Undefined: every address, of both families. */
  address?: string | undefined;
  /** 0: any free port; `port` tells which. */
  port: number;
}

/** On every answer of /readyz: tells a balancer a worker that drains from one that starts. */
export const STATE_HEADER = "X-Tomcat-Cluster-State";

const HEADER_TIMEOUT_MS = 5000;
const MAX_CONNECTIONS = 64;

export class ManagementServer implements Lifecycle {
  readonly #logger: Logger;
  readonly #registry: Registry;
  readonly #options: ManagementServerOptions;
  readonly #pages = new Map<string, Page>();
  readonly #checks = new Map<string, ReadinessCheck>();
  readonly #server: Server;
  #state = "starting";

  constructor(deps: { logger: Logger; registry: Registry }, options: ManagementServerOptions) {
    this.#logger = deps.logger;
    this.#registry = deps.registry;
    this.#options = options;
    this.#server = createServer({ headersTimeout: HEADER_TIMEOUT_MS, requestTimeout: HEADER_TIMEOUT_MS }, (request, response) =>
      this.#answer(request, response),
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.addPage("/livez", (_request, response) => sendText(response, 200, "ok\n"));
    this.addPage("/readyz", (_request, response) => this.#answerReadiness(response));
    this.addPage("/metrics", async (_request, response) => {
      response.setHeader("Content-Type", this.#registry.contentType);
      response.end(await this.#registry.metrics());
    });
  }

  /** The port that was bound; valid after `start`. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The process's state as /readyz tells it: "starting", "serving", "draining" or "stopping". */
  set state(state: "starting" | "serving" | "draining" | "stopping") {
    this.#state = state;
  }

  addPage(path: string, page: Page): void {
    this.#pages.set(path, page);
  }

  /** /readyz answers 200 only while no check returns a reason. */
  addReadinessCheck(name: string, check: ReadinessCheck): void {
    this.#checks.set(name, check);
  }

  /** Rejects with ManagementPortError. */
  start(): Promise<void> {
    const { address, port } = this.#options;
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => reject(new ManagementPortError(address, port, error));
      this.#server.once("error", fail);
      this.#server.listen({ port, host: address }, () => {
        this.#server.off("error", fail);
        this.#server.on("error", (error) => this.#logger.error({ err: error }, "Management port failed"));
        resolve();
      });
    });
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? "/").split("?", 1)[0]!;
    const page = this.#pages.get(path);
    try {
      if (!page) sendText(response, 404, `No such page. There are: ${[...this.#pages.keys()].join(", ")}\n`);
      else if (request.method !== "GET" && request.method !== "HEAD") sendText(response, 405, "Only GET and HEAD\n");
      else await page(request, response);
    } catch (error) {
      this.#logger.error({ err: error, path }, "Management page failed");
      if (response.headersSent) response.destroy();
      else sendText(response, 500, `${asError(error).message}\n`);
    }
  }

  #answerReadiness(response: ServerResponse): void {
    const reasons: string[] = [];
    for (const [name, check] of this.#checks) {
      const reason = check();
      if (reason !== undefined) reasons.push(`${name}: ${reason}`);
    }
    response.setHeader(STATE_HEADER, this.#state);
    if (reasons.length === 0) sendText(response, 200, "ok\n");
    else sendText(response, 503, `${reasons.join("\n")}\n`);
  }
}

export function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" });
  response.end(text);
}

export function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "Content-Type": "application/json" });
  response.end(`${JSON.stringify(value, undefined, 2)}\n`);
}
