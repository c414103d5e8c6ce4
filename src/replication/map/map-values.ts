// What a replicated map has to know of its values (Tomcat: ReplicatedMapEntry and MapOwner), and of its entries.
import type { Member } from "../../channel/index.ts";

/**
 * The owner's knowledge of values. Values that know no differences are never dirty, and travel whole when `replicate` is told so.
 */
export interface MapValues<V> {
  /** The whole value as one object stream. */
  write(value: V): Buffer;
  /** A value that arrived whole; `isOurs`: from a member of ours. Throwing refuses the message. */
  read(stream: Buffer, isOurs: boolean): V;
  /** What this member keeps when `theirs` takes the place of `mine`, whose own changes stay until they are sent (rule 13). */
  replace(mine: V, theirs: V): V;
  /** Whether it holds changes that were made here and are not sent. */
  isDirty(value: V): boolean;
  /** Those changes; undefined: the whole value has to be sent. */
  diff(value: V): Buffer | undefined;
  /** Throwing refuses the message: its sender sends the whole value. */
  applyDiff(value: V, diff: Buffer): void;
  /** Whether others have to be told that it is in use though nothing has changed. */
  isAccessDue(value: V): boolean;
  /** Another member has used it. */
  accessed(value: V): void;
  /** All that it holds now is on its way: from here on changes count as new. */
  sent(value: V): void;
  /**
   * Above 0: `mine` has more changes than `theirs`; below 0: fewer. Decides after a partition (rule 11), on every member alike: 0 only
   * for values that are equal. A value that is `put` in the place of another has to be above it.
   */
  compare(mine: V, theirs: V): number;
}

/**
 * `Primary`: serves the value. `Backup`: has it too, of a LazyReplicatedMap. `Copy`: has it too, of a ReplicatedMap. `Proxy`: knows
 * who has it.
 */
export type EntryKind = "Primary" | "Backup" | "Copy" | "Proxy";

export interface MapEntry<V> {
  /** What tells it apart: see ReplicatedMapDeps.identify. */
  readonly key: string;
  /** What it is called on the wire. */
  name: string;
  kind: EntryKind;
  /** Undefined while nobody is known to serve it. */
  primary: Member | undefined;
  /** Who else has the value: backup, or copies. */
  nodes: readonly Member[];
  /** Of a Proxy undefined, unless it holds own changes. */
  value: V | undefined;
  /** Of a Primary: differences are no use, since `nodes` lack what they build on. */
  whole: boolean;
  /** Of a Primary: `nodes` have the value, but have to be told who serves it, or who they are. */
  untold: boolean;
  /** Of a Backup: the member that fetched the value last, by key, and whether it has changed since. */
  fetched: { readonly by: string; isOutdated: boolean } | undefined;
  /** Who told of it last, by key, and when by its clock. */
  heard: { readonly from: string; readonly sentMs: number } | undefined;
  /** What is on its way to the nodes, and what follows it. */
  sending: Promise<void> | undefined;
  following: Promise<void> | undefined;
}

export function mapEntry<V>(key: string, kind: EntryKind, fields: Partial<MapEntry<V>> = {}): MapEntry<V> {
  return {
    kind,
    primary: undefined,
    nodes: [],
    value: undefined,
    whole: false,
    untold: false,
    fetched: undefined,
    heard: undefined,
    sending: undefined,
    following: undefined,
    name: key,
    ...fields,
    key,
  };
}

/**
 * Picks the member that backs an entry up, from at least one candidate. `previous`: who had the value before, and should keep it.
 * Undefined: none of these.
 */
export type BackupChooser = (key: string, candidates: readonly Member[], previous: readonly Member[]) => Member | undefined;

/** Who had it before, else one after the other (Tomcat: getNextBackupNode). */
export function roundRobin(): BackupChooser {
  let turn = 0;
  return (_key, candidates, previous) =>
    candidates.find((candidate) => includes(previous, candidate)) ?? candidates[turn++ % candidates.length];
}

export function includes(members: readonly Member[], member: Member): boolean {
  return members.some(({ key }) => key === member.key);
}

export function without(members: readonly Member[], excluded: readonly Member[]): readonly Member[] {
  return members.filter((member) => !includes(excluded, member));
}
