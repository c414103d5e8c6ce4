// Which sessions are in use on a worker that drains: those stay until they have been quiet for a while, the others move (rule 18).
import type { Clock } from "../../base/index.ts";

interface Use {
  running: number;
  lastMs: number;
}

/** More sessions than this are not told apart on one draining worker; the oldest ones move first. */
const MAX_SESSIONS = 100_000;

/** Made when a worker begins to drain. What was in use just before is not known, so every session counts as in use at first. */
export class SessionsInUse {
  readonly #clock: Clock;
  readonly #quietMs: number;
  readonly #startMs: number;
  /** By stem, the last used one last. */
  readonly #uses = new Map<string, Use>();

  constructor(clock: Clock, quietMs: number) {
    this.#clock = clock;
    this.#quietMs = quietMs;
    this.#startMs = clock.monotonic();
  }

  isInUse(stem: string): boolean {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#startMs < this.#quietMs) return true;
    const use = this.#uses.get(stem);
    return use !== undefined && (use.running > 0 || nowMs - use.lastMs < this.#quietMs);
  }

  requestBegan(stem: string): void {
    const use = this.#uses.get(stem) ?? { running: 0, lastMs: 0 };
    use.running++;
    this.#keep(stem, use);
  }

  requestEnded(stem: string): void {
    const use = this.#uses.get(stem);
    if (!use) return;
    use.running--;
    this.#keep(stem, use);
  }

  #keep(stem: string, use: Use): void {
    use.lastMs = this.#clock.monotonic();
    this.#uses.delete(stem);
    this.#uses.set(stem, use);
    if (this.#uses.size <= MAX_SESSIONS) return;
    const oldest = this.#uses.keys().next();
    if (!oldest.done) this.#uses.delete(oldest.value);
  }
}
