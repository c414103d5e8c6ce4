// Sessions that have ended or were renamed lately: a member that was away has to hear of it (rule 11).

interface Ended {
  readonly id: string;
  readonly monotonicMs: number;
}

const MAX_ENDED = 10_000;

/** Bounded: the oldest are forgotten first, and then expire by themselves where they are left over. */
export class EndedSessions {
  /** By stem, in the order of their end. */
  readonly #ended = new Map<string, Ended>();

  add(stem: string, id: string, monotonicMs: number): void {
    this.#ended.delete(stem);
    this.#ended.set(stem, { id, monotonicMs });
    if (this.#ended.size <= MAX_ENDED) return;
    const oldest = this.#ended.keys().next();
    if (!oldest.done) this.#ended.delete(oldest.value);
  }

  has(stem: string): boolean {
    return this.#ended.has(stem);
  }

  /** Stem and id of what ended at or after this time. */
  *since(monotonicMs: number): Iterable<readonly [stem: string, id: string]> {
    for (const [stem, ended] of this.#ended) if (ended.monotonicMs >= monotonicMs) yield [stem, ended.id];
  }
}
