// Sessions that have ended or were renamed lately: a member that was away has to hear of it (rule 11).

interface Ended {
  readonly id: string;
  readonly monotonicMs: number;
  /** What the session was called from then on; undefined: it ended. */
  readonly newName: NewName | undefined;
}

export interface NewName {
  readonly id: string;
  /** See DeltaSession. */
  readonly nameNumber: number;
}

const MAX_ENDED = 10_000;

/** Bounded: the oldest are forgotten first, and then expire by themselves where they are left over. */
export class EndedSessions {
  /** By stem, in the order of their end. */
  readonly #ended = new Map<string, Ended>();

  add(stem: string, id: string, monotonicMs: number, newName?: NewName): void {
    this.#ended.delete(stem);
    this.#ended.set(stem, { id, monotonicMs, newName });
    if (this.#ended.size <= MAX_ENDED) return;
    const oldest = this.#ended.keys().next();
    if (!oldest.done) this.#ended.delete(oldest.value);
  }

  has(stem: string): boolean {
    return this.#ended.has(stem);
  }

  /** What a session with this stem was renamed to; undefined: it ended, or nothing is known of it. */
  newNameOf(stem: string): NewName | undefined {
    return this.#ended.get(stem)?.newName;
  }

  /** Stem and id of what ended at or after this time. */
  *since(monotonicMs: number): Iterable<readonly [stem: string, id: string]> {
    for (const [stem, ended] of this.#ended) if (ended.monotonicMs >= monotonicMs) yield [stem, ended.id];
  }

  /** Old id and present name of what was renamed at or after this time, by `nameOf` a stem: undefined: it has ended since. */
  *renamedSince(monotonicMs: number, nameOf: (stem: string) => NewName | undefined): Iterable<readonly [oldId: string, name: NewName]> {
    for (const [stem, { id, newName, monotonicMs: atMs }] of this.#ended) {
      const name = newName && atMs >= monotonicMs ? nameOf(stem) : undefined;
      if (name !== undefined) yield [id, name];
    }
  }
}
