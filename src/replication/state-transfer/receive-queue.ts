// What arrives for a manager before it has the group's state, in the order of arrival (rule 6).
import type { Member } from "../../channel/index.ts";
import { ReceiveQueueFullError } from "../errors.ts";
import type { SessionMessage } from "../messages.ts";

export interface QueuedMessage {
  readonly message: SessionMessage;
  readonly sender: Member;
}

/** What an entry costs besides its data. */
const ENTRY_BYTES = 512;

export class ReceiveQueue {
  readonly #manager: string;
  readonly #maxBytes: number;
  #messages: QueuedMessage[] = [];
  #bytes = 0;
  #overflowed = false;

  constructor(manager: string, maxBytes: number) {
    this.#manager = manager;
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#messages.length;
  }

  /** Whether something was refused since the last call: the state has to be asked for again. */
  takeOverflowed(): boolean {
    const overflowed = this.#overflowed;
    this.#overflowed = false;
    return overflowed;
  }

  /** Copies what it keeps. Throws ReceiveQueueFullError. */
  add(message: SessionMessage, sender: Member): void {
    const bytes = ENTRY_BYTES + (message.data?.length ?? 0);
    if (this.#bytes + bytes > this.#maxBytes) {
      this.#overflowed = true;
      throw new ReceiveQueueFullError(this.#manager, this.#maxBytes);
    }
    this.#bytes += bytes;
    this.#messages.push({ message: message.data === null ? message : { ...message, data: Buffer.from(message.data) }, sender });
  }

  /** Empties it. */
  take(): readonly QueuedMessage[] {
    const messages = this.#messages;
    this.#messages = [];
    this.#bytes = 0;
    return messages;
  }
}
