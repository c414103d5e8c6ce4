// Answers to the questions of other members, and answers that come late (tribes.md 14.1).
import type { Member, RpcHandler } from "../../channel/index.ts";
import type { JavaValue } from "../../serialization/index.ts";
import type { MapBody } from "./map-body.ts";
import {
  decodeMapState,
  encodeMapMessages,
  encodeMapState,
  MAP_EVENTS,
  type MapMessage,
  type MapState,
  mapMessageFromJava,
  mapMessageToJava,
} from "./map-message.ts";
import type { MapStateDonor } from "./map-state-donor.ts";

export interface MapRepliesDeps<V> {
  readonly body: MapBody<V>;
  readonly donor: MapStateDonor<V>;
  /** What a ping is answered with. */
  readonly state: () => MapState;
  /** Whether this member has the state of the others. */
  readonly isComplete: () => boolean;
}

/** As Tomcat does, each answer is the question with what it asks for in it; null is no answer to it. */
export class MapReplies<V> implements RpcHandler {
  readonly #deps: MapRepliesDeps<V>;

  constructor(deps: MapRepliesDeps<V>) {
    this.#deps = deps;
  }

  replyRequest(question: JavaValue, sender: Member): JavaValue {
    const message = mapMessageFromJava(question);
    const reply = this.#reply(message, sender);
    return reply === null ? null : mapMessageToJava(reply);
  }

  leftOver(late: JavaValue, sender: Member): void {
    if (late === null) return;
    const message = mapMessageFromJava(late);
    if (message.event === MAP_EVENTS.Init || message.event === MAP_EVENTS.Start || isAvailable(message))
      this.#deps.body.memberAlive(sender);
  }

  #reply(message: MapMessage, sender: Member): MapMessage | null {
    const { body } = this.#deps;
    const primary = body.localMember;
    switch (message.event) {
      case MAP_EVENTS.Init:
        return { ...message, primary };
      case MAP_EVENTS.Start:
        body.memberStarted(sender);
        return { ...message, primary };
      case MAP_EVENTS.Ping:
        return { ...message, primary, value: encodeMapState(this.#deps.state(), body.suids) };
      case MAP_EVENTS.RetrieveBackup: {
        const entry = body.entries.get(body.identify(message.key ?? ""));
        if (entry?.value === undefined) return null;
        entry.fetched = { by: sender.key, isOutdated: false };
        // Tomcat names no primary here, and does not look for one.
        return { ...message, key: null, value: body.values.write(entry.value), primary: entry.primary ?? null };
      }
      case MAP_EVENTS.State:
      case MAP_EVENTS.StateCopy:
        return this.#state(message, sender);
      default:
        return null;
    }
  }

  /** Who is not complete itself has nothing to give to ours; a Tomcat gets what there is, since it knows no such answer. */
  #state(message: MapMessage, sender: Member): MapMessage | null {
    const { body, donor, isComplete } = this.#deps;
    if (message.key === null) return { ...message, value: encodeMapMessages(donor.whole(), body.suids) };
    const block = isComplete() ? donor.block(sender, Number(message.key)) : undefined;
    if (block === undefined) return null;
    return { ...message, key: block.next === undefined ? null : String(block.next), value: encodeMapMessages(block.items, body.suids) };
  }
}

/** Of the answer to a ping: whether its sender's map is there for others. */
export function isAvailable(message: MapMessage): boolean {
  return message.event === MAP_EVENTS.Ping && message.value !== null && decodeMapState(message.value) === "INITIALIZED";
}
