// An HTTP server that answers as a test says, to see what a Kubernetes client does on the wire.
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Access, Credentials } from "../../src/kube/index.ts";

export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}

export type Answer = (request: FakeRequest, response: ServerResponse) => void;

/** PEM texts. */
interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export class FakeApiServer implements Credentials {
  readonly requests: FakeRequest[] = [];
  /** Connections that were ever made. */
  connections = 0;
  /** How often the client found its credentials refused. */
  refusals = 0;
  /** One for each request, in order; the last one answers all further requests. */
  answers: Answer[] = [];
  /** What the client gets as its access, without the address. */
  identity: Omit<Access, "server"> = { headers: { Authorization: "Bearer first" }, tls: {} };
  readonly #server: Server;
  readonly #isSecure: boolean;
  #arrived: (() => void)[] = [];

  private constructor(certificate: Certificate | undefined) {
    const answer = (request: IncomingMessage, response: ServerResponse) => void this.#answer(request, response);
    this.#isSecure = certificate !== undefined;
    this.#server = certificate ? createTlsServer(certificate, answer) : createServer(answer);
    this.#server.on("connection", () => this.connections++);
  }

  /** Without a certificate it speaks plain HTTP. */
  static async start(certificate?: Certificate): Promise<FakeApiServer> {
    const server = new FakeApiServer(certificate);
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get url(): string {
    return `${this.#isSecure ? "https" : "http"}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  access(): Promise<Access> {
    return Promise.resolve({ ...this.identity, server: this.url });
  }

  refused(): void {
    this.refusals++;
  }

  /** Resolves when so many requests have come in all. */
  async received(count: number): Promise<void> {
    while (this.requests.length < count) await new Promise<void>((resolve) => this.#arrived.push(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, "http://localhost");
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const seen: FakeRequest = {
      method: request.method!,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: request.headers,
      body: text === "" ? undefined : JSON.parse(text),
    };
    this.requests.push(seen);
    const answer = this.answers.length > 1 ? this.answers.shift()! : this.answers[0]!;
    answer(seen, response);
    for (const arrived of this.#arrived.splice(0)) arrived();
  }
}

export function json(value: unknown, status = 200, headers: Record<string, string> = {}): Answer {
  return (_request, response) => {
    response.writeHead(status, { "Content-Type": "application/json", ...headers });
    response.end(JSON.stringify(value));
  };
}

/** A refusal as the API server writes it. */
export function refusal(code: number, reason: string, headers: Record<string, string> = {}, details: object = {}): Answer {
  return json({ kind: "Status", apiVersion: "v1", status: "Failure", message: `it is ${reason}`, reason, details, code }, code, headers);
}

/** The head of a watch and these pieces of its body, which then stays open. */
export function stream(...pieces: (string | Buffer)[]): Answer {
  return (_request, response) => {
    response.writeHead(200, { "Content-Type": "application/json" });
    response.flushHeaders();
    for (const piece of pieces) response.write(piece);
  };
}

/** Accepts the request and says nothing. */
export const silence: Answer = () => undefined;
