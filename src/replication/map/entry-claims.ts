// Takes over entries that another member serves, because a request for them came here (tribes.md 14.3, get).
import { compareAbsoluteOrder, type Member, RemoteProcessError } from "../../channel/index.ts";
import { EntryUnreachableError } from "./errors.ts";
import type { MapBody } from "./map-body.ts";
import { MAP_EVENTS } from "./map-message.ts";
import { includes, type MapEntry, without } from "./map-values.ts";

/** Until a member has heard who serves an entry of which it has an old value. */
const TELL_ATTEMPTS = 3;

/** While this member tells the others that it serves an entry. */
interface Contest {
  /** Another member has told the same meanwhile, and was refused. */
  isContested: boolean;
  /** Members that have refused this one because they were telling the same. */
  readonly refusedBy: Member[];
}

export class EntryClaims<V> {
  readonly #body: MapBody<V>;
  readonly #rpcTimeoutMs: number;
  /** By key: requests for one entry wait for one claim. */
  readonly #claims = new Map<string, Promise<V | undefined>>();
  readonly #contests = new Map<string, Contest>();

  constructor(body: MapBody<V>, rpcTimeoutMs: number) {
    this.#body = body;
    this.#rpcTimeoutMs = rpcTimeoutMs;
  }

  has(key: string): boolean {
    return this.#claims.has(key);
  }

