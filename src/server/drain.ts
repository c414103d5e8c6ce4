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
 * now; at `deadlineMs` at the latest. `lastCall` is called `quietMs` before the deadline when requests have not ceased by then: who
 * still sends them must hear that there is an end, or connectors close before requests that are on their way.
 */
export async function untilQuiet(clock: Clock, sources: readonly QuietSource[], drain: DrainConfig, lastCall: () => void): Promise<void> {
  const sinceMs = clock.monotonic();
  let called = false;
  for (;;) {
    const elapsedMs = clock.monotonic() - sinceMs;
    const quietMs = Math.min(elapsedMs, ...sources.map((source) => source.quietMs));
    if (quietMs >= drain.quietMs || elapsedMs >= drain.deadlineMs) return;
    if (!called && elapsedMs >= drain.deadlineMs - drain.quietMs) {
      called = true;
      lastCall();
    }
    await delay(clock, Math.min(LOOK_PERIOD_MS, drain.deadlineMs - elapsedMs));
  }
}
