// Waiting for what nobody tells of.
import { setTimeout as sleep } from "node:timers/promises";

export interface Patience {
  /** Default a minute. */
  readonly patienceMs?: number;
  /** Between two looks; default 50 ms. */
  readonly pollMs?: number;
}

/** Asks until it is so; a failure of the question is a no, and the last one is the error's cause. */
export async function until(
  what: string,
  holds: () => Promise<boolean>,
  { patienceMs = 60_000, pollMs = 50 }: Patience = {},
): Promise<void> {
  const deadlineMs = performance.now() + patienceMs;
  let last: unknown;
  for (;;) {
    try {
      if (await holds()) return;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadlineMs) throw new Error(`Not within ${patienceMs} ms: ${what}`, { cause: last });
    await sleep(pollMs);
  }
}
