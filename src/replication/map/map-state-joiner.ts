// Makes a new member known to those that have the map, and fetches what they know (tribes.md 14.2; rules 4 to 6).
import { type Clock, delay, type Logger } from "../../base/index.ts";
import { compareAbsoluteOrder, type Member } from "../../channel/index.ts";
import type { EntryChanges } from "./entry-changes.ts";
import type { MapBody } from "./map-body.ts";
import { decodeMapMessages, MAP_EVENTS, type MapEvent } from "./map-message.ts";

export interface MapStateJoinerDeps<V> {
  readonly body: MapBody<V>;
  readonly changes: EntryChanges<V>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface MapStateJoinerOptions {
  /** For each answer. */
  readonly rpcTimeoutMs: number;
  /** Between a round of questions and the next. */
  readonly retryMs: number;
}

/** `Starting`: the member waits for state itself. */
type Fetched = "Installed" | "Starting" | "Failed";

/**
 * Init, Start, then the state. A Tomcat asks for the state before it says that it has started, and never hears of entries that are
 * made between the two; here whoever answers Start tells the joiner of everything from then on, and state that arrives later gives way
 * to what was told. A member that neither answers nor goes keeps the joiner waiting: it never starts empty beside state (rule 5).
 */
export class MapStateJoiner<V> {
  readonly #deps: MapStateJoinerDeps<V>;
  readonly #options: MapStateJoinerOptions;

  constructor(deps: MapStateJoinerDeps<V>, options: MapStateJoinerOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** `started` is called when every member knows this one. Rejects with the signal's reason. */
  async join(signal: AbortSignal, started: () => void): Promise<void> {
    const { changes } = this.#deps;
    changes.expectState();
    await this.#askEveryone(MAP_EVENTS.Init, signal);
    await this.#askEveryone(MAP_EVENTS.Start, signal);
    started();
    await this.#fetchState(signal);
    changes.installed();
  }

  /** Until each member of the channel has answered, or left. Those without the map refuse. */
  async #askEveryone(event: MapEvent, signal: AbortSignal): Promise<void> {
    const { body } = this.#deps;
    const answered = new Set<string>();
    for (;;) {
      signal.throwIfAborted();
      const open = body.channelMembers.filter(({ key }) => !answered.has(key));
      if (open.length === 0) return;
      const answers = await body.link.ask(open, event, { primary: body.localMember }, "All", this.#options.rpcTimeoutMs);
      for (const { member } of answers.replies) {
        answered.add(member.key);
        body.memberAlive(member);
        // There is nothing here yet that it could lack.
        body.members.caughtUp(member);
      }
      for (const member of answers.refused) answered.add(member.key);
      if (answers.unanswered.length > 0) await delay(this.#deps.clock, this.#options.retryMs, signal);
    }
  }

  async #fetchState(signal: AbortSignal): Promise<void> {
    const { body, clock, logger } = this.#deps;
    for (;;) {
      let firstStarting: Member | undefined;
      let hasFailed = false;
      for (const donor of [...body.members.list].sort(compareAbsoluteOrder)) {
        signal.throwIfAborted();
        const fetched = await this.#fetch(donor, signal);
        if (fetched === "Installed") return;
        if (fetched === "Failed") hasFailed = true;
        else firstStarting ??= donor;
      }
      const isFirst = firstStarting === undefined || compareAbsoluteOrder(body.localMember, firstStarting) < 0;
      if (!hasFailed && isFirst) return;
      logger.info(
        { map: body.mapId, members: body.members.list.length },
        "No member of the map could give its state yet; it is asked again",
      );
      await delay(clock, this.#options.retryMs, signal);
    }
  }

  async #fetch(donor: Member, signal: AbortSignal): Promise<Fetched> {
    const { body, changes, logger } = this.#deps;
    try {
      for (let from = 0; ; ) {
        const { replies } = await body.link.ask([donor], body.state.event, { key: String(from) }, "First", this.#options.rpcTimeoutMs);
        signal.throwIfAborted();
        const reply = replies[0];
        if (reply === undefined) return "Failed";
        if (reply.message === null) return from === 0 ? "Starting" : "Failed";
        if (reply.message.value !== null) changes.install(decodeMapMessages(reply.message.value), donor);
        const next = Number(reply.message.key ?? 0);
        if (!(next > from)) return "Installed";
        from = next;
      }
    } catch (error) {
      signal.throwIfAborted();
      logger.warn({ err: error, map: body.mapId, member: donor.name }, "State of a map could not be installed");
      return "Failed";
    }
  }
}
