// Which messages have been seen already: the IVs of each sender, for as long as its time stamps would be taken (rule 21).
import { IvTable } from "./iv-table.ts";

/** `Forgotten`: as old as messages that had to be forgotten, so that a repeat could not be told from the first. */
export type Freshness = "Fresh" | "Replay" | "Skewed" | "Forgotten";

export interface ReplayMemoryOptions {
  /** How far a time stamp may be from the own clock, either way. */
  readonly windowMs: number;
  /** IVs kept for one sender; its oldest ones go first. About 24 bytes each. */
  readonly maxMessages: number;
}

/** Messages are forgotten in slices of time: one number is compared where a message would be. */
const SLICES_PER_WINDOW = 64;

interface SenderMemory {
  readonly slices: Map<number, Slice>;
  size: number;
  /** Time stamp of the newest message that was forgotten for want of room. */
  newestForgotten: number;
}

interface Slice {
  readonly ivs: IvTable;
  newest: number;
}

/**
 * Counted per sender, so that one member's traffic pushes nothing of another's out; looked up in all of them, because nothing proves
 * the sender's name (tribes.md 12.10): a copy under another name is a copy.
 */
export class ReplayMemory {
  readonly #options: ReplayMemoryOptions;
  readonly #sliceMs: number;
  readonly #senders = new Map<string, SenderMemory>();
  /** Nothing up to here is remembered; the clock may have been set back since. */
  #forgottenUntil = Number.NEGATIVE_INFINITY;

  constructor(options: ReplayMemoryOptions) {
    this.#options = options;
    this.#sliceMs = Math.max(1, options.windowMs / SLICES_PER_WINDOW);
  }

  /** Remembers the message when it is fresh. `timestamp` is that of a message that could be decrypted; `iv` may go on behind the IV. */
  check(sender: string, iv: Buffer, timestamp: number, nowMs: number): Freshness {
    if (!(Math.abs(nowMs - timestamp) <= this.#options.windowMs)) return "Skewed";
    const sliceNumber = Math.floor(timestamp / this.#sliceMs);
    const own = this.#memoryOf(sender);
    for (const memory of this.#senders.values()) if (memory !== own && memory.slices.get(sliceNumber)?.ivs.has(iv)) return "Replay";
    if (timestamp <= Math.max(own.newestForgotten, this.#forgottenUntil)) {
      return own.slices.get(sliceNumber)?.ivs.has(iv) ? "Replay" : "Forgotten";
    }
    return this.#remember(own, sliceNumber, iv, timestamp) ? "Fresh" : "Replay";
  }

  /** Gives up what is too old to be taken anyway. To be called from time to time. */
  forget(nowMs: number): void {
    const oldest = Math.floor((nowMs - this.#options.windowMs) / this.#sliceMs);
    for (const [sender, memory] of this.#senders) {
      for (const [number, slice] of memory.slices) {
        if (number >= oldest) continue;
        this.#forgottenUntil = Math.max(this.#forgottenUntil, slice.newest);
        memory.size -= slice.ivs.size;
        memory.slices.delete(number);
      }
      if (memory.slices.size === 0 && memory.newestForgotten < nowMs - this.#options.windowMs) this.#senders.delete(sender);
    }
  }

  /** IVs in memory. */
  get size(): number {
    let size = 0;
    for (const memory of this.#senders.values()) size += memory.size;
    return size;
  }

  #memoryOf(sender: string): SenderMemory {
    let memory = this.#senders.get(sender);
    if (memory === undefined) {
      memory = { slices: new Map(), size: 0, newestForgotten: Number.NEGATIVE_INFINITY };
      this.#senders.set(sender, memory);
    }
    return memory;
  }

  #remember(memory: SenderMemory, sliceNumber: number, iv: Buffer, timestamp: number): boolean {
    let slice = memory.slices.get(sliceNumber);
    if (slice === undefined) {
      slice = { ivs: new IvTable(), newest: timestamp };
      memory.slices.set(sliceNumber, slice);
    }
    if (!slice.ivs.add(iv)) return false;
    slice.newest = Math.max(slice.newest, timestamp);
    memory.size++;
    if (memory.size > this.#options.maxMessages) this.#forgetOldest(memory);
    return true;
  }

  #forgetOldest(memory: SenderMemory): void {
    const oldest = Math.min(...memory.slices.keys());
    const slice = memory.slices.get(oldest)!;
    memory.slices.delete(oldest);
    memory.size -= slice.ivs.size;
    memory.newestForgotten = Math.max(memory.newestForgotten, slice.newest);
  }
}
