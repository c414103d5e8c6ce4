// Kept-alive HTTP connections to one worker, the last used one first.
import type { Clock, Timer } from "../../../base/index.ts";
import { WorkerConnection, type WorkerConnectionOptions } from "./worker-connection.ts";

export interface ConnectionPoolOptions extends WorkerConnectionOptions {
  /** Idle connections are closed after this time; a worker's Keep-Alive field may shorten it. */
  readonly keepAliveMs: number;
  readonly maxIdle: number;
}

/** A request that must not be repeated travels only on a connection that is new or was used this recently (rule 19). */
const FRESH_MS = 1000;

/** A worker's own limit is undercut by this, so that it does not close a connection while a request is on its way to it. */
const KEEP_ALIVE_MARGIN_MS = 500;
/** How often idle connections are looked at. */
const EXPIRY_CHECK_MS = 1000;

export class ConnectionPool {
  readonly #clock: Clock;
  readonly #options: ConnectionPoolOptions;
  /** Most recently used last. */
  #idle: WorkerConnection[] = [];
  #active = 0;
  #closed = false;
  #expiryCheck: Timer | undefined;

  constructor(clock: Clock, options: ConnectionPoolOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  get idle(): number {
    return this.#idle.length;
  }

  get active(): number {
    return this.#active;
  }

  /** A connection of the caller's own until `release`, `discard` or `handOver`. A new one is about to connect. */
  acquire(requirement: "Any" | "Recent" | "New"): WorkerConnection {
    this.#active++;
    if (requirement !== "New") {
      const nowMs = this.#clock.monotonic();
      for (let latest = this.#idle.at(-1); latest; latest = this.#idle.at(-1)) {
        if (requirement === "Recent" && nowMs - latest.lastUsedMs > FRESH_MS) break;
        this.#idle.pop();
        if (nowMs < latest.expiresMs) return latest;
        latest.destroy();
      }
    }
    return new WorkerConnection(this.#clock, this.#options, (connection) => this.#forget(connection));
  }

  /** Its answer is complete and the worker keeps it open, for `keepAliveSeconds` if it has said so (-1: it has not). */
  release(connection: WorkerConnection, keepAliveSeconds: number): void {
    const workersMs = keepAliveSeconds === -1 ? Number.POSITIVE_INFINITY : keepAliveSeconds * 1000 - KEEP_ALIVE_MARGIN_MS;
    const keepMs = Math.min(this.#options.keepAliveMs, workersMs);
    if (this.#closed || keepMs <= 0 || this.#idle.length >= this.#options.maxIdle) {
      this.discard(connection);
      return;
    }
    this.#active--;
    connection.used = true;
    connection.lastUsedMs = this.#clock.monotonic();
    connection.expiresMs = connection.lastUsedMs + keepMs;
    this.#idle.push(connection);
    this.#expiryCheck ??= this.#clock.setInterval(() => this.#closeExpired(), EXPIRY_CHECK_MS);
  }

  discard(connection: WorkerConnection): void {
    this.#active--;
    connection.destroy();
  }

  /** Its socket belongs to somebody else now. */
  handOver(): void {
    this.#active--;
  }

  close(): void {
    this.#closed = true;
    this.#expiryCheck?.cancel();
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  /** The worker closed it. */
  #forget(connection: WorkerConnection): void {
    const index = this.#idle.lastIndexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
  }

  #closeExpired(): void {
    const nowMs = this.#clock.monotonic();
    this.#idle = this.#idle.filter((connection) => {
      if (nowMs < connection.expiresMs) return true;
      connection.destroy();
      return false;
    });
  }
}
