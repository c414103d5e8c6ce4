// Decides what becomes of an event: a new object, a higher count on one that is there, or nothing because its source talks too much.
import type { Clock } from "../base/index.ts";

export interface Occurrence {
  /** The uid of the object that it is about. */
  readonly uid: string;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

/** What stands in one Event object. */
export interface EventSeries {
  /** Of the Event object; undefined until it was made. */
  name: string | undefined;
  /** Of the last occurrence: they differ in a series of similar ones. */
  message: string;
  count: number;
  readonly firstMs: number;
  lastMs: number;
}

/** Like events within this time are one. */
const SERIES_MS = 600_000;
/** After so many messages with one reason within SERIES_MS, further ones share an Event. */
const DISTINCT_MESSAGES = 10;
/** Events about one object: so many at once, and one each 5 minutes in the long run. */
const BURST = 25;
const REFILL_MS = 300_000;
/** What is remembered, the oldest goes first. */
const MAX_ENTRIES = 4096;
const COMBINED = "(combined from similar events): ";

interface Budget {
  tokens: number;
  filledMs: number;
}

interface Similar {
  readonly messages: Set<string>;
  lastMs: number;
}

export class EventCorrelator {
  readonly #clock: Clock;
  readonly #series = new Map<string, EventSeries>();
  readonly #similar = new Map<string, Similar>();
  readonly #budgets = new Map<string, Budget>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The series with this occurrence counted in, or undefined when it is one too many. */
  correlate(occurrence: Occurrence): EventSeries | undefined {
    const nowMs = this.#clock.now();
    if (!this.#spend(occurrence.uid, nowMs)) return undefined;
    const group = JSON.stringify([occurrence.uid, occurrence.type, occurrence.reason]);
    const isCombined = this.#isOneMoreMessage(group, occurrence.message, nowMs);
    const key = `${group}${isCombined ? COMBINED : occurrence.message}`;
    const message = isCombined ? COMBINED + occurrence.message : occurrence.message;
    const known = this.#series.get(key);
    if (known && nowMs - known.lastMs < SERIES_MS) {
      known.count++;
      known.lastMs = nowMs;
      known.message = message;
      remember(this.#series, key, known);
      return known;
    }
    const series: EventSeries = { name: undefined, message, count: 1, firstMs: nowMs, lastMs: nowMs };
    remember(this.#series, key, series);
    return series;
  }

  #spend(uid: string, nowMs: number): boolean {
    const budget = this.#budgets.get(uid) ?? { tokens: BURST, filledMs: nowMs };
    budget.tokens = Math.min(BURST, budget.tokens + (nowMs - budget.filledMs) / REFILL_MS);
    budget.filledMs = nowMs;
    remember(this.#budgets, uid, budget);
    if (budget.tokens < 1) return false;
    budget.tokens--;
    return true;
  }

  #isOneMoreMessage(group: string, message: string, nowMs: number): boolean {
    let similar = this.#similar.get(group);
    if (!similar || nowMs - similar.lastMs >= SERIES_MS) similar = { messages: new Set(), lastMs: nowMs };
    similar.lastMs = nowMs;
    remember(this.#similar, group, similar);
    if (similar.messages.has(message)) return false;
    if (similar.messages.size >= DISTINCT_MESSAGES) return true;
    similar.messages.add(message);
    return false;
  }
}

/** Keeps the map in the order of last use, and bounded. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= MAX_ENTRIES) return;
  const [oldest] = map.keys();
  map.delete(oldest!);
}
