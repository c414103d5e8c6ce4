// Every session on every worker; only changes travel (Tomcat: DeltaManager; ha.md 3).
import type { Member } from "../../channel/index.ts";
import { ALIAS_MS, type Session, type StandardSession } from "../../container/index.ts";
import { stemOf } from "../../protocol/index.ts";
import { changeSessionId, sessionAccessed, sessionCreated, sessionDelta, sessionExpired } from "../message-bodies.ts";
import { SESSION_EVENTS, type SessionEvent, type SessionMessage } from "../messages.ts";
import { allKept, awaited, type Kept } from "../peers/kept.ts";
import type { PublishingSource } from "../peers/replicator.ts";
import { ReturnedTomcats } from "../state-transfer/returned-tomcats.ts";
import { type DonorSource, StateDonor } from "../state-transfer/state-donor.ts";
import { StateJoiner, type StateTarget } from "../state-transfer/state-joiner.ts";
import { ClusterManagerBase, type ClusterManagerDeps } from "./cluster-manager-base.ts";
import { type DeltaManagerOptions, joinerOptions } from "./delta-manager-options.ts";
import { DeltaSession } from "./delta-session.ts";
import { EndedSessions, type NewName } from "./ended-sessions.ts";
import { SessionInventory } from "./session-inventory.ts";
import { SessionReceiver, type SessionTable } from "./session-receiver.ts";
import type { SessionState } from "./session-state.ts";

export class DeltaManager extends ClusterManagerBase implements PublishingSource, SessionTable, StateTarget {
  override readonly inventory: SessionInventory;
  readonly #options: DeltaManagerOptions;
  readonly #joiner: StateJoiner;
  readonly #donor: StateDonor;
  readonly #receiver: SessionReceiver;
  readonly #returned: ReturnedTomcats;
  /** Ended or renamed here: members that were away have to hear of it. */
  readonly #ended = new EndedSessions();
  readonly #endedElsewhere = new EndedSessions();
  #stateTransferred = false;
  /** Whether sessions are ended for all members because this one stops. */
  #endsEverywhere = false;
  readonly isGivenState = (member: Member): boolean => this.#donor.serves(member);

