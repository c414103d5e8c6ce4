// When a draining worker may close its connectors (rule 18, step 3).
import { type Clock, delay } from "../base/index.ts";
import type { DrainConfig } from "../config/index.ts";

/** A connector, as far as draining goes. */
export interface QuietSource {
  /** Milliseconds since a request ran; 0 while one does. */
  readonly quietMs: number;
}

const LOOK_PERIOD_MS = 50;

/**
 * Resolves after `quietMs` in which no connector had a request, counted from this call on, since balancers learn of the drain only
 * now; at `deadlineMs` at the latest.
 */
export async function untilQuiet(clock: Clock, sources: readonly QuietSource[], drain: DrainConfig): Promise<void> {
  const sinceMs = clock.monotonic();
  for (;;) {
    const elapsedMs = clock.monotonic() - sinceMs;
    const quietMs = Math.min(elapsedMs, ...sources.map((source) => source.quietMs));
    if (quietMs >= drain.quietMs || elapsedMs >= drain.deadlineMs) return;
    await delay(clock, Math.min(LOOK_PERIOD_MS, drain.deadlineMs - elapsedMs));
  }
}
