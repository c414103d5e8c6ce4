// Connections of addresses that no member has yet wait for one to be heard (rule 20).
import type { Clock } from "../../base/index.ts";

export class AddressWaits {
  readonly #clock: Clock;
  readonly #patienceMs: number;
  readonly #waits = new Map<string, { readonly found: Promise<boolean>; readonly settle: (found: boolean) => void }>();

  /** How many addresses may wait is for the receiver to bound: each has a connection. */
  constructor(clock: Clock, patienceMs: number) {
    this.#clock = clock;
    this.#patienceMs = patienceMs;
  }

  /** Resolves with whether the address was found in time. */
  until(address: string): Promise<boolean> {
    const waiting = this.#waits.get(address);
    if (waiting) return waiting.found;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = this.#clock.setTimeout(() => settle(false), this.#patienceMs);
    const settle = (found: boolean) => {
      timer.cancel();
      this.#waits.delete(address);
      resolve(found);
    };
    this.#waits.set(address, { found: promise, settle });
    return promise;
  }

  found(address: string): void {
    this.#waits.get(address)?.settle(true);
  }

  end(): void {
    for (const { settle } of [...this.#waits.values()]) settle(false);
  }
}
