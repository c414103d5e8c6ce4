// Lets one cluster at a time have the operator's own image and defaults: what is wrong with them then stops at the first.
import type { Clock } from "../../base/index.ts";

export interface UpdateTurnsOptions {
  /** Between the end of one update and the next; also after the process has started. */
  readonly delayMs: number;
}

export class UpdateTurns {
  readonly #clock: Clock;
  readonly #rolling: () => Iterable<string>;
  readonly #delayMs: number;
  /** Who was given the turn, though no status may say so yet. */
  #holder: string | undefined;
  /** Monotonic. */
  #freeMs: number;

  /** `rolling`: uids of the clusters whose status says that they are being updated. */
  constructor(deps: { readonly clock: Clock; readonly rolling: () => Iterable<string> }, { delayMs }: UpdateTurnsOptions) {
    this.#clock = deps.clock;
    this.#rolling = deps.rolling;
    this.#delayMs = delayMs;
    this.#freeMs = deps.clock.monotonic() + delayMs;
  }

  /** True: it is this one's turn until `end`. */
  take(uid: string): boolean {
    if (this.#holder !== undefined) return this.#holder === uid;
    if (this.#clock.monotonic() < this.#freeMs) return false;
    for (const other of this.#rolling()) if (other !== uid) return false;
    this.#holder = uid;
    return true;
  }

  /** Its update is over, or given up, or it is gone. Nothing for one that had no turn. `wasRolling`: what its status says. */
  end(uid: string, wasRolling: boolean): void {
    if (this.#holder === uid) this.#holder = undefined;
    else if (!wasRolling) return;
    this.#freeMs = this.#clock.monotonic() + this.#delayMs;
  }
}
