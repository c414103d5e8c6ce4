// What a message of another member does to a manager's sessions (ha.md 3.4; rules 11 to 13).
import type { Clock } from "../../base/index.ts";
import type { Member } from "../../channel/index.ts";
import { sessionIdHash } from "../../container/index.ts";
import { stemOf } from "../../protocol/index.ts";
import { InvalidSessionMessageError, MissedDeltaError, OutdatedCopyError, OutdatedDeltaError, UnknownSessionError } from "../errors.ts";
import { decodeSessionId } from "../message-bodies.ts";
import { numberOf, SESSION_EVENTS, type SessionMessage } from "../messages.ts";
import { chooseCopy } from "./copy-choice.ts";
import { decodeDelta } from "./delta-request.ts";
import type { DeltaSession } from "./delta-session.ts";
import { EarlyDeltas } from "./early-deltas.ts";
import { SentOrder } from "./sent-order.ts";
import { contentDigest } from "./session-digest.ts";
import { decodeSessionStates, type SessionState } from "./session-state.ts";

/** The manager's table of sessions, as far as messages change it. Nothing of it sends anything. */
export interface SessionTable {
  readonly contextName: string;
  /** With this stem, not an alias of it. */
  sessionWithStem(stem: string): DeltaSession | undefined;
  /** With this stem or alias. */
  sessionWithId(id: string): DeltaSession | undefined;
  /** There is no session with this id any more, nor will there be. */
  ended(id: string): void;
  /** Whether a session with this stem ended or was renamed lately: what arrives of it comes late. */
  hasEnded(stem: string): boolean;
  /** Makes a copy and puts it into the table. */
  addCopy(id: string, creationTimeMs: number): DeltaSession;
  /** The old id becomes an alias. */
  rename(session: DeltaSession, newId: string, nameNumber?: number): void;
  /** The session was called so a moment ago. */
  alias(oldId: string, session: DeltaSession): void;
  /** Ends it here only. */
  remove(session: DeltaSession): void;
  /** This worker's copy stays although others have one that counts as newer: they are to get ours. */
  assertCopy(session: DeltaSession): void;
  /** One of two copies that were changed on two members was given up. */
  conflict(): void;
}

/** `nameNumber`: undefined from a Tomcat, and where the stem stays. */
interface OfferedName {
  readonly id: string;
  readonly nameNumber: number | undefined;
}

export class SessionReceiver {
  readonly #table: SessionTable;
  readonly #early: EarlyDeltas;
  readonly #order: SentOrder;

  constructor(table: SessionTable, clock: Clock) {
    this.#table = table;
    this.#early = new EarlyDeltas(clock);
    this.#order = new SentOrder(clock);
  }

  /** Types 1, 2, 3, 13 and 15; others do nothing. Throws what refuses the message (rule 12). */
  apply(message: SessionMessage, sender: Member): void {
    switch (message.event) {
      case SESSION_EVENTS.SessionCreated:
        this.#created(idOf(message), message.timestamp);
        break;
      case SESSION_EVENTS.SessionExpired:
        this.#expired(idOf(message));
        break;
      case SESSION_EVENTS.SessionAccessed:
        this.#known(idOf(message)).touch(sender.key);
        break;
      case SESSION_EVENTS.SessionDelta:
        this.#changed(message, sender);
        break;
      case SESSION_EVENTS.ChangeSessionId:
        this.#renamed(idOf(message), { id: decodeSessionId(dataOf(message)), nameNumber: numberOf(message) }, sender);
        break;
      // A type that a later Tomcat invents is ignored, as Tomcat ignores it.
    }
  }

  /**
   * The data of an ALL_SESSION_DATA, asked for or not. Sessions that run requests here go on with the same object. `counted`: false for a
   * Tomcat, which hands on the version that it was given once, and changes the session without counting (seen with 10.1.60).
   */
  install(data: Buffer, sender: Member, counted: boolean): readonly SessionState[] {
    const states = decodeSessionStates(data);
    for (const state of states) this.#install(counted ? state : { ...state, version: 0 }, sender);
    return states;
  }

