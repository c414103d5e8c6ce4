// Kept-alive HTTP connections to one worker, the last used one first.
import type { EventEmitter } from "node:events";
import { buildConnector, Client } from "undici";
import { asError, type Clock, type Logger } from "../../../base/index.ts";

export interface ConnectionPoolOptions {
  readonly address: string;
  readonly port: number;
  readonly connectTimeoutMs: number;
  /** Idle connections are closed after this time; a worker's Keep-Alive field may shorten it. */
  readonly keepAliveMs: number;
  readonly maxIdle: number;
  readonly maxResponseHeaderBytes: number;
}

/** One connection: undici's Client, which carries one request at a time. */
export interface PooledConnection {
  readonly client: Client;
  /** It has carried a request. */
  used: boolean;
  /** Of the pool's clock, when its last answer ended. */
  lastUsedMs: number;
}

/** A request that must not be repeated travels only on a connection that is new or was used this recently (rule 19). */
const FRESH_MS = 1000;

export class ConnectionPool {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #options: ConnectionPoolOptions;
  readonly #origin: URL;
  readonly #connect: buildConnector.connector;
  /** Most recently used last. */
  readonly #idle: PooledConnection[] = [];
  #active = 0;
  #closed = false;

  constructor(deps: { clock: Clock; logger: Logger }, options: ConnectionPoolOptions) {
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#options = options;
    const host = options.address.includes(":") ? `[${options.address}]` : options.address;
    this.#origin = new URL(`http://${host}:${options.port}`);
    this.#connect = buildConnector({ timeout: options.connectTimeoutMs, allowH2: false, maxCachedSessions: 0 });
  }

  get idle(): number {
    return this.#idle.length;
  }

  get active(): number {
    return this.#active;
  }

  /** A connection of the caller's own until `release` or `discard`. It connects when a request is sent, if it has not yet. */
  acquire(requirement: "Any" | "Recent" | "New"): PooledConnection {
    this.#active++;
    const latest = requirement === "New" ? undefined : this.#idle.at(-1);
    if (latest && (requirement === "Any" || this.#clock.monotonic() - latest.lastUsedMs <= FRESH_MS)) {
      this.#idle.pop();
      return latest;
    }
    return this.#create();
  }

  /** Its answer is complete and the worker keeps it open. */
  release(connection: PooledConnection): void {
    if (this.#closed || this.#idle.length >= this.#options.maxIdle) {
      this.discard(connection);
      return;
    }
    this.#active--;
    connection.used = true;
    connection.lastUsedMs = this.#clock.monotonic();
    this.#idle.push(connection);
  }

  discard(connection: PooledConnection): void {
    this.#active--;
    this.#destroy(connection);
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#idle.splice(0)) this.#destroy(connection);
  }

  #create(): PooledConnection {
    const client = new Client(this.#origin, {
      connect: this.#connect,
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: this.#options.keepAliveMs,
      keepAliveMaxTimeout: this.#options.keepAliveMs,
      keepAliveTimeoutThreshold: 500,
      maxHeaderSize: this.#options.maxResponseHeaderBytes,
      headersTimeout: 0, // the balancer's sweep watches progress
      bodyTimeout: 0,
    });
    const connection: PooledConnection = { client, used: false, lastUsedMs: 0 };
    client.on("disconnect", () => this.#forget(connection));
    const emitter: EventEmitter = client;
    emitter.on("error", (error) => this.#logger.error({ err: asError(error) }, "Connection to a worker failed outside a request"));
    return connection;
  }

  /** The worker closed it, or its idle time is over. */
  #forget(connection: PooledConnection): void {
    const index = this.#idle.lastIndexOf(connection);
    if (index === -1) return;
    this.#idle.splice(index, 1);
    this.#destroy(connection);
  }

  #destroy(connection: PooledConnection): void {
    void connection.client.destroy();
  }
}