  constructor(deps: ClusterManagerDeps, options: DeltaManagerOptions) {
    super(deps, options);
    this.#options = options;
    const { group, metrics, replicator } = deps.cluster;
    const common = { group, channel: group, metrics, clock: deps.clock, logger: deps.logger };
    this.inventory = new SessionInventory(deps.clock, this);
    this.#receiver = new SessionReceiver(this, deps.clock);
    this.#returned = new ReturnedTomcats(common, options.contextName);
    this.#joiner = new StateJoiner(common, joinerOptions(options), this);
    const nameOf = (stem: string) => this.renamedTo(stem);
    const lately = (ended: EndedSessions) => ended.renamedSince(deps.clock.monotonic() - ALIAS_MS, nameOf);
    const renamedToo: DonorSource = {
      contextName: this.contextName,
      // Which of them travel is asked in their turn: a look at all of them would hold up requests.
      stems: () => [...this.sessions.keys()],
      stateOf: (stem) => exported(this.localSession(stem)),
      renamedLately: () => [...lately(this.#ended), ...lately(this.#endedElsewhere)],
    };
    this.#donor = new StateDonor({ ...common, replicator }, renamedToo);
  }

  /** Resolves when the group's sessions are here, or this is the first worker of the group: however long that takes (rules 5, 6). */
  override async start(): Promise<void> {
    await super.start();
    try {
      this.cluster.addManager(this);
      this.cluster.metrics.add(this);
      const donor = await this.#joiner.run();
      this.#stateTransferred = true;
      this.logger.info({ manager: this.name, donor: donor?.name, sessions: this.sessions.size }, "Manager has the group's sessions");
    } catch (error) {
      await this.#leave();
      throw error;
    }
    this.cluster.replicator.addSource(this);
    for (const member of this.#joiner.owed) this.#donor.serve(member);
  }

  /** Everything that changed here is acknowledged by the others, as far as they answer, before this resolves (rule 18). */
  override async stop(): Promise<void> {
    const { replicator } = this.cluster;
    this.#endsEverywhere = this.#options.expireSessionsOnShutdown ?? false;
    if (this.#endsEverywhere) for (const session of [...this.sessions.values()]) session.expire(true);
    await this.#flush(replicator.unprovenSinceMs);
    await replicator.settled();
    await this.#leave();
  }

  override abortStart(): void {
    this.#joiner.stop();
  }

  override get sessionsAtRisk(): number {
    const alone = this.cluster.group.members.length === 0;
    const missed = this.cluster.replicator.missedByAll(this);
    let count = 0;
    for (const [stem, session] of this.sessions) {
      if (session.announced && (alone || (session.primary && (!session.safe || missed(stem))))) count++;
    }
    return count;
  }

  override get receivedQueueSize(): number {
    return this.#joiner.queueSize;
  }

  override get stateTransferred(): boolean {
    return this.#stateTransferred;
  }

  /** Also tells the others, who hear of it before anything else about the session. */
  override changeSessionId(session: Session, newId: string): void {
    const known = this.sessions.get(stemOf(session.id));
    const oldId = session.id;
    super.changeSessionId(session, newId);
    if (known === undefined || known !== session || oldId === newId || !known.announced) return;
    const nameNumber = stemOf(oldId) === stemOf(newId) ? undefined : ++known.nameNumber;
    if (nameNumber !== undefined) this.#ended.add(stemOf(oldId), oldId, this.clock.monotonic(), { id: newId, nameNumber });
    const publication = { source: this, session: known, event: SESSION_EVENTS.ChangeSessionId, knownId: oldId };
    const body = changeSessionId(this.contextName, oldId, newId, this.clock.now(), nameNumber);
    known.changeSent(this.cluster.replicator.publishApart(publication, () => body));
    known.lastSentMs = this.clock.monotonic();
  }

  override requestCompleted(session: DeltaSession): Kept {
    if (!session.alive) return session.kept;
    const wasPrimary = session.primary;
    session.primary = true;
    session.servedBy = undefined;
    const delta = session.takeDelta();
    if (delta !== undefined) {
      if (!session.announced) session.changeSent(this.#announce(session));
      session.changeSent(this.#publishDelta(session, delta));
    } else if (this.#accessDue(session, wasPrimary)) {
      return allKept(session.kept, awaited(this.#publishAccess(session)));
    }
    return session.kept;
  }

  override messageReceived(message: SessionMessage, sender: Member): void {
    if (!this.#joiner.finished) this.#joiner.messageReceived(message, sender);
    else if (message.event === SESSION_EVENTS.AllSessionData) {
      this.#receiver.takeOffered(message, sender, this.#counts(sender), this.#returned.reachedUntilMs(sender));
    } else if (message.event === SESSION_EVENTS.AllSessionTransferComplete) this.#returned.forget(sender);
    else if (message.event === SESSION_EVENTS.GetAllSessions) this.#donor.serve(sender);
    else this.#receiver.apply(message, sender);
  }

  override memberDisappeared(member: Member): void {
    this.#joiner.memberDisappeared(member);
    this.#returned.forget(member);
  }

  override tomcatReturned(member: Member, reachedUntilMs: number): void {
    if (this.#stateTransferred) this.#returned.ask(member, reachedUntilMs);
  }

  install(data: Buffer, sender: Member): void {
    this.#receiver.install(data, sender, this.#counts(sender));
  }

  replay(message: SessionMessage, sender: Member): void {
    this.#receiver.apply(message, sender);
  }

  stems(): string[] {
    const stems: string[] = [];
    for (const [stem, session] of this.sessions) if (session.announced && session.alive) stems.push(stem);
    return stems;
  }

  stateOf(stem: string): SessionState | undefined {
    return exported(this.sessions.get(stem));
  }

  /** Ids are never used twice, so that this comes to an end. */
  renamedTo(stem: string): NewName | undefined {
    let name = this.#newNameOf(stem);
    while (name !== undefined && !this.sessions.has(stemOf(name.id))) name = this.#newNameOf(stemOf(name.id));
    return name;
  }

  delivered(stems: readonly string[]): void {
    for (const stem of stems) {
      const session = this.sessions.get(stem);
      if (session !== undefined) session.safe = true;
    }
  }

  /** It may have been renamed since it was sent. */
  overruled(stem: string): void {
    const session = this.localSession(stem);
    if (session !== undefined) session.overruled++;
  }

  changedSince(monotonicMs: number): Map<string, string> {
    const changed = new Map(this.#ended.since(monotonicMs));
    for (const [stem, session] of this.sessions) if (session.lastSentMs >= monotonicMs) changed.set(stem, session.id);
    return changed;
  }

  sessionWithStem(stem: string): DeltaSession | undefined {
    return this.sessions.get(stem);
  }

  sessionWithId(id: string): DeltaSession | undefined {
    return this.localSession(id);
  }

  addCopy(id: string, creationTimeMs: number): DeltaSession {
    const session = this.newSession(id, this.sessionTimeoutSeconds);
    session.becomeCopy(creationTimeMs);
    this.addSession(session);
    return session;
  }

  ended(id: string): void {
    this.#endedElsewhere.add(stemOf(id), id, this.clock.monotonic());
  }

  hasEnded(stem: string): boolean {
    return this.#ended.has(stem) || this.#endedElsewhere.has(stem);
  }

  rename(session: DeltaSession, newId: string, nameNumber = session.nameNumber): void {
    session.nameNumber = Math.max(session.nameNumber, nameNumber);
    const name = { id: newId, nameNumber: session.nameNumber };
    if (stemOf(session.id) !== stemOf(newId)) this.#endedElsewhere.add(stemOf(session.id), session.id, this.clock.monotonic(), name);
    super.changeSessionId(session, newId);
  }

  alias(oldId: string, session: DeltaSession): void {
    this.addAlias(stemOf(oldId), stemOf(session.id));
  }

  remove(session: DeltaSession): void {
    session.expire(false);
  }

  assertCopy(session: DeltaSession): void {
    void this.cluster.replicator.resend(this, new Map([[stemOf(session.id), session.id]]));
  }

  conflict(): void {
    this.cluster.metrics.conflicts.inc();
  }

  override sessionExpired(session: StandardSession, notify: boolean): void {
    super.sessionExpired(session, notify);
    if (!notify || !(session instanceof DeltaSession) || !session.announced) return;
    // A copy that idled too long ends silently; whatever an application ends, ends everywhere.
    if (!session.primary && !session.inUse && !this.#endsEverywhere) return;
    this.#ended.add(stemOf(session.id), session.id, this.clock.monotonic());
    const publication = { source: this, session, event: SESSION_EVENTS.SessionExpired, knownId: session.id };
    session.changeSent(this.cluster.replicator.publish(publication, sessionExpired(this.contextName, session.id, this.clock.now())));
  }

  protected override servedElsewhere(session: DeltaSession): boolean {
    return session.servedBy !== undefined;
  }

  /** Type 1, right before the first delta and in the same lane: whoever has the delta has the session (rule 22). */
  #announce(session: DeltaSession): Kept {
    session.announced = true;
    const nowMs = this.clock.now();
    // A Tomcat that waits for state drops announcements that are older than its donor's snapshot, which this session is not in.
    const bodyFor = (kind: "ours" | "Tomcat") =>
      sessionCreated(this.contextName, session.id, kind === "ours" ? session.createdMs : nowMs, nowMs);
    return this.cluster.replicator.publishApart(this.#publication(session, SESSION_EVENTS.SessionCreated), bodyFor);
  }

  #publishDelta(session: DeltaSession, delta: Buffer): Kept {
    session.lastSentMs = this.clock.monotonic();
    const body = sessionDelta(this.contextName, session.id, delta, session.version, this.clock.now());
    return this.cluster.replicator.publish(this.#publication(session, SESSION_EVENTS.SessionDelta), body);
  }

  #publishAccess(session: DeltaSession): Kept {
    session.lastSentMs = this.clock.monotonic();
    const body = sessionAccessed(this.contextName, session.id, this.clock.now());
    return this.cluster.replicator.publish(this.#publication(session, SESSION_EVENTS.SessionAccessed), body);
  }

  #counts(sender: Member): boolean {
    return this.cluster.group.kindOf(sender) !== "Tomcat";
  }

  #newNameOf(stem: string): NewName | undefined {
    return this.#ended.newNameOf(stem) ?? this.#endedElsewhere.newNameOf(stem);
  }

  #publication(session: DeltaSession, event: SessionEvent) {
    return { source: this, session, event, knownId: session.id };
  }

  #accessDue(session: DeltaSession, wasPrimary: boolean): boolean {
    if (!session.announced) return false;
    return !wasPrimary || this.accessDue(session);
  }

  /** Sends what unreplicated requests left behind, and again, acknowledged, what was sent without since `sinceMs`. */
  async #flush(sinceMs: number): Promise<void> {
    const sent = new Map<string, string>();
    const pending: Kept[] = [];
    for (const [stem, session] of this.sessions) {
      if (!session.primary || !session.alive) continue;
      if (session.announced && session.lastSentMs >= sinceMs) sent.set(stem, session.id);
      pending.push(this.requestCompleted(session));
    }
    await Promise.all(pending);
    await this.cluster.replicator.resend(this, sent);
  }

  async #leave(): Promise<void> {
    this.#joiner.stop();
    this.#donor.stop();
    this.#stateTransferred = false;
    this.cluster.replicator.removeSource(this);
    this.cluster.metrics.remove(this);
    this.cluster.removeManager(this);
    await super.stop();
  }
}

function exported(session: DeltaSession | undefined): SessionState | undefined {
  return session?.announced && session.alive ? session.exportState() : undefined;
}