  /**
   * The same, unasked: from a member that catches this one up. Refuses a session that comes alone and does not become this copy, since a
   * request of its sender may wait for it (rules 8 and 12); among several it is given up silently. `reachedUntilMs`: see ReturnedTomcats.
   */
  takeOffered(message: SessionMessage, sender: Member, counted: boolean, reachedUntilMs: number | undefined): void {
    if (reachedUntilMs !== undefined) {
      this.#takeReturned(message, sender, reachedUntilMs);
      return;
    }
    const [state, ...others] = this.install(dataOf(message), sender, counted);
    if (state === undefined || others.length > 0 || !counted) return;
    const own = this.#table.sessionWithStem(stemOf(state.id)) ?? this.#known(state.id);
    if (own.version <= state.version) return;
    throw new OutdatedCopyError(this.#table.contextName, sessionIdHash(state.id), own.version, state.version);
  }

  /** A late or repeated announcement changes nothing: ids are never used twice. */
  #created(id: string, creationTimeMs: number): void {
    if (this.#table.sessionWithStem(stemOf(id)) !== undefined || this.#table.hasEnded(stemOf(id))) return;
    this.#applyEarly(this.#table.addCopy(id, creationTimeMs));
  }

  #expired(id: string): void {
    const session = this.#table.sessionWithStem(stemOf(id));
    if (session !== undefined) this.#table.remove(session);
    this.#table.ended(id);
  }

  #changed(message: SessionMessage, sender: Member): void {
    const id = idOf(message);
    const data = dataOf(message);
    const version = numberOf(message);
    const delta = decodeDelta(data);
    if (stemOf(delta.sessionId) !== stemOf(id)) {
      throw new InvalidSessionMessageError("The data of a SESSION_DELTA belongs to another session than its message");
    }
    const inOrder = version !== undefined;
    const actions = inOrder ? delta.actions : this.#order.unsurpassed(stemOf(id), sender.key, message.timestamp, delta.actions);
    const session = this.#table.sessionWithId(id);
    if (session === undefined) {
      this.#early.add(stemOf(id), actions, data.length);
      this.#refuse(id);
    }
    const expected = session.version + 1;
    if (version !== undefined && version < expected && !session.uncounted) {
      this.#outdated(session, version, sender);
      return;
    }
    session.applyDelta(actions);
    session.touch(sender.key);
    session.uncounted = version === undefined;
    // A copy that came from a Tomcat has no version yet: it takes over its sender's.
    if (version !== undefined && version > expected && session.version > 0) {
      // What it brings is worth having, but the version stays: the whole session that follows has to be newer.
      throw new MissedDeltaError(this.#table.contextName, sessionIdHash(id), expected, version);
    }
    session.version = Math.max(session.version, version ?? expected);
    session.copiedFrom = sender.key;
  }

  /**
   * A change of a copy that lacks changes which this one has. From the member that the newest of them came from it is late, and its
   * content is here; another member has been away, also one that says now that it serves the session, and must not bring back what it
   * had then: it gets the newer copy.
   */
  #outdated(session: DeltaSession, version: number, sender: Member): void {
    if (session.copiedFrom === sender.key) return;
    this.#table.conflict();
    // Whoever serves it decides, and must not be overruled by an equal count.
    if (session.primary && version === session.version) session.version++;
    this.#table.assertCopy(session);
    throw new OutdatedDeltaError(this.#table.contextName, sessionIdHash(session.id), session.version, version);
  }

