// Changes that arrived before the session that they change: an asynchronous Tomcat lets one overtake the other (tribes.md 9).
import type { Clock } from "../../base/index.ts";
import type { DeltaAction } from "./delta-request.ts";

interface Early {
  readonly actions: readonly DeltaAction[];
  readonly bytes: number;
  readonly arrivedMs: number;
}

/** What overtook is behind by milliseconds; a session that has not come after this time has another story. */
const KEPT_MS = 5000;
const MAX_BYTES = 1_048_576;

/** Bounded in time and bytes: what does not fit is forgotten, the oldest first. */
export class EarlyDeltas {
  readonly #clock: Clock;
  /** By stem, in the order of arrival. */
  readonly #early = new Map<string, Early>();
  #bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `bytes`: about what the actions cost to keep. */
  add(stem: string, actions: readonly DeltaAction[], bytes: number): void {
    const keptBytes = this.#early.get(stem)?.bytes ?? 0;
    const all = [...this.take(stem), ...actions];
    this.#early.set(stem, { actions: all, bytes: keptBytes + bytes, arrivedMs: this.#clock.monotonic() });
    this.#bytes += keptBytes + bytes;
    for (const [oldest, early] of this.#early) {
      if (this.#bytes <= MAX_BYTES && this.#isYoung(early)) return;
      this.#forget(oldest, early);
    }
  }

  /** Removes and returns what waits for this session, in the order of arrival. */
  take(stem: string): readonly DeltaAction[] {
    const early = this.#early.get(stem);
    if (early === undefined) return [];
    this.#forget(stem, early);
    return this.#isYoung(early) ? early.actions : [];
  }

  #isYoung(early: Early): boolean {
    return this.#clock.monotonic() - early.arrivedMs < KEPT_MS;
  }

  #forget(stem: string, early: Early): void {
    this.#early.delete(stem);
    this.#bytes -= early.bytes;
  }
}
