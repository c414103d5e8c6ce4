// What differs between the pages of workers that should be equal.
import type { SessionEntry, WorkerPage } from "./worker-pages.ts";

export type Difference =
  | { readonly kind: "NotAnswering"; readonly worker: string; readonly problem: string }
  | { readonly kind: "NotServing"; readonly worker: string; readonly state: string }
  /** `worker` does not know a member that others know, or that is itself among those asked. */
  | { readonly kind: "UnknownMember"; readonly worker: string; readonly member: string }
  | { readonly kind: "SuspectMember"; readonly worker: string; readonly member: string }
  | { readonly kind: "MissingContext"; readonly worker: string; readonly context: string }
  | { readonly kind: "StateNotTransferred"; readonly worker: string; readonly context: string }
  | {
      readonly kind: "Session";
      readonly context: string;
      /** Hashed; begins as in logs. */
      readonly session: string;
      /** By worker; null: it does not have the session. */
      readonly copies: Readonly<Record<string, { readonly version: number; readonly content: string } | null>>;
    };

/** By the worker's URL. */
export type Pages = ReadonlyMap<string, WorkerPage>;

const TOMCAT = "Tomcat";

/** Who knows whom. A member is known by its name, "tcp://10.0.0.1:4000". */
export function compareViews(pages: Pages): Difference[] {
  const everyone = new Set<string>();
  for (const { localMember, members } of pages.values()) {
    if (localMember !== undefined) everyone.add(localMember);
    for (const { name, state } of members) if (state === "Alive") everyone.add(name);
  }
  const differences: Difference[] = [];
  for (const [worker, { state, localMember, members }] of pages) {
    if (state !== "serving") differences.push({ kind: "NotServing", worker, state });
    const byName = new Map(members.map((member) => [member.name, member]));
    for (const member of everyone) {
      if (member === localMember) continue;
      const known = byName.get(member);
      if (known === undefined) differences.push({ kind: "UnknownMember", worker, member });
      else if (known.state !== "Alive") differences.push({ kind: "SuspectMember", worker, member });
    }
  }
  return differences;
}

/** Names of all contexts that any worker replicates. */
export function contextNames(pages: Pages): string[] {
  return [...new Set([...pages.values()].flatMap(({ managers }) => managers.map(({ contextName }) => contextName)))].sort();
}

/** What of a context differs without a look at its sessions. */
export function compareContext(pages: Pages, context: string): Difference[] {
  const differences: Difference[] = [];
  for (const [worker, { managers }] of pages) {
    const manager = managers.find(({ contextName }) => contextName === context);
    if (manager === undefined) differences.push({ kind: "MissingContext", worker, context });
    else if (!manager.stateTransferred) differences.push({ kind: "StateNotTransferred", worker, context });
  }
  return differences;
}

/** Whether all workers that have the context have the same sessions in it. */
export function sameSessions(pages: Pages, context: string): boolean {
  const digests = new Set<string>();
  const versions = countVersions(pages);
  for (const { managers } of pages.values()) {
    const manager = managers.find(({ contextName }) => contextName === context);
    if (manager?.digest !== undefined) digests.add(versions ? `${manager.digest} ${manager.versionDigest}` : manager.digest);
  }
  return digests.size <= 1;
}

/** A Tomcat counts no versions, and so members that heard of changes from it have counted differently. */
export function countVersions(pages: Pages): boolean {
  return [...pages.values()].every(({ members }) => members.every(({ kind }) => kind !== TOMCAT));
}

/** Sessions that are not the same everywhere; `lists`: by worker, then by id. */
export function compareSessions(
  context: string,
  lists: ReadonlyMap<string, ReadonlyMap<string, SessionEntry>>,
  versions: boolean,
): Extract<Difference, { kind: "Session" }>[] {
  const ids = new Set([...lists.values()].flatMap((list) => [...list.keys()]));
  const differences: Extract<Difference, { kind: "Session" }>[] = [];
  for (const session of [...ids].sort()) {
    const copies: Record<string, { version: number; content: string } | null> = {};
    const seen = new Set<string>();
    for (const [worker, list] of lists) {
      const entry = list.get(session);
      copies[worker] = entry === undefined ? null : { version: entry.version, content: entry.content };
      seen.add(entry === undefined ? "none" : versions ? `${entry.content} ${entry.version}` : entry.content);
    }
    if (seen.size > 1) differences.push({ kind: "Session", context, session, copies });
  }
  return differences;
}
