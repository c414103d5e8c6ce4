// A map that the members of a group share: what both kinds have in common (Tomcat: AbstractReplicatedMap; tribes.md 14).
import type { Lifecycle } from "../../base/index.ts";
import type { ChannelListener, Member, MembershipListener, ReceivedMessage } from "../../channel/index.ts";
import { EntryChanges } from "./entry-changes.ts";
import { EntryClaims } from "./entry-claims.ts";
import { EntrySender } from "./entry-sender.ts";
import { MapFullError, MapStoppedError, NotAMemberError } from "./errors.ts";
import type { MapBody } from "./map-body.ts";
import { type MapChannel, MapLink } from "./map-link.ts";
import { MapMembers } from "./map-members.ts";
import { MAP_EVENTS, MAP_MESSAGE_CLASS, type MapState, mapIdOf, mapMessageFromJava } from "./map-message.ts";
import type { MapKind, ReplicatedMapDeps, ReplicatedMapOptions } from "./map-options.ts";
import { MapPings } from "./map-pings.ts";
import { MapReceiver } from "./map-receiver.ts";
import { MapReplies } from "./map-replies.ts";
import { MapStateDonor } from "./map-state-donor.ts";
import { MapStateJoiner } from "./map-state-joiner.ts";
import { includes, type MapEntry, mapEntry } from "./map-values.ts";
import { relocate } from "./relocation.ts";

const unchanged = (name: string) => name;
/** Of members that take one entry from one another at the same time. */
const REPLICATE_ATTEMPTS = 5;

/** `start` resolves when the state of the others is here, and rejects only when the map is stopped before. */
export abstract class AbstractReplicatedMap<V> implements Lifecycle, ChannelListener, MembershipListener {
  protected readonly body: MapBody<V>;
  protected readonly claims: EntryClaims<V>;
  readonly #deps: ReplicatedMapDeps<V>;
  readonly #channel: MapChannel;
  readonly #entries = new Map<string, MapEntry<V>>();
  readonly #receiver: MapReceiver<V>;
  readonly #donor: MapStateDonor<V>;
  readonly #joiner: MapStateJoiner<V>;
  readonly #pings: MapPings<V>;
  readonly #stopped = new AbortController();
  #state: MapState = "NEW";
  #isComplete = false;

