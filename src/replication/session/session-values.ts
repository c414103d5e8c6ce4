// What a replicated map has to know of sessions (Tomcat: DeltaSession as ReplicatedMapEntry; ha.md 11).
import type { SuidTable } from "../../serialization/index.ts";
import type { MapValues } from "../map/index.ts";
import { decodeDelta } from "./delta-request.ts";
import type { DeltaSession } from "./delta-session.ts";
import { contentDigest } from "./session-digest.ts";
import { decodeSessionObject, encodeSessionObject } from "./session-object.ts";
import type { SessionState } from "./session-state.ts";

export interface SessionValuesDeps {
  readonly suids: SuidTable;
  /** Makes a session of another member's, which is in no table yet. */
  readonly copyOf: (state: SessionState) => DeltaSession;
  readonly isAccessDue: (session: DeltaSession) => boolean;
  /** Of the clock's `monotonic`. */
  readonly nowMs: () => number;
}

/** Their order between members of ours is that of their versions; a difference is one version more. */
export function sessionValues({ suids, copyOf, isAccessDue, nowMs }: SessionValuesDeps): MapValues<DeltaSession> {
  return {
    write: (session) => encodeSessionObject(session.exportState(), suids),
    read: (stream, isOurs) => {
      const session = copyOf(decodeSessionObject(stream));
      session.uncounted ||= !isOurs;
      return session;
    },
    replace: (mine, theirs) => {
      if (mine.id !== theirs.id) mine.setId(theirs.id);
      mine.importState(theirs.exportState());
      mine.uncounted ||= theirs.uncounted;
      return mine;
    },
    isDirty: (session) => session.hasChanges,
    // The receiver counts one change: after those that a Tomcat made without counting it would be behind.
    diff: (session) => (session.uncounted ? undefined : session.takeDelta()),
    applyDiff: (session, diff) => {
      session.applyDelta(decodeDelta(diff).actions);
      session.version++;
      session.touch();
    },
    isAccessDue,
    accessed: (session) => session.touch(),
    sent: (session) => {
      session.takeDelta();
      session.lastSentMs = nowMs();
    },
    compare,
  };
}

/**
 * What a Tomcat sends has the version that it was given, and the changes that it made since. Changes here that are not sent count for
 * nothing: they are put into whichever value stays (rule 13).
 */
function compare(mine: DeltaSession, theirs: DeltaSession): number {
  const difference = mine.version - theirs.version;
  if (difference !== 0) return difference;
  if (mine.hasChanges && !theirs.uncounted) return 0;
  const content = contentDigest(mine.exportState()) - contentDigest(theirs.exportState());
  if (content === 0n) return 0;
  if (theirs.uncounted || mine.uncounted) return theirs.uncounted ? -1 : 1;
  return content > 0n ? 1 : -1;
}
