// Counts what is under way, so that one can wait for what was sent before, whatever is sent meanwhile.

/** What was sent between two moments at which somebody began to wait. */
export interface Period {
  pending: number;
  readonly waiting: (() => void)[];
}

export class UnderWay {
  #current: Period = { pending: 0, waiting: [] };
  /** Earlier ones that are not over. */
  readonly #earlier = new Set<Period>();

  /** The result goes to `end`, once. */
  begin(): Period {
    this.#current.pending++;
    return this.#current;
  }

  end(period: Period): void {
    period.pending--;
    if (period.pending > 0 || period === this.#current) return;
    this.#earlier.delete(period);
    for (const resolve of period.waiting.splice(0)) resolve();
  }

  /** Resolves when everything has ended that had begun before this call. */
  async soFar(): Promise<void> {
    if (this.#current.pending > 0) {
      this.#earlier.add(this.#current);
      this.#current = { pending: 0, waiting: [] };
    }
    await Promise.all([...this.#earlier].map((period) => new Promise<void>((resolve) => period.waiting.push(resolve))));
  }
}