  constructor(deps: ReplicatedMapDeps<V>, options: ReplicatedMapOptions, kind: MapKind) {
    this.#deps = deps;
    this.#channel = deps.channel;
    const { rpcTimeoutMs = 15_000, accessTimeoutMs = 5000, pingPeriodMs = 5000, retryMs = 500, maxEntries = 1_000_000 } = options;
    const { mapId, sendOptions = { acknowledge: "Processed", asynchronous: false } } = options;
    const { clock, logger } = deps;
    const link = new MapLink(
      deps,
      { mapId, sendOptions, identify: deps.identify ?? unchanged },
      {
        replyRequest: (question, sender) => replies.replyRequest(question, sender),
        leftOver: (late, sender) => replies.leftOver(late, sender),
      },
    );
    const body = this.#makeBody(mapId, link, maxEntries, kind);
    this.body = body;
    this.#donor = new MapStateDonor(body);
    const replies = new MapReplies({ body, donor: this.#donor, state: () => this.#state, isComplete: () => this.#isComplete });
    const changes = new EntryChanges(body);
    this.#receiver = new MapReceiver(body, changes);
    this.#joiner = new MapStateJoiner({ body, changes, clock, logger }, { rpcTimeoutMs, retryMs });
    this.claims = new EntryClaims(body, rpcTimeoutMs);
    this.#pings = new MapPings({ body, clock, donor: this.#donor }, { accessTimeoutMs, pingPeriodMs });
  }

  /** Entries with their value here. */
  get size(): number {
    let size = 0;
    for (const entry of this.#entries.values()) if (entry.kind !== "Proxy") size++;
    return size;
  }

  /** Those of which only the place is known, too (Tomcat: sizeFull). */
  get fullSize(): number {
    return this.#entries.size;
  }

  /** Entries of this member whose newest value no other member has acknowledged. */
  get entriesAtRisk(): number {
    return this.body.sender.atRisk.size;
  }

  /** Other members that have the map. */
  get mapMembers(): readonly Member[] {
    return this.body.members.list;
  }

  /** Entries with their value here, or all. */
  *keys(options: { readonly full?: boolean } = {}): Generator<string> {
    for (const { key, kind } of this.#entries.values()) if (options.full || kind !== "Proxy") yield key;
  }

  /** What this member knows, without taking anything over (Tomcat: getInternal). Not to be changed. */
  peek(key: string): Readonly<Pick<MapEntry<V>, "kind" | "primary" | "nodes" | "value">> | undefined {
    return this.#entries.get(key);
  }

  async start(): Promise<void> {
    const { body } = this;
    body.link.rpc.open();
    this.#channel.addChannelListener(this);
    this.#channel.addMembershipListener(this);
    try {
      await this.#joiner.join(this.#stopped.signal, () => {
        this.#state = "INITIALIZED";
      });
    } catch (error) {
      this.#close();
      throw error;
    }
    this.#isComplete = true;
    this.#pings.start();
    body.sender.drain();
  }

  /** Ends a `start` that waits for others. */
  abortStart(): void {
    this.#stopped.abort(new MapStoppedError(this.body.mapId));
  }

  /** What is at risk gets one more try; then the others hear that this member has gone, and take over. */
  async stop(): Promise<void> {
    const { body } = this;
    await this.#pings.stop();
    body.sender.drain();
    await body.sender.settled();
    this.#state = "DESTROYED";
    const faulty = await body.link.tell(body.channelMembers, MAP_EVENTS.Stop, { primary: body.localMember });
    for (const { member, cause } of faulty)
      this.#deps.logger.info({ err: cause, member: member.name }, "Member was not told that a map stops");
    this.#close();
  }

  /**
   * At once when this member serves the entry; otherwise it takes it over (tribes.md 14.3), which asks a member that has the value.
   * Undefined: there is no such entry. Rejects with EntryUnreachableError when those that have it do not answer.
   */
  get(key: string): V | undefined | Promise<V | undefined> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    return entry.kind === "Primary" && !this.claims.has(key) ? entry.value : this.claims.claim(entry);
  }

  /** A new value. Resolves when another member has acknowledged it, or none could: see `isAtRisk`. Rejects with MapFullError. */
  async put(name: string, value: V): Promise<void> {
    const key = this.body.identify(name);
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = mapEntry<V>(key, "Primary", { name });
      this.body.admit(entry);
    }
    entry.kind = "Primary";
    entry.primary = this.body.localMember;
    entry.value = value;
    entry.whole = true;
    await this.body.sender.sendNow(entry);
  }

