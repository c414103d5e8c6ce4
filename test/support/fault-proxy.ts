// Stands between a client and a real API server, speaks for the administrator, and does to requests and watches what a test wants.
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import type { Access, Credentials } from "../../src/kube/index.ts";
import type { KubeApiServer } from "./kube-api-server.ts";

export interface ProxiedRequest {
  readonly method: string;
  readonly path: string;
  readonly verb: "list" | "watch" | "get" | "write";
}

export type Fault =
  /** Answers in the API server's place. */
  | { readonly status: number; readonly reason?: string; readonly headers?: Readonly<Record<string, string>> }
  /** "hang": reads and says nothing. "reset": cuts the connection. */
  | "hang"
  | "reset"
  /** Passes the request on, and cuts the connection in place of the answer. */
  | "lose"
  /** Passes the request on after this time. */
  | { readonly delayMs: number };

export class FaultProxy implements Credentials {
  /** What happens to a request; undefined: it is passed on. */
  fault: (request: ProxiedRequest) => Fault | undefined = () => undefined;
  readonly requests: ProxiedRequest[] = [];
  readonly #target: KubeApiServer;
  readonly #server: Server;
  readonly #agent: Agent;
  readonly #watches = new Set<{ readonly from: IncomingMessage; readonly to: ServerResponse }>();

  #writesUnderWay = 0;

  private constructor(target: KubeApiServer) {
    this.#target = target;
    const read = (name: string) => readFileSync(target.file(name));
    this.#agent = new Agent({ keepAlive: true, ca: read("ca.crt"), cert: read("admin.crt"), key: read("admin.key") });
    this.#server = createServer((request, response) => this.#handle(request, response));
  }

  static async start(target: KubeApiServer): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    this.#agent.destroy();
    await once(this.#server, "close");
  }

  access(): Promise<Access> {
    return Promise.resolve({ server: this.#url, headers: {}, tls: {} });
  }

  /** Path of a kubeconfig for processes; gone with the API server's files. */
  get kubeconfig(): string {
    const path = this.#target.file(`proxy-${new URL(this.#url).port}.kubeconfig`);
    const context = { name: "proxy", context: { cluster: "proxy", user: "proxy" } };
    // client-node speaks plain HTTP with nobody whose certificate it would check.
    const clusters = [{ name: "proxy", cluster: { server: this.#url, "insecure-skip-tls-verify": true } }];
    const config = { apiVersion: "v1", kind: "Config", "current-context": "proxy", contexts: [context], clusters };
    writeFileSync(path, JSON.stringify({ ...config, users: [{ name: "proxy", user: {} }] }));
    return path;
  }

  refused(): void {
    // The administrator is never refused for long.
  }

  count(verb: ProxiedRequest["verb"]): number {
    return this.requests.filter((request) => request.verb === verb).length;
  }

  /** What the API server has not answered yet. */
  get writesUnderWay(): number {
    return this.#writesUnderWay;
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  /** Cuts all open watches. */
  dropWatches(): void {
    for (const { to } of this.#watches) to.destroy();
  }

  /** Open watches stay open and say nothing more. */
  silenceWatches(): void {
    for (const { from } of this.#watches) {
      from.removeAllListeners("data");
      from.resume();
    }
  }

  /** One more line in all open watches. */
  injectIntoWatches(event: object): void {
    for (const { to } of this.#watches) to.write(`${JSON.stringify(event)}\n`);
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const seen = describe(request);
    this.requests.push(seen);
    const fault = this.fault(seen);
    if (fault === undefined) this.#pass(request, response, seen);
    else if (fault === "reset") request.socket.destroy();
    else if (fault === "hang") request.resume();
    else if (fault === "lose") this.#pass(request, response, seen, true);
    else if ("delayMs" in fault) setTimeout(() => response.destroyed || this.#pass(request, response, seen), fault.delayMs);
    else {
      const { status, reason = "", headers } = fault;
      request.resume();
      response.writeHead(status, { "Content-Type": "application/json", ...headers });
      response.end(JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", code: status, reason, message: "injected" }));
    }
  }

  get #url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  #pass(request: IncomingMessage, response: ServerResponse, { verb }: ProxiedRequest, isLost = false): void {
    const { host: _host, connection: _connection, ...headers } = request.headers;
    const { method, url } = request;
    const onward = httpsRequest(
      { agent: this.#agent, host: "127.0.0.1", port: this.#target.port, method: method!, path: url!, headers },
      (answer) => {
        if (isLost) {
          response.destroy();
          return;
        }
        const { "transfer-encoding": _encoding, connection: _answerConnection, ...answerHeaders } = answer.headers;
        response.writeHead(answer.statusCode!, answerHeaders);
        response.flushHeaders();
        if (verb === "watch") {
          const watch = { from: answer, to: response };
          this.#watches.add(watch);
          response.once("close", () => this.#watches.delete(watch));
        }
        answer.on("data", (chunk: Buffer) => response.write(chunk));
        answer.on("end", () => response.end());
        answer.on("error", () => response.destroy());
      },
    );
    if (verb === "write") {
      this.#writesUnderWay++;
      onward.once("close", () => this.#writesUnderWay--);
    }
    onward.on("error", () => response.destroy());
    response.once("close", () => onward.destroy());
    request.pipe(onward);
  }
}

function describe(request: IncomingMessage): ProxiedRequest {
  const url = new URL(request.url!, "http://localhost");
  const { method } = request;
  const isCollection = url.searchParams.has("limit");
  const verb = method !== "GET" ? "write" : url.searchParams.has("watch") ? "watch" : isCollection ? "list" : "get";
  return { method: method!, path: url.pathname, verb };
}
