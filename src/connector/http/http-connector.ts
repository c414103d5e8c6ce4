// The HTTP/1.1 connector: a listening socket whose requests go to a handler as exchanges (Tomcat: Connector, Http11NioProtocol).
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { asError, type Clock, type Lifecycle, type Logger, type Registry, systemErrorCode } from "../../base/index.ts";
import type { ConnectorConfig } from "../../config/index.ts";
import type { RequestHandler } from "../../protocol/index.ts";
import { ListenError, PortInUseError } from "../errors.ts";
import { Connection } from "./connection.ts";
import { HttpExchange } from "./http-exchange.ts";
import { type ConnectorStatistics, HttpMetrics } from "./http-metrics.ts";
import { refuse, statusOfClientError } from "./refusal.ts";

export interface HttpConnectorDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly handler: RequestHandler;
}

export interface HttpConnectorOptions {
  readonly config: ConnectorConfig;
  /** How long `stop` waits for running requests before it cuts them; default 20 000. */
  readonly stopTimeoutMs?: number;
}

const DEFAULT_STOP_TIMEOUT_MS = 20_000;
/** How often node:http looks for heads that take too long. */
const MAX_CHECK_PERIOD_MS = 5000;
const REFUSAL_LINGER_MS = 1000;
const CONNECTION = Symbol("connection");
const STARTED = Symbol("started");

interface ServedSocket extends Socket {
  [CONNECTION]?: Connection;
}

interface TimedResponse extends ServerResponse {
  [STARTED]?: number;
}

export class HttpConnector implements Lifecycle, ConnectorStatistics {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #handler: RequestHandler;
  readonly #config: ConnectorConfig;
  readonly #stopTimeoutMs: number;
  readonly #metrics: HttpMetrics;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  readonly #onResponseClose: (this: ServerResponse) => void;
  #draining = false;
  #stopping = false;
  #activeRequests = 0;
  #lastActivityMs: number;
  #requests = 0;
  #requestMs = 0;
  #maxRequestMs = 0;
  #errors = 0;
  #refusedConnections = 0;
  /** Of connections that are gone. */
  #pastSentBytes = 0;
  #pastReceivedBytes = 0;

