// Time that passes only when nothing is left to do: hours of a group of workers in seconds, always in the same order.
import type { Clock, Timer } from "../../src/base/index.ts";
import { quiet } from "./pending-immediates.ts";

interface Event {
  readonly dueMs: number;
  readonly order: number;
  task: (() => void) | undefined;
}

/** The order of all events of a simulation. Events of one instant run in the order of their scheduling. */
export class VirtualTime {
  nowMs = 0;
  /** How many events have run. */
  events = 0;
  readonly #heap: Event[] = [];
  #orders = 0;

  after(delayMs: number, task: () => void): Timer {
    const event: Event = { dueMs: this.nowMs + Math.max(0, delayMs), order: this.#orders++, task };
    this.#push(event);
    return {
      cancel: () => {
        event.task = undefined;
      },
    };
  }

  /** Runs everything that falls due within `durationMs`, or until `until` holds; each event to its end before the next one. */
  async run(durationMs: number, until: () => boolean = () => false): Promise<void> {
    const endMs = this.nowMs + durationMs;
    await quiet();
    while (!until()) {
      const event = this.#heap[0];
      if (event === undefined || event.dueMs > endMs) {
        this.nowMs = endMs;
        return;
      }
      this.#pop();
      if (event.task === undefined) continue;
      this.nowMs = event.dueMs;
      this.events++;
      event.task();
      await quiet();
    }
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let index = heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.dueMs < other.dueMs || (one.dueMs === other.dueMs && one.order < other.order);
}

/** The clock of one process: as wrong as its machine's, and without timers while the process is stopped. */
export class ProcessClock implements Clock {
  /** What its wall clock is ahead of the true time; may change while it runs. */
  offsetMs: number;
  readonly #time: VirtualTime;
  readonly #startedMs: number;
  readonly #epochMs: number;
  #state: "Running" | "Frozen" | "Dead" = "Running";
  #held: (() => void)[] = [];

  constructor(time: VirtualTime, options: { readonly offsetMs?: number; readonly epochMs?: number } = {}) {
    this.#time = time;
    this.#startedMs = time.nowMs;
    this.#epochMs = options.epochMs ?? 1_700_000_000_000;
    this.offsetMs = options.offsetMs ?? 0;
  }

  now(): number {
    return Math.floor(this.#epochMs + this.#time.nowMs + this.offsetMs);
  }

  monotonic(): number {
    return this.#time.nowMs - this.#startedMs;
  }

  /** As Node's: whole milliseconds, one at least. */
  setTimeout(task: () => void, delayMs: number): Timer {
    let cancelled = false;
    const timer = this.#time.after(Math.max(1, Math.trunc(delayMs)), () => this.#fire(() => !cancelled && task()));
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  /** After a standstill a period that was missed runs once, as in Node. */
  setInterval(task: () => void, periodMs: number): Timer {
    let cancelled = false;
    let timer: Timer;
    const next = () => {
      timer = this.setTimeout(() => {
        task();
        if (!cancelled) next();
      }, periodMs);
    };
    next();
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  freeze(): void {
    if (this.#state === "Running") this.#state = "Frozen";
  }

  /** What fell due meanwhile runs now, in its order. */
  thaw(): void {
    if (this.#state !== "Frozen") return;
    this.#state = "Running";
    for (const task of this.#held.splice(0)) this.#time.after(0, () => this.#fire(task));
  }

  kill(): void {
    this.#state = "Dead";
    this.#held = [];
  }

  #fire(task: () => void): void {
    if (this.#state === "Running") task();
    else if (this.#state === "Frozen") this.#held.push(task);
  }
}
