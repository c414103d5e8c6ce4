// A clock that stands still until a test moves it.
import type { Clock, Timer } from "../../src/base/index.ts";

interface Pending {
  dueMs: number;
  readonly order: number;
  readonly periodMs: number | undefined;
  readonly task: () => void;
}

export class ManualClock implements Clock {
  #nowMs: number;
  readonly #startMs: number;
  readonly #pending = new Set<Pending>();
  #orders = 0;

  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs;
    this.#startMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs - this.#startMs;
  }

  /** How many timers wait: 0 at the end of a test that leaks none. */
  get pendingTimers(): number {
    return this.#pending.size;
  }

  setTimeout(task: () => void, delayMs: number): Timer {
    return this.#add(task, delayMs, undefined);
  }

  setInterval(task: () => void, periodMs: number): Timer {
    return this.#add(task, periodMs, periodMs);
  }

  /** Moves time on, running what falls due in order; promise callbacks run between two timers. */
  async advance(ms: number): Promise<void> {
    const targetMs = this.#nowMs + ms;
    await settle();
    for (let next = this.#next(targetMs); next; next = this.#next(targetMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      if (next.periodMs === undefined) this.#pending.delete(next);
      else next.dueMs += next.periodMs;
      next.task();
      await settle();
    }
    this.#nowMs = targetMs;
    await settle();
  }

  #add(task: () => void, delayMs: number, periodMs: number | undefined): Timer {
    const pending: Pending = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#orders++, periodMs, task };
    this.#pending.add(pending);
    return { cancel: () => void this.#pending.delete(pending) };
  }

  #next(targetMs: number): Pending | undefined {
    let first: Pending | undefined;
    for (const pending of this.#pending) {
      if (pending.dueMs > targetMs) continue;
      if (!first || pending.dueMs < first.dueMs || (pending.dueMs === first.dueMs && pending.order < first.order)) first = pending;
    }
    return first;
  }
}

/** Lets every promise callback run that is ready now. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
