// What became of the last messages, so that a repeat gets the first answer and is not delivered again (rule 12).
import { crc32 } from "node:zlib";
import type { ChannelMessage } from "../channel.ts";

/** True: processed; false: refused; a promise while it is being processed (it does not reject). */
export type Outcome = boolean | Promise<boolean>;

export class OutcomeMemory {
  readonly #outcomes = new Map<string, Outcome>();
  /** A ring of the keys in the order of arrival: deleting the first key of a large Map would walk over its deleted ones. */
  readonly #keys: (string | undefined)[];
  #position = 0;

  constructor(capacity: number) {
    this.#keys = new Array<string | undefined>(capacity).fill(undefined);
  }

  /**
   * A repeat has the same unique id and the same bytes. The id alone is not enough: fragments of one message share it
   * (tribes.md 12.6).
   */
  keyOf(message: ChannelMessage): string {
    return message.uniqueId.toString("latin1") + crc32(message.body).toString(36);
  }

  recall(key: string): Outcome | undefined {
    return this.#outcomes.get(key);
  }

  /** Replaces the outcome of a key that is known; a new key pushes out the oldest. */
  remember(key: string, outcome: Outcome): void {
    if (!this.#outcomes.has(key)) {
      const oldest = this.#keys[this.#position];
      if (oldest !== undefined) this.#outcomes.delete(oldest);
      this.#keys[this.#position] = key;
      this.#position = (this.#position + 1) % this.#keys.length;
    }
    this.#outcomes.set(key, outcome);
  }

  /** Like `remember`, but only while the key is still held. */
  settle(key: string, outcome: boolean): void {
    if (this.#outcomes.has(key)) this.#outcomes.set(key, outcome);
  }
}
