// Changes of one session that an asynchronous Tomcat sent one after the other arrive in any order (tribes.md 9; seen with 10.1.60: of
// 400 sessions with quick requests 20 were left with the last change but one). The time of sending tells which is the later one.
import type { Clock } from "../../base/index.ts";
import type { DeltaAction } from "./delta-request.ts";

interface Recent {
  readonly sender: string;
  /** When each name was changed last, by the sender's clock. */
  readonly sentMs: Map<string, number>;
  arrivedMs: number;
}

/** What is overtaken is behind by milliseconds, or by a time-out of its sender. A clock that is set back may go back further. */
const KEPT_MS = 10_000;
const MAX_SESSIONS = 10_000;

/** Bounded in time and number of sessions: the oldest are forgotten first. */
export class SentOrder {
  readonly #clock: Clock;
  /** By stem, in the order of the last arrival. */
  readonly #recent = new Map<string, Recent>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Those of a delta's actions that no later delta of this sender has surpassed. */
  unsurpassed(stem: string, sender: string, sentMs: number, actions: readonly DeltaAction[]): readonly DeltaAction[] {
    const recent = this.#recentOf(stem, sender);
    const taken = actions.filter(({ name }) => {
      const laterMs = (recent.sentMs.get(name) ?? Number.NEGATIVE_INFINITY) - sentMs;
      return laterMs <= 0 || laterMs > KEPT_MS;
    });
    for (const { name } of taken) recent.sentMs.set(name, sentMs);
    return taken;
  }

  #recentOf(stem: string, sender: string): Recent {
    const arrivedMs = this.#clock.monotonic();
    const known = this.#recent.get(stem);
    const isCurrent = known?.sender === sender && arrivedMs - known.arrivedMs < KEPT_MS;
    const recent = isCurrent ? known : { sender, sentMs: new Map<string, number>(), arrivedMs };
    recent.arrivedMs = arrivedMs;
    this.#recent.delete(stem);
    this.#recent.set(stem, recent);
    for (const [oldest, entry] of this.#recent) {
      if (this.#recent.size <= MAX_SESSIONS && arrivedMs - entry.arrivedMs < KEPT_MS) break;
      this.#recent.delete(oldest);
    }
    return recent;
  }
}
