// What became of the last messages, so that a repeat gets the first answer and is not delivered again (rule 12).
import { crc32 } from "node:zlib";
import type { ChannelMessage } from "../channel.ts";

/** True: processed; false: refused; a promise while it is being processed (it does not reject). */
export type Outcome = boolean | Promise<boolean>;

/** Of a key: the first 16 bytes of the unique id, and the checksum. */
const KEY_WORDS = 5;
const NONE = -1;
const END_BYTES = 4096;

/**
 * A ring of keys in the order of arrival, found by chains of a hash table; both are plain numbers, since each message comes by here:
 * a map of strings costs as much as decoding the message.
 */
export class OutcomeMemory {
  readonly #capacity: number;
  readonly #keys: Int32Array;
  readonly #outcomes: (Outcome | undefined)[];
  /** By bucket: the slot that was taken last; by slot: the one before it in its bucket. */
  readonly #newest: Int32Array;
  readonly #older: Int32Array;
  readonly #probe = new Int32Array(KEY_WORDS);
  #position = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#keys = new Int32Array(capacity * KEY_WORDS);
    this.#outcomes = new Array<Outcome | undefined>(capacity).fill(undefined);
    this.#newest = new Int32Array(2 ** Math.ceil(Math.log2(capacity * 2))).fill(NONE);
    this.#older = new Int32Array(capacity).fill(NONE);
  }

  /**
   * A repeat has the same unique id and the same bytes: this stands for both. The id alone is not enough: fragments of one message
   * share it (tribes.md 12.6). They end with their numbers, or with what a layer below made of these: of a large body the ends will do,
   * where its whole checksum would be a tenth of all that receiving it costs.
   */
  checksumOf(message: ChannelMessage): number {
    const { body } = message;
    const ofBody =
      body.length <= 2 * END_BYTES ? crc32(body) : crc32(body.subarray(-END_BYTES), crc32(body.subarray(0, END_BYTES))) ^ body.length;
    return message.uniqueId.length === 16 ? ofBody : crc32(message.uniqueId, ofBody);
  }

  recall(uniqueId: Buffer, checksum: number): Outcome | undefined {
    const slot = this.#find(uniqueId, checksum);
    return slot === NONE ? undefined : this.#outcomes[slot];
  }

  /** Replaces the outcome of a message that is known; a new one pushes out the oldest. */
  remember(uniqueId: Buffer, checksum: number, outcome: Outcome): void {
    const known = this.#find(uniqueId, checksum);
    if (known !== NONE) {
      this.#outcomes[known] = outcome;
      return;
    }
    const slot = this.#position;
    this.#position = (slot + 1) % this.#capacity;
    if (this.#outcomes[slot] !== undefined) this.#unlink(slot);
    this.#keys.set(this.#probe, slot * KEY_WORDS);
    this.#outcomes[slot] = outcome;
    const bucket = this.#bucketOf(this.#probe, 0);
    this.#older[slot] = this.#newest[bucket]!;
    this.#newest[bucket] = slot;
  }

  /** Like `remember`, but only while the message is still held. */
  settle(uniqueId: Buffer, checksum: number, outcome: boolean): void {
    const slot = this.#find(uniqueId, checksum);
    if (slot !== NONE) this.#outcomes[slot] = outcome;
  }

  /** Leaves the key in `#probe`. */
  #find(uniqueId: Buffer, checksum: number): number {
    const probe = this.#probe;
    for (let word = 0; word < KEY_WORDS - 1; word++) {
      const at = word * 4;
      probe[word] = (uniqueId[at]! << 24) | (uniqueId[at + 1]! << 16) | (uniqueId[at + 2]! << 8) | uniqueId[at + 3]!;
    }
    probe[KEY_WORDS - 1] = checksum;
    let slot = this.#newest[this.#bucketOf(probe, 0)]!;
    while (slot !== NONE && !this.#holdsProbe(slot)) slot = this.#older[slot]!;
    return slot;
  }

  #holdsProbe(slot: number): boolean {
    const start = slot * KEY_WORDS;
    for (let word = 0; word < KEY_WORDS; word++) if (this.#keys[start + word] !== this.#probe[word]) return false;
    return true;
  }

  #bucketOf(words: Int32Array, start: number): number {
    return (words[start]! ^ words[start + 3]! ^ words[start + 4]!) & (this.#newest.length - 1);
  }

  #unlink(slot: number): void {
    const bucket = this.#bucketOf(this.#keys, slot * KEY_WORDS);
    let newer = this.#newest[bucket]!;
    if (newer === slot) {
      this.#newest[bucket] = this.#older[slot]!;
      return;
    }
    while (this.#older[newer] !== slot) newer = this.#older[newer]!;
    this.#older[newer] = this.#older[slot]!;
  }
}
