// Requests to one worker over HTTP/1.1 on kept-alive connections.
import type { Clock } from "../../../base/index.ts";
import type { Attempt, AttemptListener, Forwarder, OutgoingRequest } from "../forwarder.ts";
import { ConnectionPool, type ConnectionPoolOptions } from "./connection-pool.ts";
import { HttpAttempt } from "./http-attempt.ts";

export class HttpForwarder implements Forwarder {
  readonly #pool: ConnectionPool;
  readonly #workerHost: string;

  constructor(clock: Clock, options: ConnectionPoolOptions) {
    const { address, port } = options;
    this.#pool = new ConnectionPool(clock, options);
    this.#workerHost = `${address.includes(":") ? `[${address}]` : address}:${port}`;
  }

  get idleConnections(): number {
    return this.#pool.idle;
  }

  get activeConnections(): number {
    return this.#pool.active;
  }

  forward(request: OutgoingRequest, listener: AttemptListener): Attempt {
    const requirement = request.freshConnection || request.head.webSocket ? "New" : request.idempotent ? "Any" : "Recent";
    const attempt = new HttpAttempt(this.#pool, this.#pool.acquire(requirement), request, this.#workerHost, listener);
    attempt.start();
    return attempt;
  }

  close(): void {
    this.#pool.close();
  }
}