  constructor(deps: HttpConnectorDeps, options: HttpConnectorOptions) {
    this.#clock = deps.clock;
    this.#handler = deps.handler;
    this.#config = options.config;
    this.#logger = deps.logger.child({ connector: this.name });
    this.#stopTimeoutMs = options.stopTimeoutMs ?? DEFAULT_STOP_TIMEOUT_MS;
    this.#metrics = HttpMetrics.of(deps.registry);
    this.#lastActivityMs = deps.clock.monotonic();
    const connector = this;
    this.#onResponseClose = function (this: ServerResponse) {
      connector.#responseClosed(this);
    };
    this.#server = this.#createServer();
  }

  get name(): string {
    return `http-nio-${this.#config.port}`;
  }

  /** The port that was bound; valid while the connector runs. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Requests whose answer is not complete. */
  get activeRequests(): number {
    return this.#activeRequests;
  }

  /** Milliseconds since a request began, or ran that ends by itself; 0 while such a one runs (rule 18: quiet). */
  get quietMs(): number {
    if (this.#activeRequests > 0) for (const connection of this.#connections) if (connection.working) return 0;
    return this.#clock.monotonic() - this.#lastActivityMs;
  }

  get requests(): number {
    return this.#requests;
  }

  get requestSeconds(): number {
    return this.#requestMs / 1000;
  }

  get maxRequestSeconds(): number {
    return this.#maxRequestMs / 1000;
  }

  get errors(): number {
    return this.#errors;
  }

  get sentBytes(): number {
    let bytes = this.#pastSentBytes;
    for (const { socket } of this.#connections) bytes += socket.bytesWritten;
    return bytes;
  }

  get receivedBytes(): number {
    let bytes = this.#pastReceivedBytes;
    for (const { socket } of this.#connections) bytes += socket.bytesRead;
    return bytes;
  }

  get connections(): number {
    return this.#connections.size;
  }

  get keepAliveConnections(): number {
    let idle = 0;
    for (const connection of this.#connections) if (connection.idle) idle++;
    return idle;
  }

  get maxConnections(): number {
    return this.#config.maxConnections;
  }

  get refusedConnections(): number {
    return this.#refusedConnections;
  }

  /** Rejects with PortInUseError or ListenError. */
  start(): Promise<void> {
    const { address, port } = this.#config;
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => reject(listenError(address, port, error));
      this.#server.once("error", fail);
      this.#server.listen({ port, ...(address === undefined ? {} : { host: address }) }, () => {
        this.#server.off("error", fail);
        this.#server.on("error", (error) => this.#logger.error({ err: error }, "Connector failed"));
        this.#metrics.add(this);
        this.#logger.info({ address: address ?? "*", port: this.port }, "Connector listens");
        resolve();
      });
    });
  }

  /** From here on every answer ends its connection; the listener stays open (rule 18). Calling it again does nothing. */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    for (const connection of this.#connections) connection.closeAfterAnswer();
  }

  /** Closes the listener, idle connections and event streams, waits for running requests up to the time-out, then cuts them. */
  async stop(): Promise<void> {
    this.drain();
    this.#stopping = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) {
      if (connection.idle) connection.socket.destroy();
      else connection.cutEventStream();
    }
    const deadline = this.#clock.setTimeout(() => {
      this.#logger.warn({ requests: this.#activeRequests }, "Running requests are cut");
      for (const connection of this.#connections) connection.socket.destroy();
    }, this.#stopTimeoutMs);
    await closed;
    deadline.cancel();
    this.#metrics.remove(this);
  }

  #createServer(): Server {
    const config = this.#config;
    const headersTimeoutMs = Math.max(0, config.connectionTimeoutMs);
    const options: ServerOptions = {
      maxHeaderSize: config.maxHttpRequestHeaderSize,
      headersTimeout: headersTimeoutMs,
      // The body may take as long as the application likes to read.
      requestTimeout: 0,
      keepAliveTimeout: Math.max(0, config.keepAliveTimeoutMs),
      connectionsCheckingInterval: headersTimeoutMs === 0 ? MAX_CHECK_PERIOD_MS : Math.min(MAX_CHECK_PERIOD_MS, headersTimeoutMs),
      noDelay: true,
      // Checked here, where it is counted.
      requireHostHeader: false,
      // Any other protocol is not taken up, which a server may do: the request is an ordinary one.
      shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() === "websocket",
    };
    const server = createServer(options, (request, response) => this.#handle(request, response));
    if (config.maxConnections >= 0) server.maxConnections = config.maxConnections;
    server.on("connection", (socket) => this.#connected(socket));
    server.on("drop", () => this.#refusedConnections++);
    server.on("clientError", (error, socket) => this.#clientFailed(error, socket));
    server.on("upgrade", (_request, socket) => this.#refuseTurn(socket, 501, "WebSocket is not supported in this version"));
    server.on("connect", (_request, socket) => this.#refuseTurn(socket, 501, "CONNECT is not supported: this is not a proxy"));
    return server;
  }

  #connected(socket: ServedSocket): void {
    const connection = new Connection(socket);
    socket[CONNECTION] = connection;
    this.#connections.add(connection);
    // Asking makes the socket keep them: logs want them when the client has gone.
    void socket.remoteAddress;
    void socket.localAddress;
    socket.on("close", () => {
      this.#connections.delete(connection);
      this.#pastSentBytes += socket.bytesWritten;
      this.#pastReceivedBytes += socket.bytesRead;
      connection.closeQueued();
    });
  }

  #handle(request: IncomingMessage, response: TimedResponse): void {
    const connection = (request.socket as ServedSocket)[CONNECTION]!;
    if (connection.ending) return;
    const nowMs = this.#clock.monotonic();
    this.#activeRequests++;
    this.#lastActivityMs = nowMs;
    response[STARTED] = nowMs;
    response.on("close", this.#onResponseClose);
    connection.open.add(response);
    connection.requests++;
    // node:http's own maxRequestsPerSocket announces the end and then keeps the connection.
    if (this.#draining || connection.requests === this.#config.maxKeepAliveRequests) connection.endWith(response);
    if (request.headers.host === undefined && request.httpVersion === "1.1") {
      response.writeHead(400, { Connection: "close" }).end();
    } else {
      this.#handler.handle(new HttpExchange(request, response));
    }
  }

  #responseClosed(response: TimedResponse): void {
    const nowMs = this.#clock.monotonic();
    const durationMs = nowMs - (response[STARTED] ?? nowMs);
    this.#activeRequests--;
    this.#lastActivityMs = nowMs;
    this.#requests++;
    this.#requestMs += durationMs;
    if (durationMs > this.#maxRequestMs) this.#maxRequestMs = durationMs;
    if (response.statusCode >= 400) this.#errors++;
    const connection = (response.req.socket as ServedSocket)[CONNECTION]!;
    connection.open.delete(response);
    // Also where the application has replaced the field that announces it.
    if ((this.#stopping || connection.ending) && connection.idle) connection.socket.destroySoon();
  }

  #clientFailed(error: Error, socket: Duplex): void {
    const status = statusOfClientError(error);
    this.#logger.debug({ err: error }, "Request could not be read");
    if (status !== undefined && socket.writable) this.#refuseTurn(socket, status, "The request could not be read");
    else socket.destroy();
  }

  /** What is written past an open answer would be taken for that answer: then the connection is cut. */
  #refuseTurn(socket: Duplex, status: number, sentence: string): void {
    if ((socket as ServedSocket)[CONNECTION]?.idle !== false) {
      this.#refuse(socket, status, sentence);
      return;
    }
    this.#errors++;
    // The HTTP server may have let go of the socket already.
    socket.on("error", () => undefined);
    socket.destroy();
  }

  #refuse(socket: Duplex, status: number, sentence: string): void {
    this.#errors++;
    // The HTTP server has let go of the socket: a reset by the client is nobody's business any more.
    socket.on("error", () => socket.destroy());
    refuse(socket, status, sentence);
    // Closing at once, with bytes of the client unread, would reset the connection before the answer is read.
    const linger = this.#clock.setTimeout(() => socket.destroy(), REFUSAL_LINGER_MS);
    socket.on("close", () => linger.cancel());
    socket.resume();
  }
}

function listenError(address: string | undefined, port: number, error: Error): Error {
  const where = address ?? "*";
  if (systemErrorCode(error) === "EADDRINUSE") return new PortInUseError(where, port, { cause: error });
  return new ListenError(where, port, asError(error).message, { cause: error });
}
