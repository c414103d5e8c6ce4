// Gives a member that joins what this one knows of all entries (tribes.md 14.2; rule 6).
import type { Member } from "../../channel/index.ts";
import type { MapBody } from "./map-body.ts";
import { MAP_EVENTS, type MapMessage, mapMessage } from "./map-message.ts";
import type { MapEntry } from "./map-values.ts";

/** Of one block. */
export const STATE_BLOCK_BYTES = 1_048_576;
/** What an entry takes beside its key and its value. */
const ENTRY_BYTES = 100;

/** Members that are given state at the same time; one more, and the first of them has to begin again. */
const MAX_SNAPSHOTS = 16;

export interface StateBlock {
  readonly items: readonly MapMessage[];
  /** Where the next block begins; undefined: this is the last one. */
  readonly next: number | undefined;
}

/**
 * A Tomcat asks once and gets everything in one answer. Ours names the place of the next entry as key of its question, and the answer
 * of ours has the place after its last one as its key, so that no block is larger than 1 MiB and each is asked for when the one before
 * is installed. A Tomcat looks at no key here and sends back the one that it got: its answer is the last.
 */
export class MapStateDonor<V> {
  readonly #body: MapBody<V>;
  /** Keys as they were when a member asked for the first block. */
  readonly #snapshots = new Map<string, readonly string[]>();

  constructor(body: MapBody<V>) {
    this.#body = body;
  }

  whole(): readonly MapMessage[] {
    return [...this.#body.entries.values()].map((entry) => this.#item(entry));
  }

  /** Undefined for a place in a state that was not begun here: the member has to begin again. */
  block(asker: Member, from: number): StateBlock | undefined {
    const { entries } = this.#body;
    if (from === 0) this.#begin(asker);
    const keys = this.#snapshots.get(asker.key);
    if (keys === undefined || !(from <= keys.length)) return undefined;
    const items: MapMessage[] = [];
    let bytes = 0;
    let next = from;
    for (; next < keys.length && bytes < STATE_BLOCK_BYTES; next++) {
      const entry = entries.get(keys[next]!);
      if (entry === undefined) continue;
      const item = this.#item(entry);
      bytes += ENTRY_BYTES + entry.key.length + (item.value?.length ?? 0);
      items.push(item);
    }
    if (next < keys.length) return { items, next };
    this.#snapshots.delete(asker.key);
    return { items, next: undefined };
  }

  #begin(asker: Member): void {
    this.#snapshots.delete(asker.key);
    for (const oldest of this.#snapshots.keys()) if (this.#snapshots.size >= MAX_SNAPSHOTS) this.#snapshots.delete(oldest);
    this.#snapshots.set(asker.key, [...this.#body.entries.keys()]);
  }

  /** Where an entry is that this member serves, for one that was away. */
  announcement(entry: MapEntry<V>): readonly MapMessage[] {
    return [this.#item(entry)];
  }

  forget(asker: Member): void {
    this.#snapshots.delete(asker.key);
  }

  #item(entry: MapEntry<V>): MapMessage {
    const { mapId, state, values } = this.#body;
    const { name, primary = null, nodes } = entry;
    const value = state.item === MAP_EVENTS.Copy && entry.value !== undefined ? values.write(entry.value) : null;
    return mapMessage(state.item, mapId, { key: name, primary, nodes, value });
  }
}
