// One port that clients connect to: node:http with the limits of the settings, in the clear or with TLS.
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, Server as NetServer } from "node:net";
import type { Duplex } from "node:stream";
import type { Server as TlsServer } from "node:tls";
import type { Lifecycle, Logger } from "../base/index.ts";
import type { BalancerSettings } from "../config/index.ts";
import type { Certificate } from "./certificate-files.ts";

export interface ClientListenerDeps {
  readonly logger: Logger;
  onRequest(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void;
  onUpgrade(request: IncomingMessage, socket: Duplex, bytes: Buffer): void;
  onConnection(socket: Duplex): void;
}

export interface ClientListenerOptions {
  readonly settings: Pick<BalancerSettings, "listen" | "limits" | "timeouts">;
  /** 0: any free one. */
  readonly port: number;
  /** Unset: in the clear. */
  readonly certificate?: Certificate;
}

/** How often node:http looks for connections whose head is overdue. */
const HEAD_CHECK_MS = 2000;

export class ClientListener implements Lifecycle {
  readonly #deps: ClientListenerDeps;
  readonly #options: ClientListenerOptions;
  readonly #server: Server;
  readonly #closed: Promise<void>;

  constructor(deps: ClientListenerDeps, options: ClientListenerOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#server = this.#createServer();
    this.#closed = new Promise((resolve) => this.#server.once("close", resolve));
  }

  /** The port that was bound; valid after `start`. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  start(): Promise<void> {
    const { settings, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ port, host: settings.listen.address }, () => {
        this.#server.off("error", reject);
        this.#server.on("error", (error) => this.#deps.logger.error({ err: error }, "Listening for clients failed"));
        resolve();
      });
    });
  }

  /** No new connections from now on; all that are there stay until `stop`. */
  stopListening(): void {
    // node:http's own would close idle connections too, also one on which a request is just coming.
    NetServer.prototype.close.call(this.#server);
  }

  /** No new connections, and none that is idle; resolves when the last one is gone. */
  stop(): Promise<void> {
    this.#server.close();
    return this.#closed;
  }

  closeIdleConnections(): void {
    this.#server.closeIdleConnections();
  }

  closeAllConnections(): void {
    this.#server.closeAllConnections();
  }

  /** For connections from now on. Only with TLS. */
  setCertificate(certificate: Certificate): void {
    (this.#server as unknown as TlsServer).setSecureContext(certificate);
  }

  #createServer(): Server {
    const { timeouts, limits, listen } = this.#options.settings;
    const { certificate } = this.#options;
    const options: ServerOptions = {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: timeouts.headSeconds * 1000,
      keepAliveTimeout: timeouts.keepAliveSeconds * 1000,
      requestTimeout: 0, // a body may take as long as it makes progress: the sweep watches
      connectionsCheckingInterval: HEAD_CHECK_MS,
      requireHostHeader: false, // the gate's affair
      noDelay: true,
      shouldUpgradeCallback: (request) => request.method === "GET" && request.headers.upgrade?.toLowerCase() === "websocket",
    };
    const server =
      certificate === undefined
        ? createServer(options)
        : createSecureServer({ ...options, ...certificate, handshakeTimeout: timeouts.headSeconds * 1000 });
    server.on("request", (request, response) => this.#deps.onRequest(request, response, false));
    server.maxConnections = listen.maxConnections;
    server.maxHeadersCount = 0; // node:http would drop fields beyond its limit; the gate refuses them
    server.on("checkContinue", (request, response) => this.#deps.onRequest(request, response, true));
    server.on("upgrade", (request, socket, bytes) => this.#deps.onUpgrade(request, socket, bytes));
    server.on("connect", (_request, socket) =>
      socket.end("HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
    );
    server.on("connection", (socket) => this.#deps.onConnection(socket));
    return server;
  }
}
