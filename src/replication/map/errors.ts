// Failures of replicated maps. Keys are ids of sessions: they stand in no message (rule 22).
import { TomcatClusterError } from "../../base/index.ts";
import { QuietRefusalError } from "../../channel/index.ts";

/** A message that no replicated map can mean: of another class, or without what its type needs. */
export class InvalidMapMessageError extends TomcatClusterError {
  readonly code = "INVALID_MAP_MESSAGE";

  constructor(problem: string) {
    super(`${problem}; check the version of the member that sent it`);
  }
}

/** A change of a value that this member does not have: refused, so that its sender sends the whole value (rule 12). */
export class UnknownEntryError extends QuietRefusalError {
  readonly code = "UNKNOWN_ENTRY";

  constructor(mapId: string) {
    super(`Map "${mapId}" does not have the value that a message changes; its sender has to send all of it`);
  }
}

/** A value that was sent whole is older than this member's own, which goes to its sender instead (rule 11). */
export class OutdatedEntryError extends QuietRefusalError {
  readonly code = "OUTDATED_ENTRY";

  constructor(mapId: string) {
    super(`Map "${mapId}" has a newer value than the one received; its sender gets it`);
  }
}

/** The sender is no member of the group, or not yet: what it says of entries would outlast it. */
export class NotAMemberError extends QuietRefusalError {
  readonly code = "NOT_A_MEMBER";
  override readonly retryable = true;

  constructor(mapId: string, sender: string) {
    super(`"${sender}" is no member here, so map "${mapId}" does not take its messages; it may try again when it is one`);
  }
}

/** The map holds as many entries as it may, those of other members included. */
export class MapFullError extends TomcatClusterError {
  readonly code = "MAP_FULL";
  override readonly retryable = true;

  constructor(mapId: string, maxEntries: number) {
    super(`Map "${mapId}" holds "maxEntries" (${maxEntries}) entries: remove some, or raise the limit on every member`);
  }
}

/** None of the members that should have the value answered. It may be there when one of them is back. */
export class EntryUnreachableError extends TomcatClusterError {
  readonly code = "ENTRY_UNREACHABLE";
  override readonly retryable = true;

  constructor(mapId: string, members: readonly string[]) {
    super(`No value of map "${mapId}" from ${members.map((name) => `"${name}"`).join(", ")}, which should have it: ask again`);
  }
}

/** The map was stopped while it waited for the others' state. */
export class MapStoppedError extends TomcatClusterError {
  readonly code = "MAP_STOPPED";

  constructor(mapId: string) {
    super(`Map "${mapId}" was stopped before it had the state of the others`);
  }
}
