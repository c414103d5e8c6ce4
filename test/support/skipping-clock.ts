// The system's clock, ahead by what a test has skipped. Its timers run as they would: what counts on the time of day or on a duration sees it.
import { type Clock, systemClock } from "../../src/base/index.ts";

export class SkippingClock implements Clock {
  readonly setTimeout = systemClock.setTimeout;
  readonly setInterval = systemClock.setInterval;
  #skippedMs = 0;

  skip(durationMs: number): void {
    this.#skippedMs += durationMs;
  }

  now(): number {
    return systemClock.now() + this.#skippedMs;
  }

  monotonic(): number {
    return systemClock.monotonic() + this.#skippedMs;
  }
}
