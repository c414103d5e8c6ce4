// Notices that this process did not run for a while: it was stopped, its machine was paused, or its event loop was blocked. The time of
// day tells, too: for a machine that is paused the monotonic time may stand still.
import { type Clock, delay, type Timer } from "../base/index.ts";

const TICK_MS = 250;
/** Balancers give a worker's sessions to others when it has been silent for two of their health checks. */
const STANDSTILL_MS = 1000;
/** In which everything is read that came meanwhile: what others made of the sessions, and that clients have gone. */
const SETTLE_MS = 200;
/** In which the other members have seen this one come back, and have sent what it missed (rule 11): so many times the standstill. */
const CATCH_UP_FACTOR = 10;
const MOST_CATCH_UP_MS = 60_000;

/**
 * After a standstill the sessions here may be of yesterday, and requests that wait in the sockets may have been given up: neither is to
 * be used before what the other members sent meanwhile has been read (rules 11 and 13).
 */
export class Standstill {
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #lastTickMs = 0;
  #lastTickTimeMs = 0;
  #endedMs = Number.NEGATIVE_INFINITY;
  #caughtUpMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(): void {
    this.#lastTickMs = this.#clock.monotonic();
    this.#lastTickTimeMs = this.#clock.now();
    this.#timer = this.#clock.setInterval(() => this.#tick(), TICK_MS);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#endedMs = this.#caughtUpMs = Number.NEGATIVE_INFINITY;
  }

  /** Resolves when what came during a standstill has been read; undefined, as a rule: there was none lately. */
  settled(): Promise<void> | undefined {
    this.#look();
    const waitMs = this.#endedMs + SETTLE_MS - this.#clock.monotonic();
    return waitMs > 0 ? delay(this.#clock, waitMs) : undefined;
  }

  /** Whether a session that seems unused may have been used elsewhere, without this member having heard of it yet. */
  get missesNews(): boolean {
    this.#look();
    return this.#clock.monotonic() < this.#caughtUpMs;
  }

  /** Sockets may be read before timers run. */
  #look(): void {
    if (this.#timer !== undefined && this.#passedMs() >= STANDSTILL_MS) this.#tick();
  }

  #tick(): void {
    const nowMs = this.#clock.monotonic();
    const passedMs = this.#passedMs();
    if (passedMs >= STANDSTILL_MS) {
      this.#endedMs = nowMs;
      this.#caughtUpMs = Math.max(this.#caughtUpMs, nowMs + Math.min(passedMs * CATCH_UP_FACTOR, MOST_CATCH_UP_MS));
    }
    this.#lastTickMs = nowMs;
    this.#lastTickTimeMs = this.#clock.now();
  }

  #passedMs(): number {
    return Math.max(this.#clock.monotonic() - this.#lastTickMs, this.#clock.now() - this.#lastTickTimeMs);
  }
}
