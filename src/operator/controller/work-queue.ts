// Keys to work on: each at most once in the queue, each worked on by one worker at a time, failures later and later.
import type { Clock, Timer } from "../../base/index.ts";
import type { ControllerMetrics } from "./controller-metrics.ts";

export interface WorkQueueOptions {
  /** In the metrics. */
  readonly name: string;
  /** Before the first repeat after a failure. Default 5 ms; it doubles with each failure in a row. */
  readonly baseDelayMs?: number;
  /** Default 1 000 000 ms. */
  readonly maxDelayMs?: number;
}

const BASE_DELAY_MS = 5;
const MAX_DELAY_MS = 1_000_000;
/** What comes after all others waits no longer than this, or it might for ever. */
const LATER_MS = 60_000;

/** Holds keys, never objects: as large as the number of things that there are. */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #options: WorkQueueOptions;
  readonly #metrics: ReturnType<ControllerMetrics["queue"]>;
  /** In the order of their coming, with the time of it. */
  readonly #waiting = new Map<string, number>();
  /** The same of keys that only come when no other waits. */
  readonly #later = new Map<string, number>();
  /** Being worked on, since when. */
  readonly #taken = new Map<string, number>();
  /** Came again while being worked on. */
  readonly #again = new Set<string>();
  readonly #delayed = new Map<string, { readonly timer: Timer; readonly dueMs: number }>();
  readonly #failures = new Map<string, number>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  #isClosed = false;

  constructor(deps: { readonly clock: Clock; readonly metrics: ControllerMetrics }, options: WorkQueueOptions) {
    this.#clock = deps.clock;
    this.#options = options;
    this.#metrics = deps.metrics.queue(options.name, () => ({ depth: this.size, startsMs: this.#taken.values() }));
  }

  /** Keys that could be taken now. */
  get size(): number {
    return this.#waiting.size + this.#later.size;
  }

  /** Does nothing when the key waits already. One that is being worked on comes again when that is done. */
  add(key: string): void {
    if (this.#isClosed || this.#waiting.has(key) || this.#again.has(key)) return;
    const sinceMs = this.#later.get(key);
    if (sinceMs !== undefined) {
      this.#later.delete(key);
      this.#waiting.set(key, sinceMs);
      return;
    }
    this.#metrics.adds.inc();
    if (this.#taken.has(key)) this.#again.add(key);
    else this.#enqueue(key, this.#waiting);
  }

  /** As `add`, for what nobody waits for: the key comes when there is no other, unless `add` wants it before. */
  addLater(key: string): void {
    if (this.#isClosed || this.#waiting.has(key) || this.#later.has(key) || this.#again.has(key)) return;
    this.#metrics.adds.inc();
    if (this.#taken.has(key)) this.#again.add(key);
    else this.#enqueue(key, this.#later);
  }

  /** Adds the key when the time has come; of several times the first counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#isClosed) return;
    const dueMs = this.#clock.monotonic() + delayMs;
    const before = this.#delayed.get(key);
    if (before && before.dueMs <= dueMs) return;
    before?.timer.cancel();
    const timer = this.#clock.setTimeout(() => {
      this.#delayed.delete(key);
      this.add(key);
    }, delayMs);
    this.#delayed.set(key, { timer, dueMs });
  }

  /** Adds the key after a delay that doubles with every call until `forget`. */
  addAfterFailure(key: string): void {
    const { baseDelayMs = BASE_DELAY_MS, maxDelayMs = MAX_DELAY_MS } = this.#options;
    const failures = this.failures(key);
    this.#failures.set(key, failures + 1);
    this.#metrics.retries.inc();
    this.addAfter(key, Math.min(maxDelayMs, baseDelayMs * 2 ** Math.min(failures, 40)));
  }

  /** In a row. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next failure is the first one. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** The next key, for the caller alone until it says `done`; undefined when the queue is closed. */
  take(): Promise<string | undefined> {
    if (this.#isClosed) return Promise.resolve(undefined);
    const keys = this.#isLaterNext() ? this.#later : this.#waiting;
    const [next] = keys.keys();
    if (next === undefined) return new Promise((resolve) => this.#takers.push(resolve));
    const sinceMs = keys.get(next)!;
    keys.delete(next);
    this.#give(next, sinceMs);
    return Promise.resolve(next);
  }

  done(key: string): void {
    const startMs = this.#taken.get(key);
    if (startMs === undefined) return;
    this.#taken.delete(key);
    this.#metrics.workSeconds.observe((this.#clock.monotonic() - startMs) / 1000);
    if (this.#again.delete(key)) this.#enqueue(key, this.#waiting);
  }

  /** Nothing comes out any more, and whoever waits for a key gets undefined. */
  close(): void {
    this.#isClosed = true;
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
    this.#waiting.clear();
    this.#later.clear();
    this.#again.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }

  #isLaterNext(): boolean {
    const [sinceMs] = this.#later.values();
    if (sinceMs === undefined) return false;
    return this.#waiting.size === 0 || this.#clock.monotonic() - sinceMs >= LATER_MS;
  }

  #enqueue(key: string, keys: Map<string, number>): void {
    const nowMs = this.#clock.monotonic();
    const taker = this.#takers.shift();
    if (!taker) {
      keys.set(key, nowMs);
      return;
    }
    this.#give(key, nowMs);
    taker(key);
  }

  #give(key: string, sinceMs: number): void {
    const nowMs = this.#clock.monotonic();
    this.#metrics.queueSeconds.observe((nowMs - sinceMs) / 1000);
    this.#taken.set(key, nowMs);
  }
}
