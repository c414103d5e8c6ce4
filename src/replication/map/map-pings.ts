// Finds out which members of the channel have the map, and tells those what they have missed (tribes.md 14.2; rule 11).
import type { Clock, Timer } from "../../base/index.ts";
import type { Member } from "../../channel/index.ts";
import type { MapBody } from "./map-body.ts";
import { encodeMapMessages, MAP_EVENTS, type MapMessage, mapMessage } from "./map-message.ts";
import { isAvailable } from "./map-replies.ts";
import type { MapStateDonor } from "./map-state-donor.ts";
import type { MapEntry } from "./map-values.ts";

export interface MapPingsDeps<V> {
  readonly body: MapBody<V>;
  readonly clock: Clock;
  readonly donor: MapStateDonor<V>;
}

export interface MapPingsOptions {
  readonly accessTimeoutMs: number;
  readonly pingPeriodMs: number;
}

/** Removals that are remembered for members which may be back. */
const MAX_REMOVED = 100_000;
/** After which nobody waits for their return. */
const AWAY_MS = 600_000;
/** Entries that one member is told of at the same time. */
const WINDOW = 16;

export class MapPings<V> {
  readonly #deps: MapPingsDeps<V>;
  readonly #options: MapPingsOptions;
  /** When members were lost without a word, by key. */
  readonly #away = new Map<string, number>();
  /** Names that somebody did not hear the removal of. */
  readonly #removed = new Set<string>();
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;

  constructor(deps: MapPingsDeps<V>, options: MapPingsOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  start(): void {
    this.#timer = this.#deps.clock.setInterval(() => this.#beat(), this.#options.pingPeriodMs);
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    await this.#running;
  }

  lost(member: Member): void {
    this.#away.set(member.key, this.#deps.clock.monotonic());
  }

  /** `faulty`: who was to hear of the removal, and did not. */
  removed(name: string, faulty: readonly Member[]): void {
    this.#deps.body.members.fellBehind(faulty);
    if (faulty.length === 0 && this.#away.size === 0) return;
    this.#removed.add(name);
    if (this.#removed.size > MAX_REMOVED) for (const oldest of this.#removed) return void this.#removed.delete(oldest);
  }

  #beat(): void {
    if (this.#running !== undefined) return;
    const { body } = this.#deps;
    this.#running = this.#ping()
      .catch((error: unknown) => body.logger.info({ err: error, map: body.mapId }, "Members of the map could not be asked"))
      .finally(() => {
        this.#running = undefined;
      });
  }

  async #ping(): Promise<void> {
    const { body } = this.#deps;
    const { accessTimeoutMs } = this.#options;
    const { replies, refused } = await body.link.ask(
      body.channelMembers,
      MAP_EVENTS.Ping,
      { primary: body.localMember },
      "All",
      accessTimeoutMs,
    );
    for (const { member, message } of replies) if (message !== null && isAvailable(message)) body.memberAlive(member);
    for (const member of refused) body.memberLost(member, true);
    for (const member of body.members.silentFor(accessTimeoutMs)) body.memberLost(member, false);
    for (const member of body.members.behind) await this.#bringUpToDate(member);
    this.#forget();
    for (const entry of body.sender.atRisk.values()) if (entry.kind === "Proxy") await body.claim(entry);
    body.sender.drain();
  }

  async #bringUpToDate(member: Member): Promise<void> {
    const { body } = this.#deps;
    const { entries, members, sender } = body;
    members.caughtUp(member);
    if (body.held.kind === "Copy") {
      // Values, and in the order of all other messages: that takes a send to everybody.
      for (const entry of entries.values()) if (entry.kind === "Primary") sender.later(entry, { whole: true });
    }
    const gone = [...this.#removed].filter((name) => !entries.has(body.identify(name)));
    const removals = gone.map((name) => mapMessage(MAP_EVENTS.Remove, body.mapId, { key: name }));
    let isReached = removals.length === 0 || (await this.#announce(member, removals));
    const remaining = entries.values();
    const work = async () => {
      for (const entry of remaining) {
        // The map may change during the walk; what is new in it was told to everybody.
        if (isReached && members.has(member)) isReached = await this.#announceEntry(member, entry);
      }
    };
    await Promise.all(Array.from({ length: WINDOW }, work));
    if (isReached) this.#away.delete(member.key);
    else members.fellBehind([member]);
  }

  /** In the order of the entry's own messages; one that is, or will be, sent whole is told to everybody anyway. */
  async #announceEntry(member: Member, entry: MapEntry<V>): Promise<boolean> {
    while (entry.sending !== undefined) await Promise.allSettled([entry.sending]);
    if (entry.kind !== "Primary" || entry.whole || this.#deps.body.entries.get(entry.key) !== entry) return true;
    return this.#announce(member, this.#deps.donor.announcement(entry), entry.key);
  }

  /** False: the member was not reached. */
  async #announce(member: Member, items: readonly MapMessage[], key: string | null = null): Promise<boolean> {
    const { isOurs, link, state, suids } = this.#deps.body;
    if (isOurs(member)) return (await link.tell([member], state.event, { key, value: encodeMapMessages(items, suids) })).length === 0;
    for (const item of items) if ((await link.tell([member], item.event, item)).length > 0) return false;
    return true;
  }

  #forget(): void {
    const deadlineMs = this.#deps.clock.monotonic() - AWAY_MS;
    for (const [key, sinceMs] of this.#away) if (sinceMs < deadlineMs) this.#away.delete(key);
    if (this.#away.size === 0 && this.#deps.body.members.behind.length === 0) this.#removed.clear();
  }
}