  /**
   * What has changed in the value that `get` gave or `put` took, or all of it when `complete`. Resolves as `put` does. An entry that
   * another member has taken over meanwhile comes back when it was changed here (rule 13); one that is gone stays gone.
   */
  async replicate(key: string, value: V, options: { readonly complete?: boolean } = {}): Promise<void> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    const { values, sender } = this.body;
    const hasChanged = options.complete === true || values.isDirty(value);
    if (hasChanged && entry.value !== value) entry.value = entry.value === undefined ? value : values.replace(value, entry.value);
    if (entry.value === undefined || (entry.kind !== "Primary" && !hasChanged)) return;
    if (options.complete === true) entry.whole = true;
    else if (!hasChanged && !sender.atRisk.has(key) && !values.isAccessDue(entry.value)) return;
    sender.later(entry);
    for (let attempt = 0; attempt < REPLICATE_ATTEMPTS && sender.atRisk.get(key) === entry; attempt++) {
      if (entry.kind === "Proxy") await this.claims.claim(entry);
      await sender.sendNow(entry);
      // Somebody else may have taken it over in the middle of that.
      if (entry.value === undefined || !values.isDirty(entry.value)) return;
    }
  }

  /** Whether another member has acknowledged the newest value. */
  isAtRisk(key: string): boolean {
    return this.body.sender.atRisk.has(key);
  }

  /** Resolves with what was there when every member of the map has forgotten it, or could not be told yet. */
  async remove(key: string): Promise<V | undefined> {
    const entry = this.#entries.get(key);
    this.drop(key);
    await this.#tellRemoval(entry?.name ?? key, this.mapMembers);
    return entry?.value;
  }

  /**
   * Calls an entry otherwise. Where only the name is another, whoever tells entries apart by less keeps it, and a Tomcat gets it anew.
   * Resolves as `put` does. Of an entry that another member has taken over only the key can be changed.
   */
  async rename(key: string, name: string): Promise<void> {
    const entry = this.#entries.get(key);
    if (entry?.value === undefined) return;
    const { identify, isOurs, link, sender } = this.body;
    const before = entry.name;
    if (identify(name) !== key) {
      this.drop(key);
      await this.put(name, entry.value);
      await this.#tellRemoval(before, this.mapMembers);
    } else if (entry.kind === "Primary") {
      entry.name = name;
      sender.later(entry, { whole: true });
      const tomcats = this.mapMembers.filter((member) => !isOurs(member));
      await link.tell(tomcats, MAP_EVENTS.Remove, { key: before });
      await sender.sendNow(entry);
    }
  }

  /** Forgets an entry here, and tells nobody. */
  drop(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.body.sender.forget(entry);
  }

  accept(message: ReceivedMessage): boolean {
    return message.className === MAP_MESSAGE_CLASS;
  }

  /** Throwing refuses the message (rule 12). */
  messageReceived(received: ReceivedMessage): void {
    const object = received.object();
    if (mapIdOf(object) !== this.body.mapId) return;
    const { sender } = received;
    if (!this.body.isThere(sender)) throw new NotAMemberError(this.body.mapId, sender.name);
    const message = mapMessageFromJava(object);
    // Whoever speaks of its entries has the map.
    if (message.event !== MAP_EVENTS.Stop) this.body.memberAlive(sender);
    this.#receiver.receive(message, sender, received.timestamp);
  }

  memberAdded(): void {
    // Whether it has the map is found out by its Start, or with the next ping.
  }

  memberDisappeared(member: Member): void {
    this.body.memberLost(member, false);
  }

  /** The whole value to whom it belongs. True: somebody has it, or the entry is not this member's any more. */
  protected abstract sendWhole(entry: MapEntry<V>): Promise<boolean>;

  /** A member has come to the map: what it has to have of an entry that this one serves. */
  protected abstract memberCame(member: Member, entry: MapEntry<V>): void;

  /** What `sendWhole` sends; from here on changes count as new. */
  protected writeWhole(entry: MapEntry<V>): Buffer {
    const { values } = this.body;
    values.sent(entry.value!);
    const value = values.write(entry.value!);
    entry.whole = false;
    entry.untold = false;
    return value;
  }

  /** After a send to these nodes: whether the entry is still this member's. Otherwise they hear what has become of it meanwhile. */
  protected async isServedStill(entry: MapEntry<V>, nodes: readonly Member[]): Promise<boolean> {
    const now = this.#entries.get(entry.key);
    if (now === entry && entry.kind === "Primary") return true;
    if (now === undefined) await this.#tellRemoval(entry.name, nodes);
    else await this.claims.tellNewPrimary(now, nodes);
    return false;
  }

  async #tellRemoval(name: string, members: readonly Member[]): Promise<void> {
    const faulty = await this.body.link.tell(members, MAP_EVENTS.Remove, { key: name });
    this.#pings.removed(
      name,
      faulty.map(({ member }) => member),
    );
  }

  async #send(entry: MapEntry<V>): Promise<boolean> {
    const { values, link, localMember, held } = this.body;
    const { key, name, value } = entry;
    if (value === undefined || this.#entries.get(key) !== entry) return this.#isOver(entry);
    if (entry.kind !== "Primary") {
      if (!values.isDirty(value)) return this.#isOver(entry);
      // What was changed here has to be put into the newest value, which is elsewhere: `replicate`, or the next ping, fetches it.
      if (entry.kind === "Proxy") return false;
      this.claims.takeBack(entry);
    }
    const { nodes } = entry;
    if (entry.whole || nodes.length === 0) return this.sendWhole(entry);
    const isDirty = values.isDirty(value);
    if (!isDirty && !entry.untold && !values.isAccessDue(value)) return true;
    const event = isDirty ? held.event : entry.untold ? MAP_EVENTS.NotifyMapMember : MAP_EVENTS.Access;
    const diff = isDirty ? values.diff(value) : null;
    if (diff === undefined) return this.sendWhole(entry);
    values.sent(value);
    entry.untold = false;
    const faulty = await link.tell(nodes, event, { key: name, diff, primary: localMember, nodes });
    if (!(await this.isServedStill(entry, nodes)) || faulty.length === 0) return true;
    // Refused, or lost: what is missing there is not known any more.
    return this.sendWhole(entry);
  }

  /** Somebody else's, or nobody's: nothing is left to be sent. */
  #isOver(entry: MapEntry<V>): true {
    entry.whole = false;
    entry.untold = false;
    return true;
  }

  #memberCame(member: Member, isNew: boolean): void {
    const { members, sender } = this.body;
    for (const entry of this.#entries.values()) if (entry.kind === "Primary") this.memberCame(member, entry);
    if (!isNew) members.fellBehind([member]);
    sender.drain();
  }

  #close(): void {
    this.#channel.removeChannelListener(this);
    this.#channel.removeMembershipListener(this);
    this.body.link.rpc.close();
    this.body.members.clear();
    this.#entries.clear();
  }

  #makeBody(mapId: string, link: MapLink, maxEntries: number, kind: MapKind): MapBody<V> {
    const { values, clock, identify = unchanged, isOurs, logger, onMadePrimary } = this.#deps;
    const channel = this.#channel;
    const entries = this.#entries;
    const members = new MapMembers(clock);
    const sender = new EntrySender<V>(
      (entry) => this.#send(entry),
      (error) => logger.error({ err: error, map: mapId }, "Entry could not be sent"),
    );
    const known = (member: Member) => {
      const isSame = (other: Member) => other.address === member.address && other.port === member.port;
      return isSame(channel.localMember) ? channel.localMember : (channel.members.find(isSame) ?? member);
    };
    const isThere = (member: Member) => member.key === channel.localMember.key || includes(channel.members, member);
    const cameAs = (member: Member, isNew: boolean) => {
      if (includes(channel.members, member) && members.heard(member)) this.#memberCame(member, isNew);
    };
    const memberLost = (member: Member, stopped: boolean) => {
      if (!members.delete(member)) return;
      this.#donor.forget(member);
      if (!stopped) this.#pings.lost(member);
      logger.info({ map: mapId, member: member.name }, "Member of the map has gone");
      relocate(this.body, member);
      sender.drain();
    };
    return {
      ...kind,
      mapId,
      logger,
      values,
      entries,
      members,
      link,
      sender,
      get localMember() {
        return channel.localMember;
      },
      get channelMembers() {
        return channel.members;
      },
      suids: channel.suids,
      isOurs,
      identify,
      contest: (entry) => this.claims.contest(entry),
      takeBack: (entry) => this.claims.takeBack(entry),
      tellNewPrimary: (entry, given) => this.claims.tellNewPrimary(entry, given),
      claim: (entry) => this.claims.claim(entry),
      madePrimary: (entry) => {
        if (entry.value !== undefined) onMadePrimary?.(entry.key, entry.value);
      },
      removed: (name) => this.#pings.removed(name, []),
      admit: (entry) => {
        if (entries.size >= maxEntries) throw new MapFullError(mapId, maxEntries);
        entries.set(entry.key, entry);
      },
      known,
      isThere,
      memberStarted: (member) => {
        if (!isThere(member)) throw new NotAMemberError(mapId, member.name);
        // Its process has nothing any more, whoever it was before.
        memberLost(member, true);
        cameAs(member, true);
      },
      memberAlive: (member) => cameAs(member, false),
      memberLost,
    };
  }
}
