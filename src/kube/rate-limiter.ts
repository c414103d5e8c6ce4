// Keeps us from flooding the API server: a bucket of tokens, one per request.
import { type Clock, delay } from "../base/index.ts";

export interface RateLimit {
  /** Requests a second in the long run. */
  readonly perSecond: number;
  /** Requests at once after a quiet time. */
  readonly burst: number;
}

export class RateLimiter {
  readonly #clock: Clock;
  readonly #limit: RateLimit;
  #tokens: number;
  #refilledMs: number;

  constructor(clock: Clock, limit: RateLimit) {
    this.#clock = clock;
    this.#limit = limit;
    this.#tokens = limit.burst;
    this.#refilledMs = clock.monotonic();
  }

  /** Resolves, in the order of the calls, when the next request may go; rejects with the signal's reason, and gives its place back. */
  async take(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.#refill();
    this.#tokens--;
    if (this.#tokens >= 0) return;
    try {
      await delay(this.#clock, (-this.#tokens * 1000) / this.#limit.perSecond, signal);
    } catch (error) {
      this.#tokens++;
      throw error;
    }
  }

  #refill(): void {
    const nowMs = this.#clock.monotonic();
    const earned = ((nowMs - this.#refilledMs) * this.#limit.perSecond) / 1000;
    this.#tokens = Math.min(this.#limit.burst, this.#tokens + earned);
    this.#refilledMs = nowMs;
  }
}
