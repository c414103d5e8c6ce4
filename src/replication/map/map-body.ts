// What the parts of one map share.
import type { Logger } from "../../base/index.ts";
import type { Member } from "../../channel/index.ts";
import type { SuidTable } from "../../serialization/index.ts";
import type { EntrySender } from "./entry-sender.ts";
import type { MapLink } from "./map-link.ts";
import type { MapMembers } from "./map-members.ts";
import type { MapEvent } from "./map-message.ts";
import type { EntryKind, MapEntry, MapValues } from "./map-values.ts";

export interface MapBody<V> {
  readonly mapId: string;
  readonly logger: Logger;
  readonly values: MapValues<V>;
  readonly entries: Map<string, MapEntry<V>>;
  readonly members: MapMembers;
  readonly link: MapLink;
  readonly sender: EntrySender<V>;
  readonly localMember: Member;
  /** See ReplicatedMapDeps. */
  readonly isOurs: (member: Member) => boolean;
  readonly identify: (name: string) => string;
  /** Members of the channel, whether they have the map or not. */
  readonly channelMembers: readonly Member[];
  /** What others than the primary, who have the value, hold it as, and what tells them of it. */
  readonly held: { readonly kind: EntryKind & ("Backup" | "Copy"); readonly event: MapEvent };
  /** What asks for the state, and what it is a list of: a ReplicatedMap's holds values. */
  readonly state: { readonly event: MapEvent; readonly item: MapEvent };
  readonly suids: SuidTable;
  /** See EntryClaims. */
  contest(entry: MapEntry<V>): boolean;
  takeBack(entry: MapEntry<V>): void;
  tellNewPrimary(entry: MapEntry<V>, given: readonly Member[]): Promise<void>;
  claim(entry: MapEntry<V>): Promise<V | undefined>;
  /** The entry has come to this member from another. */
  madePrimary(entry: MapEntry<V>): void;
  /** An entry was removed: members that are away are told when they are back. */
  removed(name: string): void;
  /** A new entry. Throws MapFullError. */
  admit(entry: MapEntry<V>): void;
  /** The member as the channel knows it, by address and port: a Tomcat may have announced itself with another id. */
  known(member: Member): Member;
  /** Whether the member is this one, or one of the channel. */
  isThere(member: Member): boolean;
  /** A member of the channel has started the map (anew), or is heard of. Throws NotAMemberError for the start of another. */
  memberStarted(member: Member): void;
  memberAlive(member: Member): void;
  memberLost(member: Member, stopped: boolean): void;
}
