// Lets go what an application wrote and then left standing: one timer for all answers (rule 7).
import type { Clock, Timer } from "../base/index.ts";
import type { HeldResponse } from "./held-response.ts";

const MAX_HELD_MS = 100;

export class HeldResponseSweeper {
  readonly #clock: Clock;
  /** With the time since when bytes are held; oldest first, since a map keeps the order of insertion. */
  readonly #held = new Map<HeldResponse, number>();
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** An answer of which bytes are held from now on. */
  add(response: HeldResponse): void {
    this.#held.set(response, this.#clock.monotonic());
    this.#timer ??= this.#clock.setTimeout(() => this.#sweep(), MAX_HELD_MS);
  }

  remove(response: HeldResponse): void {
    if (this.#held.size > 0) this.#held.delete(response);
  }

  #sweep(): void {
    this.#timer = undefined;
    const nowMs = this.#clock.monotonic();
    for (const [response, sinceMs] of this.#held) {
      const restMs = sinceMs + MAX_HELD_MS - nowMs;
      if (restMs > 0) {
        this.#timer = this.#clock.setTimeout(() => this.#sweep(), restMs);
        return;
      }
      this.#held.delete(response);
      response.releaseLate();
    }
  }
}
