// What other members tell of entries, applied to this member's (tribes.md 14.3). Throwing refuses a message (rule 12).
import { compareAbsoluteOrder, type Member } from "../../channel/index.ts";
import { type EntryChanges, nameIn } from "./entry-changes.ts";
import { EntryConflicts } from "./entry-conflicts.ts";
import { InvalidMapMessageError, OutdatedEntryError, UnknownEntryError } from "./errors.ts";
import type { MapBody } from "./map-body.ts";
import { MAP_EVENTS, type MapMessage } from "./map-message.ts";
import { type MapEntry, mapEntry } from "./map-values.ts";

/** What a closed connection held back comes behind by a time-out of its sender. A clock that is set back may go back further. */
const LATE_MS = 10_000;
/** What says who serves an entry. */
const PLACING: ReadonlySet<number> = new Set([
  MAP_EVENTS.Backup,
  MAP_EVENTS.Copy,
  MAP_EVENTS.Proxy,
  MAP_EVENTS.Access,
  MAP_EVENTS.NotifyMapMember,
]);

export class MapReceiver<V> {
  readonly #body: MapBody<V>;
  readonly #changes: EntryChanges<V>;
  readonly #conflicts: EntryConflicts<V>;

  constructor(body: MapBody<V>, changes: EntryChanges<V>) {
    this.#body = body;
    this.#changes = changes;
    this.#conflicts = new EntryConflicts(body, changes);
  }

  /** `sentMs`: by the sender's clock. */
  receive(message: MapMessage, sender: Member, sentMs: number): void {
    if (!PLACING.has(message.event)) {
      this.#apply(message, sender);
      return;
    }
    this.#checkOrder(message, sender, sentMs);
    this.#apply(message, sender);
    const entry = this.#body.entries.get(this.#keyOf(message));
    if (entry !== undefined) entry.heard = { from: sender.key, sentMs };
  }

  /** What its sender has given up waiting for, and has told otherwise since, comes too late (rule 10). */
  #checkOrder(message: MapMessage, sender: Member, sentMs: number): void {
    const heard = this.#body.entries.get(this.#keyOf(message))?.heard;
    if (heard?.from !== sender.key) return;
    const lateMs = heard.sentMs - sentMs;
    if (lateMs > 0 && lateMs <= LATE_MS) throw new OutdatedEntryError(this.#body.mapId);
  }

