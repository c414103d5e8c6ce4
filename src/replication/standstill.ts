// Notices that this process did not run for a while: it was stopped, its machine was paused, or its event loop was blocked.
import { type Clock, delay, type Timer } from "../base/index.ts";

const TICK_MS = 250;
/** Balancers give a worker's sessions to others when it has been silent for two of their health checks. */
const STANDSTILL_MS = 1000;
/** In which everything is read that came meanwhile: what others made of the sessions, and that clients have gone. */
const SETTLE_MS = 200;

/**
 * After a standstill the sessions here may be of yesterday, and requests that wait in the sockets may have been given up: neither is to
 * be used before what the other members sent meanwhile has been read (rules 11 and 13).
 */
export class Standstill {
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #lastTickMs = 0;
  #settledMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(): void {
    this.#lastTickMs = this.#clock.monotonic();
    this.#timer = this.#clock.setInterval(() => this.#tick(), TICK_MS);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Resolves when what came during a standstill has been read; undefined, as a rule: there was none lately. */
  settled(): Promise<void> | undefined {
    if (this.#timer === undefined) return undefined;
    // Sockets may be read before timers run.
    if (this.#clock.monotonic() - this.#lastTickMs >= STANDSTILL_MS) this.#tick();
    const waitMs = this.#settledMs - this.#clock.monotonic();
    return waitMs > 0 ? delay(this.#clock, waitMs) : undefined;
  }

  #tick(): void {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#lastTickMs >= STANDSTILL_MS) this.#settledMs = nowMs + SETTLE_MS;
    this.#lastTickMs = nowMs;
  }
}
