// What running requests of a manager sent before their end.
import { allKept, type Kept } from "../peers/kept.ts";

export class UnawaitedSends {
  readonly #sends = new Set<Promise<boolean>>();
  #notKept = false;

  add(kept: Kept): void {
    if (kept === true) return;
    if (kept === false) {
      this.#notKept = true;
      return;
    }
    const send = kept.then((wasKept) => {
      // Whoever took it has the answer too; otherwise the next one has to learn of it.
      if (this.#sends.delete(send) && !wasKept) this.#notKept = true;
      return wasKept;
    });
    this.#sends.add(send);
  }

  /** All of them together, for the next request that ends. */
  take(): Kept {
    let kept: Kept = !this.#notKept;
    this.#notKept = false;
    for (const send of this.#sends) kept = allKept(kept, send);
    this.#sends.clear();
    return kept;
  }
}
