// What the news of other members does to an entry of this one.
import type { Member } from "../../channel/index.ts";
import { InvalidMapMessageError } from "./errors.ts";
import type { MapBody } from "./map-body.ts";
import type { MapMessage } from "./map-message.ts";
import { type MapEntry, mapEntry } from "./map-values.ts";

/** Beyond it an entry may come back as a proxy, which goes with the first request for it. */
const MAX_REMOVED = 100_000;

export class EntryChanges<V> {
  readonly #body: MapBody<V>;
  /** Keys that were removed while the state of another member, which may still hold them, is on its way here. */
  #removed: Set<string> | undefined;

  constructor(body: MapBody<V>) {
    this.#body = body;
  }

  /** From here on until `installed`, `install` leaves out what is removed. */
  expectState(): void {
    this.#removed = new Set();
  }

  installed(): void {
    this.#removed = undefined;
  }

  /** A part of the donor's state. What was told meanwhile is newer, and stays. */
  install(items: readonly MapMessage[], donor: Member): void {
    const { entries } = this.#body;
    for (const item of items) {
      const key = this.#body.identify(nameIn(item));
      if (!entries.has(key) && !this.#removed?.has(key)) this.add(item, donor);
    }
  }

  /** Members that are gone are left out, and so is this one, which has just started and has nothing. */
  add(item: MapMessage, sender: Member): void {
    const { members, values } = this.#body;
    const alive = (member: Member) => members.has(member);
    const primary = item.primary === null ? undefined : this.#body.known(item.primary);
    const nodes = (item.nodes ?? []).map((node) => this.#body.known(node)).filter(alive);
    const served = primary !== undefined && alive(primary) ? primary : undefined;
    if (served === undefined && nodes.length === 0 && item.value === null) return;
    const name = nameIn(item);
    const kind = item.value === null ? "Proxy" : "Copy";
    const entry = mapEntry<V>(this.#body.identify(name), kind, { name, primary: served, nodes });
    if (item.value !== null) entry.value = values.read(item.value, this.#body.isOurs(sender));
    this.#body.admit(entry);
  }

  /** Own changes stay, for `replicate` to send them (rule 13). */
  turnIntoProxy(entry: MapEntry<V>): void {
    entry.kind = "Proxy";
    entry.fetched = undefined;
    if (entry.value !== undefined && this.#body.values.isDirty(entry.value)) return;
    this.#body.sender.forget(entry);
    entry.value = undefined;
  }

  /** Who has the value from now on. Those that this member had given it to may not have been told. */
  place(entry: MapEntry<V>, message: MapMessage, sender: Member): void {
    const given = entry.primary?.key === this.#body.localMember.key ? entry.nodes : [];
    const primary = message.primary === null ? sender : this.#body.known(message.primary);
    entry.name = message.key ?? entry.name;
    entry.primary = this.#body.isThere(primary) ? primary : undefined;
    entry.nodes = (message.nodes ?? []).map((node) => this.#body.known(node)).filter((node) => this.#body.isThere(node));
    entry.whole = false;
    entry.untold = false;
    void this.#body.tellNewPrimary(entry, given);
  }

  publishAgain(entry: MapEntry<V>): void {
    this.#body.sender.later(entry, { whole: true });
    this.#body.sender.drain();
  }

  remove(key: string): void {
    const { entries, sender: outgoing } = this.#body;
    if (this.#removed !== undefined && this.#removed.size < MAX_REMOVED) this.#removed.add(key);
    const entry = entries.get(key);
    if (entry === undefined) return;
    outgoing.forget(entry);
    entries.delete(key);
    this.#body.removed(entry.name);
  }
}

/** Throws InvalidMapMessageError. */
export function nameIn(message: MapMessage): string {
  if (message.key === null) throw new InvalidMapMessageError(`A MapMessage of type ${message.event} has no key`);
  return message.key;
}
