// How long a roll or scaling has not got on. In memory: a new process takes the status's word for what was stuck before.
import type { Clock } from "../../base/index.ts";

export const STUCK_MS = 600_000;

export class ProgressWatch {
  readonly #clock: Clock;
  readonly #seen = new Map<string, { readonly progress: string; readonly sinceMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `progress`: changes when something gets on; undefined: nothing is under way. `wasStuck`: what the status says. */
  isStuck(uid: string, progress: string | undefined, wasStuck: boolean): boolean {
    if (progress === undefined) {
      this.#seen.delete(uid);
      return false;
    }
    const nowMs = this.#clock.monotonic();
    const before = this.#seen.get(uid);
    if (before?.progress === progress) return nowMs - before.sinceMs >= STUCK_MS;
    const isFirstLook = before === undefined;
    this.#seen.set(uid, { progress, sinceMs: isFirstLook && wasStuck ? nowMs - STUCK_MS : nowMs });
    return isFirstLook && wasStuck;
  }

  /** The cluster is gone. */
  forget(uid: string): void {
    this.#seen.delete(uid);
  }
}
