// Maps that the members of a group share, on Tomcat's wire (tribes.md 14): what BackupManager (ha.md 11) stands on.
//
// Where a Tomcat would lose something, these maps do otherwise, with the same messages:
// - The state is asked for after Start, in blocks, from one member after the other: what is made meanwhile is heard of (rules 4 to 6).
// - `put` sends no Remove before the new value; a value that nobody has acknowledged is sent again until somebody has (rules 8, 11).
// - What a member cannot apply it refuses, and gets the whole value (rule 12). The primary is asked when its backups do not answer.
// - A primary gives an entry up only when it has seen that the other member's value is as good: after a partition the value with more
//   changes stays, and what was removed stays removed (rule 11). Changes that were made here are put into the newest value (rule 13).
// - Members that were away are told what they have missed, as lists of the kind that State is answered with; a Tomcat entry by entry.
export type { AbstractReplicatedMap } from "./abstract-replicated-map.ts";
export { EntryUnreachableError } from "./errors.ts";
export { LazyReplicatedMap, type LazyReplicatedMapDeps } from "./lazy-replicated-map.ts";
export type { MapChannel } from "./map-link.ts";
export type { ReplicatedMapDeps, ReplicatedMapOptions } from "./map-options.ts";
export { type BackupChooser, type EntryKind, type MapEntry, type MapValues, roundRobin } from "./map-values.ts";
export { ReplicatedMap } from "./replicated-map.ts";
