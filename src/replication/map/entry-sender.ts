// Brings the nodes of entries up to date: one message of an entry at a time, what comes meanwhile in the next (rule 11).
import type { MapEntry } from "./map-values.ts";

/** Entries that are sent at the same time when many have to be. */
const WINDOW = 16;

/**
 * An entry is at risk from the moment in which it is to be sent until a member has acknowledged it. What fails stays at risk, by its
 * key alone: no queue grows.
 */
export class EntrySender<V> {
  readonly #send: (entry: MapEntry<V>) => Promise<boolean>;
  readonly #onError: (error: unknown) => void;
  readonly #atRisk = new Map<string, MapEntry<V>>();
  #draining: Promise<void> | undefined;
  #again = false;

  /**
   * `send`: all that the nodes lack, at once; true: somebody has it, or it is no longer ours to send. Rejects for a value that cannot
   * be written. `onError`: that happened in the background.
   */
  constructor(send: (entry: MapEntry<V>) => Promise<boolean>, onError: (error: unknown) => void) {
    this.#send = send;
    this.#onError = onError;
  }

  /** Keys of entries whose newest value no other member has acknowledged. */
  get atRisk(): ReadonlyMap<string, MapEntry<V>> {
    return this.#atRisk;
  }

  /** Resolves when what the entry holds now was sent, or could not be: see `atRisk`. At most one send waits behind a running one. */
  sendNow(entry: MapEntry<V>): Promise<void> {
    this.#atRisk.set(entry.key, entry);
    if (entry.sending === undefined) return this.#start(entry);
    if (entry.following === undefined) {
      const next = () => {
        entry.following = undefined;
        return this.#start(entry);
      };
      entry.following = entry.sending.then(next, next);
    }
    return entry.following;
  }

  /** The entry is sent by the next `drain`; whole when it has to be. */
  later(entry: MapEntry<V>, options: { readonly whole?: boolean } = {}): void {
    if (options.whole === true) entry.whole = true;
    this.#atRisk.set(entry.key, entry);
  }

  forget(entry: MapEntry<V>): void {
    if (this.#atRisk.get(entry.key) === entry) this.#atRisk.delete(entry.key);
  }

  /** Sends everything that is at risk, in the background; called again meanwhile, once more afterwards. */
  drain(): void {
    this.#again = true;
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = undefined;
    });
  }

  /** Resolves when nothing is sent in the background. */
  async settled(): Promise<void> {
    await this.#draining;
  }

  #start(entry: MapEntry<V>): Promise<void> {
    entry.sending = this.#run(entry);
    return entry.sending;
  }

  async #run(entry: MapEntry<V>): Promise<void> {
    try {
      const isKept = await this.#send(entry);
      // What came up during the send is still to be sent.
      if (isKept && entry.following === undefined && !entry.whole && !entry.untold) this.forget(entry);
    } finally {
      entry.sending = undefined;
    }
  }

  async #drain(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      const entries = [...this.#atRisk.values()].values();
      const work = async () => {
        for (const entry of entries) await this.sendNow(entry).catch(this.#onError);
      };
      await Promise.all(Array.from({ length: WINDOW }, work));
    }
  }
}
