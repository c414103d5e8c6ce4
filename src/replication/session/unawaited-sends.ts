// What running requests of a manager sent before their end.

export class UnawaitedSends {
  readonly #sends = new Set<Promise<void>>();

  /** Undefined: there was nothing to wait for. */
  add(sent: Promise<void> | undefined): void {
    if (sent === undefined) return;
    const kept = sent.finally(() => this.#sends.delete(kept));
    this.#sends.add(kept);
  }

  /** All of them together, for the next request that ends; undefined: there are none. */
  take(): Promise<void> | undefined {
    if (this.#sends.size === 0) return undefined;
    const pending = [...this.#sends];
    this.#sends.clear();
    return Promise.all(pending).then(() => undefined);
  }
}
