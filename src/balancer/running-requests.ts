// The requests that a balancer is answering now.

export interface RunningRequest {
  /** Where the collection keeps it; -1: nowhere. Only the collection touches it. */
  place: number;
  /** Called now and then: ends a request that makes no progress. */
  sweep(elapsedMs: number): void;
  /** Ends it at once. */
  destroy(): void;
}

/**
 * In no particular order. Not a Set: its hash tables, replaced again and again as requests come and go, refer to their successors,
 * so that a dead one in the old generation keeps every later table, and with it every later request, until a full collection.
 */
export class RunningRequests {
  readonly #requests: RunningRequest[] = [];

  get size(): number {
    return this.#requests.length;
  }

  add(request: RunningRequest): void {
    request.place = this.#requests.push(request) - 1;
  }

  delete(request: RunningRequest): void {
    const { place } = request;
    if (place === -1) return;
    request.place = -1;
    const last = this.#requests.pop()!;
    if (last === request) return;
    this.#requests[place] = last;
    last.place = place;
  }

  /** Requests may end meanwhile. */
  sweep(elapsedMs: number): void {
    for (const request of [...this.#requests]) request.sweep(elapsedMs);
  }

  destroyAll(): void {
    for (const request of [...this.#requests]) request.destroy();
  }
}
