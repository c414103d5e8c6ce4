// Refuses new sessions before the process dies of them (rule 22).
import { getHeapStatistics } from "node:v8";
import type { Clock } from "../../base/index.ts";

const MAX_HEAP_SHARE = 0.85;
const SAMPLE_PERIOD_MS = 1000;

export interface HeapUse {
  readonly usedBytes: number;
  readonly limitBytes: number;
}

function heapUse(): HeapUse {
  const statistics = getHeapStatistics();
  return { usedBytes: statistics.used_heap_size, limitBytes: statistics.heap_size_limit };
}

/** Samples at most once a second: the statistics cost more than a session. */
export class HeapGuard {
  readonly #clock: Clock;
  readonly #sample: () => HeapUse;
  #sampledAtMs = Number.NEGATIVE_INFINITY;
  #full = false;

  constructor(clock: Clock, sample: () => HeapUse = heapUse) {
    this.#clock = clock;
    this.#sample = sample;
  }

  /** True while more than 85 % of the heap limit was in use at the last sample. */
  get full(): boolean {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#sampledAtMs >= SAMPLE_PERIOD_MS) {
      this.#sampledAtMs = nowMs;
      const use = this.#sample();
      this.#full = use.usedBytes > use.limitBytes * MAX_HEAP_SHARE;
    }
    return this.#full;
  }
}