  #apply(message: MapMessage, sender: Member): void {
    switch (message.event) {
      case MAP_EVENTS.Backup:
      case MAP_EVENTS.Copy:
        if (message.diff === null) this.#whole(message, sender);
        else this.#diff(message, message.diff, sender);
        break;
      case MAP_EVENTS.Proxy:
        this.#proxy(message, sender);
        break;
      case MAP_EVENTS.Remove:
        this.#remove(nameIn(message), sender);
        break;
      case MAP_EVENTS.Access:
        this.#access(message, sender);
        break;
      case MAP_EVENTS.NotifyMapMember:
        this.#notify(message, sender);
        break;
      case MAP_EVENTS.State:
      case MAP_EVENTS.StateCopy:
        this.#conflicts.announced(message, sender);
        break;
      case MAP_EVENTS.Start:
        this.#body.memberStarted(sender);
        break;
      case MAP_EVENTS.Stop:
        this.#body.memberLost(sender, true);
        break;
      default:
        this.#body.logger.debug({ event: message.event, sender: sender.name }, "Map message of an unknown type");
    }
  }

  #whole(message: MapMessage, sender: Member): void {
    const { entries, values, held, sender: outgoing } = this.#body;
    const key = this.#keyOf(message);
    if (message.value === null) throw new InvalidMapMessageError(`A MapMessage of type ${message.event} has no value`);
    const theirs = values.read(message.value, this.#body.isOurs(sender));
    const entry = entries.get(key);
    if (entry === undefined) {
      const added = mapEntry<V>(key, held.kind, { value: theirs });
      this.#changes.place(added, message, sender);
      this.#body.admit(added);
      return;
    }
    if (entry.value !== undefined && this.#isNewer(entry, values.compare(entry.value, theirs), sender)) {
      if (entry.kind !== "Primary") this.#body.takeBack(entry);
      this.#changes.publishAgain(entry);
      throw new OutdatedEntryError(this.#body.mapId);
    }
    entry.kind = held.kind;
    if (entry.fetched !== undefined) entry.fetched.isOutdated = true;
    entry.value = entry.value === undefined ? theirs : values.replace(entry.value, theirs);
    if (!values.isDirty(entry.value)) outgoing.forget(entry);
    this.#changes.place(entry, message, sender);
  }

  /** Of two members that send one another equal values, the first in absolute order goes on serving its own. */
  #isNewer(entry: MapEntry<V>, difference: number, sender: Member): boolean {
    if (difference !== 0 || entry.kind !== "Primary") return difference > 0;
    return (entry.whole || entry.sending !== undefined) && compareAbsoluteOrder(this.#body.localMember, sender) < 0;
  }

  #diff(message: MapMessage, diff: Buffer, sender: Member): void {
    const entry = this.#body.entries.get(this.#keyOf(message));
    if (entry?.value === undefined || entry.kind !== this.#body.held.kind || entry.primary?.key !== sender.key) {
      throw new UnknownEntryError(this.#body.mapId);
    }
    this.#body.values.applyDiff(entry.value, diff);
    if (entry.fetched !== undefined) entry.fetched.isOutdated = true;
    this.#changes.place(entry, message, sender);
  }

  #proxy(message: MapMessage, sender: Member): void {
    const key = this.#keyOf(message);
    const entry = this.#body.entries.get(key);
    if (entry === undefined) {
      const added = mapEntry<V>(key, "Proxy");
      this.#changes.place(added, message, sender);
      this.#body.admit(added);
      return;
    }
    if (this.#knowsBetter(entry, message, sender)) return;
    this.#checkNewPrimary(entry);
    this.#checkOwner(entry, message, sender);
    if (entry.kind === "Primary" && this.#body.isOurs(sender)) {
      this.#conflicts.settleLater(entry, sender, message);
      return;
    }
    this.#changes.turnIntoProxy(entry);
    this.#changes.place(entry, message, sender);
  }

  /** A member that has given an entry up tells who has it: news only for those who took the sender for its primary. */
  #knowsBetter(entry: MapEntry<V>, message: MapMessage, sender: Member): boolean {
    const isFirstHand = message.primary === null || this.#body.known(message.primary).key === sender.key;
    return !isFirstHand && entry.primary !== undefined && entry.primary.key !== sender.key;
  }

  /** A value is given up for the one that gave it: he tells when somebody else serves the entry. */
  #checkOwner(entry: MapEntry<V>, message: MapMessage, sender: Member): void {
    const { held, isOurs, isThere, mapId } = this.#body;
    if (entry.kind !== held.kind || entry.primary === undefined || entry.primary.key === sender.key) return;
    if (!isThere(entry.primary) || !isOurs(sender)) return;
    void this.#conflicts.doubt(entry, message, sender);
    throw new OutdatedEntryError(mapId);
  }

  #access(message: MapMessage, sender: Member): void {
    const entry = this.#body.entries.get(this.#keyOf(message));
    if (entry?.value === undefined || entry.kind === "Primary") throw new UnknownEntryError(this.#body.mapId);
    this.#changes.place(entry, message, sender);
    this.#body.values.accessed(entry.value);
  }

  #notify(message: MapMessage, sender: Member): void {
    const entry = this.#body.entries.get(this.#keyOf(message));
    if (entry?.value === undefined) throw new UnknownEntryError(this.#body.mapId);
    if (this.#knowsBetter(entry, message, sender)) return;
    this.#checkNewPrimary(entry);
    // Its sender counts on a value that it has fetched here, or has a copy of, and that has changed since. A Tomcat would not send its own.
    const isUnsent = entry.kind === "Primary" && (entry.whole || entry.sending !== undefined);
    const isMissed = entry.fetched?.by === sender.key && entry.fetched.isOutdated;
    if ((isUnsent || isMissed) && this.#body.isOurs(sender)) throw new OutdatedEntryError(this.#body.mapId);
    this.#body.sender.forget(entry);
    entry.kind = this.#body.held.kind;
    entry.fetched = undefined;
    this.#changes.place(entry, message, sender);
    this.#body.values.accessed(entry.value);
  }

  /** A Tomcat removes an entry to give it another name, of which this member may have heard already from whoever serves it now. */
  #remove(name: string, sender: Member): void {
    const key = this.#body.identify(name);
    if (!this.#body.isOurs(sender) && (this.#body.entries.get(key)?.name ?? name) !== name) return;
    this.#changes.remove(key);
  }

  #keyOf(message: MapMessage): string {
    return this.#body.identify(nameIn(message));
  }

  /** Refuses another primary while this member tells that it is the one. */
  #checkNewPrimary(entry: MapEntry<V>): void {
    if (this.#body.contest(entry)) throw new OutdatedEntryError(this.#body.mapId);
  }
}