  #renamed(oldId: string, name: OfferedName, sender: Member): void {
    const session = this.#table.sessionWithId(oldId);
    const there = this.#table.sessionWithStem(stemOf(name.id));
    // Its own next stem has to count as a later one.
    if (there !== undefined) there.nameNumber = Math.max(there.nameNumber, name.nameNumber ?? 0);
    if (session === undefined || (there !== undefined && there !== session && there.version > session.version)) {
      // Its state came with the new id already; a client may not have heard of that yet.
      if (session !== undefined) this.#table.remove(session);
      if (stemOf(oldId) !== stemOf(name.id)) this.#table.ended(oldId);
      this.#table.alias(oldId, there ?? this.#refuse(oldId));
      return;
    }
    if (stemOf(session.id) !== stemOf(oldId) && stemOf(session.id) === stemOf(name.id)) {
      // It is called so already, and may have got another route since.
      this.#table.alias(oldId, session);
      return;
    }
    if (keepsName(session, oldId, name)) this.#table.alias(name.id, session);
    else this.#table.rename(session, name.id, name.nameNumber);
    session.primary = false;
    session.servedBy = sender.key;
    this.#applyEarly(session);
  }

  #applyEarly(session: DeltaSession): void {
    const actions = this.#early.take(stemOf(session.id));
    if (actions.length === 0) return;
    session.applyDelta(actions);
    session.version++;
  }

  /**
   * What a Tomcat has that was away: of sessions that it served last, that nobody here has heard of, or that nobody here has used since it had
   * everything. Of all others what was changed here stays, and is sent to it.
   */
  #takeReturned(message: SessionMessage, sender: Member, reachedUntilMs: number): void {
    for (const state of decodeSessionStates(dataOf(message))) {
      const own = this.#table.sessionWithStem(stemOf(state.id)) ?? this.#table.sessionWithId(state.id);
      const itsOwn = own?.servedBy === sender.key && !own.primary;
      if (own !== undefined && (own.inUse || !(itsOwn || own.lastUsedMs < reachedUntilMs))) continue;
      this.#install({ ...state, version: 0 }, sender);
    }
  }

  #install(state: SessionState, sender: Member): void {
    const stem = stemOf(state.id);
    const own = this.#table.sessionWithStem(stem) ?? this.#table.sessionWithId(state.id);
    if (own === undefined) {
      if (this.#table.hasEnded(stem)) return;
      this.#takeOver(this.#table.addCopy(state.id, state.creationTime), state, sender);
      return;
    }
    const fromItsServer = own.servedBy === sender.key;
    const { version, thisAccessedTime } = state;
    const choice = chooseCopy(own, { version, thisAccessedTime, fromItsServer, compareContent: () => compareContent(state, own) });
    if (choice === "Keep") return;
    if (own.primary) this.#table.conflict();
    if (own.copiedFrom === undefined) own.overruled++;
    // Under an old name it comes from a member that has not heard of the new one.
    if (own.id !== state.id && stemOf(own.id) === stem) this.#table.rename(own, state.id);
    this.#takeOver(own, state, sender);
  }

  #takeOver(session: DeltaSession, state: SessionState, sender: Member): void {
    session.importState(state);
    session.servedBy = sender.key;
    session.copiedFrom = sender.key;
  }

  #known(id: string): DeltaSession {
    return this.#table.sessionWithId(id) ?? this.#refuse(id);
  }

  #refuse(id: string): never {
    throw new UnknownSessionError(this.#table.contextName, sessionIdHash(id));
  }
}

/**
 * Whether a session that is called otherwise than the message thinks stays so. The old stem gets no new route then, and of two new
 * stems the one with the higher number stays, or else the greater one: the same on every member, in whichever order they hear.
 */
function keepsName(session: DeltaSession, oldId: string, name: OfferedName): boolean {
  const [stem, oldStem, newStem] = [stemOf(session.id), stemOf(oldId), stemOf(name.id)];
  if (stem === oldStem) return false;
  if (newStem === oldStem) return true;
  const number = name.nameNumber ?? session.nameNumber;
  return number === session.nameNumber ? newStem < stem : number < session.nameNumber;
}

function compareContent(state: SessionState, session: DeltaSession): number {
  const difference = contentDigest(state) - contentDigest(session.exportState());
  return difference === 0n ? 0 : difference > 0n ? 1 : -1;
}

function idOf(message: SessionMessage): string {
  if (message.sessionId === null) throw new InvalidSessionMessageError(`A message of type ${message.event} names no session`);
  return message.sessionId;
}

function dataOf(message: SessionMessage): Buffer {
  if (message.data === null) throw new InvalidSessionMessageError(`A message of type ${message.event} carries no data`);
  return message.data;
}