  /**
   * Makes this member the primary. Undefined: the entry is gone, or its value is nowhere. Rejects with EntryUnreachableError while those
   * that should have the value do not answer.
   */
  claim(entry: MapEntry<V>): Promise<V | undefined> {
    const { key } = entry;
    let claim = this.#claims.get(key);
    if (claim === undefined) {
      claim = this.contested(entry, () => this.#claim(entry)).finally(() => this.#claims.delete(key));
      this.#claims.set(key, claim);
    }
    return claim;
  }

  /** Another member says that it serves the entry. True: it is refused, since this one is just telling the same. */
  contest({ key, kind }: MapEntry<V>): boolean {
    const contest = this.#contests.get(key);
    if (kind !== "Primary" || contest === undefined) return false;
    contest.isContested = true;
    return true;
  }

  /**
   * Does `work`, which tells others that this member serves the entry. Two members that do so at once refuse each other, or neither
   * would serve it in the end; then the first in absolute order tells it once more.
   */
  async contested<T>(entry: MapEntry<V>, work: () => Promise<T>): Promise<T> {
    const { key } = entry;
    if (this.#contests.has(key)) return work();
    const contest: Contest = { isContested: false, refusedBy: [] };
    this.#contests.set(key, contest);
    try {
      return await work();
    } finally {
      this.#contests.delete(key);
      const hasLastWord = contest.refusedBy.every((member) => compareAbsoluteOrder(this.#body.localMember, member) < 0);
      if (contest.isContested && hasLastWord && entry.kind === "Primary") {
        this.#body.sender.later(entry, { whole: true });
        this.#body.sender.drain();
      }
    }
  }

  /** All that do not have the value hear where it is; whoever does not is told later. */
  async tellRest(entry: MapEntry<V>): Promise<void> {
    const { entries, link, localMember, members, removed } = this.#body;
    const { key, name, nodes } = entry;
    const faulty = await link.tell(without(members.list, nodes), MAP_EVENTS.Proxy, { key: name, primary: localMember, nodes });
    members.fellBehind(faulty.map(({ member }) => member));
    const lost: Member[] = [];
    for (const { member, cause } of faulty) {
      if (cause instanceof RemoteProcessError) this.#contests.get(key)?.refusedBy.push(member);
      else lost.push(member);
    }
    // One of them may have been asked to back the entry up, and have an old value soon.
    void this.tellNewPrimary(entry, lost);
    if (entries.has(key)) return;
    // Removed meanwhile, and made again by what was told.
    removed(name);
    const unaware = await link.tell(members.list, MAP_EVENTS.Remove, { key: name });
    members.fellBehind(unaware.map(({ member }) => member));
  }

  /** Those that this member may have given the value to hear who serves the entry now: an old value must not come back with them. */
  async tellNewPrimary(entry: MapEntry<V>, given: readonly Member[]): Promise<void> {
    const { entries, held, link, members } = this.#body;
    const isCopied = held.kind === "Copy";
    const event = isCopied ? MAP_EVENTS.NotifyMapMember : MAP_EVENTS.Proxy;
    let untold = given;
    for (let attempt = 0; attempt < TELL_ATTEMPTS && untold.length > 0; attempt++) {
      const { key, name, primary, nodes } = entry;
      if (primary === undefined || entries.get(key) !== entry) return;
      const others = without(untold, isCopied ? [primary] : [primary, ...nodes]).filter((member) => members.has(member));
      untold = (await link.tell(others, event, { key: name, primary, nodes })).map(({ member }) => member);
    }
  }

  /** Of an entry whose value is here: it is sent whole from here, for which the caller cares. */
  takeBack(entry: MapEntry<V>): void {
    // Who served it has nearly the same value, and is the first choice for its backup.
    const nodes = entry.primary === undefined ? entry.nodes : [entry.primary, ...entry.nodes];
    this.#becomePrimary(entry, without(nodes, [this.#body.localMember]));
    entry.whole = true;
  }

  async #claim(entry: MapEntry<V>): Promise<V | undefined> {
    if (entry.kind === "Primary") return entry.value;
    if (entry.kind === "Proxy") return this.#fetch(entry);
    if (entry.kind === "Copy") {
      this.#becomePrimary(entry, this.#body.members.list);
      entry.untold = true;
    } else this.takeBack(entry);
    const { value } = entry;
    await this.#body.sender.sendNow(entry);
    return value;
  }

  /** Asks backups first, since they are who is left if the primary is gone; the primary has the value too. */
  async #fetch(entry: MapEntry<V>): Promise<V | undefined> {
    const { entries, link, localMember, mapId, values } = this.#body;
    const holders = entry.primary === undefined ? entry.nodes : [...without(entry.nodes, [entry.primary]), entry.primary];
    const silent: string[] = [];
    for (const holder of without(holders, [localMember])) {
      const { replies } = await link.ask([holder], MAP_EVENTS.RetrieveBackup, { key: entry.name }, "First", this.#rpcTimeoutMs);
      const now = entries.get(entry.key);
      if (now === undefined) return undefined;
      // Somebody has sent it meanwhile.
      if (now !== entry || now.kind !== "Proxy") return this.#claim(now);
      const reply = replies[0];
      if (reply === undefined) silent.push(holder.name);
      else if (reply.message?.value) {
        const theirs = values.read(reply.message.value, this.#body.isOurs(holder));
        // What was changed here meanwhile is still to be sent (rule 13).
        const value = entry.value === undefined ? theirs : values.replace(entry.value, theirs);
        await this.#takeOver(entry, value, holder);
        return value;
      }
    }
    if (entry.value !== undefined) {
      this.takeBack(entry);
      const { value } = entry;
      await this.#body.sender.sendNow(entry);
      return value;
    }
    if (silent.length > 0) throw new EntryUnreachableError(mapId, silent);
    entries.delete(entry.key);
    return undefined;
  }

  /** The backup stays where it is, and hears of its new primary; then all others do. */
  async #takeOver(entry: MapEntry<V>, value: V, holder: Member): Promise<void> {
    const { members, sender } = this.#body;
    const isBackup = includes(entry.nodes, holder) && members.has(holder);
    const nodes = isBackup ? entry.nodes.filter((node) => members.has(node)) : [];
    entry.value = value;
    this.#becomePrimary(entry, nodes);
    if (isBackup) entry.untold = true;
    else entry.whole = true;
    await sender.sendNow(entry);
    if (isBackup && entry.kind === "Primary") await this.tellRest(entry);
  }

  #becomePrimary(entry: MapEntry<V>, nodes: readonly Member[]): void {
    entry.kind = "Primary";
    entry.primary = this.#body.localMember;
    entry.nodes = nodes;
    this.#body.madePrimary(entry);
  }
}
