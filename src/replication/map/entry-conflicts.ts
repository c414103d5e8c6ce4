// Entries that two members serve, and news that contradict each other: after a partition, or of requests that went to two members (rule 11).
import { compareAbsoluteOrder, type Member } from "../../channel/index.ts";
import { type EntryChanges, nameIn } from "./entry-changes.ts";
import type { MapBody } from "./map-body.ts";
import { decodeMapMessages, encodeMapMessages, MAP_EVENTS, type MapMessage, mapMessage } from "./map-message.ts";
import { includes, type MapEntry, without } from "./map-values.ts";

/** For the answer of the other member; it is asked again with the next ping. */
const CONFLICT_TIMEOUT_MS = 5000;
/** Entries that are settled at the same time. */
const WINDOW = 16;

/** An entry that another member serves, too. */
interface Conflict {
  readonly other: Member;
  /** The other one's word that it has taken the entry over; undefined: that it serves it, too, since a partition. */
  readonly takeover: MapMessage | undefined;
}

export class EntryConflicts<V> {
  readonly #body: MapBody<V>;
  readonly #changes: EntryChanges<V>;
  /** By key; settled in the background. */
  readonly #conflicts = new Map<string, Conflict>();
  #settling = false;

  constructor(body: MapBody<V>, changes: EntryChanges<V>) {
    this.#body = body;
    this.#changes = changes;
  }

  /** What the sender serves, and what it has removed, told to a member that was away (rule 11). */
  announced(message: MapMessage, sender: Member): void {
    for (const item of message.value === null ? [] : decodeMapMessages(message.value)) this.#announcement(item, sender);
  }

  #announcement(item: MapMessage, sender: Member): void {
    const { entries, members } = this.#body;
    const entry = entries.get(this.#body.identify(nameIn(item)));
    if (item.event === MAP_EVENTS.Remove) {
      if (entry !== undefined) void this.#removal(entry, sender);
      return;
    }
    const primary = item.primary === null ? sender : this.#body.known(item.primary);
    if (primary.key !== sender.key) this.#contradiction(entry, primary, sender);
    else if (entry === undefined) this.#changes.add(item, sender);
    else if (entry.kind === "Primary") this.settleLater(entry, sender);
    else if (entry.primary === undefined || entry.primary.key === sender.key || !members.has(entry.primary))
      this.#take(entry, item, sender);
    else void this.doubt(entry, item, sender);
  }

  /**
   * Of an entry that is here for another member, the sender says that it serves it. He is asked: the news that he does not any more
   * may have been lost. If he does, the sender is told.
   */
  async doubt(entry: MapEntry<V>, item: MapMessage, sender: Member): Promise<void> {
    const { entries, link, logger } = this.#body;
    const { key, name, primary } = entry;
    if (primary === undefined) return;
    try {
      const { replies } = await link.ask([primary], MAP_EVENTS.RetrieveBackup, { key: name }, "First", CONFLICT_TIMEOUT_MS);
      const said = replies[0]?.message?.primary;
      const isUnchanged = entries.get(key) === entry && entry.kind !== "Primary" && entry.primary?.key === primary.key;
      if (replies.length === 0 || !isUnchanged) return;
      if (said && this.#body.known(said).key === primary.key) await this.contradict(entry, sender);
      else this.#take(entry, item, sender);
    } catch (error) {
      logger.info({ err: error, member: primary.name }, "Member could not be asked whether it serves an entry");
    }
  }

  /**
   * What was removed stays removed, though it was used where that was not heard of: whoever serves the entry removes it, and the others
   * ask him, since it may have been made again.
   */
  async #removal(entry: MapEntry<V>, sender: Member): Promise<void> {
    const { entries, isThere, link, logger, members } = this.#body;
    const { key, name, nodes, primary = sender } = entry;
    if (entry.kind === "Primary") {
      this.#changes.remove(key);
      const faulty = await link.tell(without(nodes, [sender]), MAP_EVENTS.Remove, { key: name });
      members.fellBehind(faulty.map(({ member }) => member));
      return;
    }
    if (primary.key !== sender.key && isThere(primary)) {
      try {
        const { replies } = await link.ask([primary], MAP_EVENTS.RetrieveBackup, { key: name }, "First", CONFLICT_TIMEOUT_MS);
        if (replies.length === 0 || replies[0]?.message?.value) return;
      } catch (error) {
        logger.info({ err: error, member: primary.name }, "Member could not be asked for an entry that another one has removed");
        return;
      }
      const now = entries.get(key);
      if (now?.kind === "Primary" || now !== entry || now.primary?.key !== primary.key) return;
    }
    this.#changes.remove(key);
  }

