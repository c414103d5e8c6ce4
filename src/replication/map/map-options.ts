// What a replicated map is made of, and its settings.
import type { Member, SendOptions } from "../../channel/index.ts";
import type { MapBody } from "./map-body.ts";
import type { MapLinkDeps } from "./map-link.ts";
import type { MapValues } from "./map-values.ts";

export interface ReplicatedMapDeps<V> extends MapLinkDeps {
  readonly values: MapValues<V>;
  /** Whether the member understands lists of what it has missed. A Tomcat is told entry by entry. */
  readonly isOurs: (member: Member) => boolean;
  /**
   * What of a name tells entries apart; default: all of it. A session keeps its entry when its id gets another route; for a Tomcat the
   * whole name is the key.
   */
  readonly identify?: (name: string) => string;
  /** This member serves an entry from now on that another one served (Tomcat: MapOwner.objectMadePrimary). Must not throw. */
  readonly onMadePrimary?: (key: string, value: V) => void;
}

export interface ReplicatedMapOptions {
  /** Name of the map: equal on every member that has it, ISO-8859-1. */
  readonly mapId: string;
  /** Of what is told of entries (Tomcat: mapSendOptions). Default: acknowledged when processed (6). */
  readonly sendOptions?: Pick<SendOptions, "acknowledge" | "asynchronous">;
  /** For the answer of one member; default 15 000. Higher: requests wait longer for a member that is frozen. */
  readonly rpcTimeoutMs?: number;
  /** Without a sign of life for so long, a member is gone; default 5000. Lower: members that are busy are taken for gone. */
  readonly accessTimeoutMs?: number;
  /** Default 5000. Higher: less traffic, and members that are back wait longer for what they have missed. */
  readonly pingPeriodMs?: number;
  /** Between two rounds of questions for the state; default 500. */
  readonly retryMs?: number;
  /** Those of other members included; default 1 000 000. */
  readonly maxEntries?: number;
}

/** What tells the two kinds of map apart on the wire. */
export type MapKind = Pick<MapBody<unknown>, "held" | "state">;
