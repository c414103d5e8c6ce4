// One message about one session, and what it means for a peer that gets it, or does not.
import { stemOf } from "../../protocol/index.ts";
import type { CatchUpSource, Peer } from "./peer.ts";

/** A session, as far as it is published. */
export interface PublishedSession {
  readonly id: string;
  readonly orderKey: string;
  readonly version: number;
  safe: boolean;
  /** How often another member's copy won against a change that was made here. */
  readonly overruled: number;
}

/** One message about one session. */
export interface Publication {
  readonly source: CatchUpSource;
  readonly session: PublishedSession;
  /** Of SESSION_EVENTS. */
  readonly event: number;
  /** What the others call the session: its id, or, in the message that renames it, the old one. */
  readonly knownId: string;
}

/** Whether the peer's copy is such that it can take this message. */
export function takes(peer: Peer, { source, session, knownId }: Publication): boolean {
  if (peer.inStep) return true;
  return !peer.lagging && !peer.isBehind(source, stemOf(knownId)) && (knownId === session.id || !peer.isBehind(source, stemOf(session.id)));
}

/** After a change of id the old one is to vanish there, and the session to appear under the new one. */
export function miss(peer: Peer, { source, session, knownId }: Publication): void {
  peer.miss(source, stemOf(knownId), knownId);
  if (knownId !== session.id) peer.miss(source, stemOf(session.id), session.id);
}