  /** Somebody else is said to serve it, too: the sender is told who, so that those two come to an agreement. */
  async contradict({ name, primary, nodes }: MapEntry<V>, sender: Member): Promise<void> {
    const { link, mapId, members, state, suids } = this.#body;
    const value = encodeMapMessages([mapMessage(state.item, mapId, { key: name, primary: primary ?? null, nodes })], suids);
    const faulty = await link.tell([sender], state.event, { key: name, value });
    members.fellBehind(faulty.map(({ member }) => member));
  }

  #contradiction(entry: MapEntry<V> | undefined, primary: Member, sender: Member): void {
    if (entry === undefined || primary.key === this.#body.localMember.key) return;
    if (entry.kind === "Primary") this.settleLater(entry, primary);
    else void this.#body.tellNewPrimary(entry, [sender]);
  }

  #take(entry: MapEntry<V>, item: MapMessage, sender: Member): void {
    const nodes = (item.nodes ?? []).map((node) => this.#body.known(node));
    if (!includes(nodes, this.#body.localMember)) this.#changes.turnIntoProxy(entry);
    this.#changes.place(entry, item, sender);
  }

  /** Finds out which of the two has the better value, and what follows from it. */
  settleLater(entry: MapEntry<V>, other: Member, takeover?: MapMessage): void {
    this.#conflicts.set(entry.key, { other, takeover });
    if (this.#settling) return;
    this.#settling = true;
    void this.#settle();
  }

  async #settle(): Promise<void> {
    while (this.#conflicts.size > 0) {
      const conflicts = [...this.#conflicts].values();
      this.#conflicts.clear();
      const work = async () => {
        for (const [key, conflict] of conflicts) await this.#settleOne(key, conflict);
      };
      await Promise.all(Array.from({ length: WINDOW }, work));
    }
    this.#settling = false;
  }

  /** Nobody gives up a value before he has seen that the other one's is as good. */
  async #settleOne(key: string, { other, takeover }: Conflict): Promise<void> {
    const { entries, link, logger, members, values } = this.#body;
    try {
      await entries.get(key)?.sending;
      const { name = key } = entries.get(key) ?? {};
      const { replies } = await link.ask([other], MAP_EVENTS.RetrieveBackup, { key: name }, "First", CONFLICT_TIMEOUT_MS);
      const { primary = null, value = null } = replies[0]?.message ?? {};
      const entry = entries.get(key);
      if (entry?.kind !== "Primary") return;
      if (replies.length === 0) {
        members.fellBehind([other]);
        return;
      }
      // It may have given the entry up meanwhile.
      if (value === null || (primary !== null && this.#body.known(primary).key !== other.key)) this.#changes.publishAgain(entry);
      else this.#decide(entry, values.read(value, this.#body.isOurs(other)), other, takeover);
    } catch (error) {
      logger.info({ err: error, member: other.name }, "Members could not agree on who serves an entry; they try again");
      members.fellBehind([other]);
    }
  }

  /**
   * The value with more changes stays. Of equal ones that of the member that has taken it over, or else that of the first in absolute
   * order; and then the other one is asked to find out what this one has, and to say so.
   */
  #decide(entry: MapEntry<V>, theirs: V, other: Member, takeover: MapMessage | undefined): void {
    const { values, localMember } = this.#body;
    const difference = values.compare(entry.value!, theirs);
    if (difference > 0) this.#changes.publishAgain(entry);
    else if (takeover !== undefined) {
      this.#changes.turnIntoProxy(entry);
      this.#changes.place(entry, takeover, other);
    } else if (difference === 0 && compareAbsoluteOrder(localMember, other) < 0) this.#changes.publishAgain(entry);
    else void this.contradict(entry, other);
  }
}
