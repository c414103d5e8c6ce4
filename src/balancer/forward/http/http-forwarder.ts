// Requests to one worker over HTTP/1.1 on kept-alive connections.
import type { Clock, Logger } from "../../../base/index.ts";
import type { Attempt, AttemptListener, Forwarder, OutgoingRequest } from "../forwarder.ts";
import { ConnectionPool, type ConnectionPoolOptions } from "./connection-pool.ts";
import { HttpAttempt } from "./http-attempt.ts";

export class HttpForwarder implements Forwarder {
  readonly #pool: ConnectionPool;

  constructor(deps: { clock: Clock; logger: Logger }, options: ConnectionPoolOptions) {
    this.#pool = new ConnectionPool(deps, options);
  }

  get idleConnections(): number {
    return this.#pool.idle;
  }

  get activeConnections(): number {
    return this.#pool.active;
  }

  forward(request: OutgoingRequest, listener: AttemptListener): Attempt {
    const { head } = request;
    const requirement = request.freshConnection || head.webSocket ? "New" : request.idempotent ? "Any" : "Recent";
    const connection = this.#pool.acquire(requirement);
    const attempt = new HttpAttempt(this.#pool, connection, listener);
    attempt.send({
      method: head.method,
      path: head.target,
      headers: head.headers,
      body: request.body ?? null,
      idempotent: request.idempotent,
      upgrade: head.webSocket ? "websocket" : null,
    });
    return attempt;
  }

  close(): void {
    this.#pool.close();
  }
}
