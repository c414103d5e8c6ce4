// What requests sent before their end and no session of theirs tells: of ended sessions, and of those that a store changed.
import { allKept, type Kept } from "../peers/kept.ts";

export class UnawaitedSends {
  /** Under way; true: somebody waits for it. */
  readonly #sends = new Map<Promise<boolean>, boolean>();
  #notKept = false;

  add(kept: Kept): void {
    if (kept === true) return;
    if (kept === false) {
      this.#notKept = true;
      return;
    }
    const send = kept.then((wasKept) => {
      // Whoever waited has the answer too; otherwise the next one has to learn of it.
      if (!wasKept && this.#sends.get(send) === false) this.#notKept = true;
      this.#sends.delete(send);
      return wasKept;
    });
    this.#sends.set(send, false);
  }

  /** All of them together, for every request that ends meanwhile: none can know which are its own. */
  take(): Kept {
    let kept: Kept = !this.#notKept;
    this.#notKept = false;
    for (const send of this.#sends.keys()) {
      this.#sends.set(send, true);
      kept = allKept(kept, send);
    }
    return kept;
  }
}
