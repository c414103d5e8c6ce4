// How long a roll, scaling or start has not got on. In memory: a new process takes the status's word for what was stuck before.
import type { Clock } from "../../base/index.ts";

/** How far it has got. */
export interface Progress {
  /** What is to be reached: with another goal it begins anew. */
  readonly goal: string;
  /** Higher: further. */
  readonly reached: number;
}

export const STUCK_MS = 600_000;

interface Seen extends Progress {
  readonly sinceMs: number;
}

export class ProgressWatch {
  readonly #clock: Clock;
  /** By uid: the furthest that it was, and since when. */
  readonly #seen = new Map<string, Seen>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `progress`: undefined: nothing is under way. What was reached before and lost since is no progress. `wasStuck`: what the status says. */
  isStuck(uid: string, progress: Progress | undefined, wasStuck: boolean): boolean {
    if (progress === undefined) {
      this.#seen.delete(uid);
      return false;
    }
    const nowMs = this.#clock.monotonic();
    const before = this.#seen.get(uid);
    if (before !== undefined && before.goal === progress.goal && progress.reached <= before.reached) {
      return nowMs - before.sinceMs >= STUCK_MS;
    }
    const isFirstLook = before === undefined;
    this.#seen.set(uid, { ...progress, sinceMs: isFirstLook && wasStuck ? nowMs - STUCK_MS : nowMs });
    return isFirstLook && wasStuck;
  }

  /** The cluster is gone. */
  forget(uid: string): void {
    this.#seen.delete(uid);
  }
}
