// Sends what managers publish to every member that is in step, and keeps book about the others (rules 8 to 11).
import { type Clock, type Logger, systemErrorCode } from "../../base/index.ts";
import {
  type Acknowledge,
  type Channel,
  ChannelError,
  type FaultyMember,
  type Member,
  type MemberKind,
  type MembershipListener,
  RemoteProcessError,
} from "../../channel/index.ts";
import { stemOf } from "../../protocol/index.ts";
import { MemberBehindError } from "../errors.ts";
import { eventName, type ReplicationMetrics } from "../replication-metrics.ts";
import { CatchUp } from "./catch-up.ts";
import type { Kept } from "./kept.ts";
import { type CatchUpSource, Peer } from "./peer.ts";
import { miss, type Publication, takes } from "./publication.ts";
import { UnderWay } from "./under-way.ts";

/** A manager, as far as it publishes. */
export interface PublishingSource extends CatchUpSource {
  /** Stem to id of the sessions that changed or ended here at or after this time of the clock's `monotonic`. */
  changedSince(monotonicMs: number): Map<string, string>;
}

export interface ReplicatorDeps {
  readonly channel: Pick<Channel, "members" | "send"> & { readonly suspects: readonly Member[] };
  readonly kindOf: (member: Member) => MemberKind | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: ReplicationMetrics;
}

/** `Asynchronous` with an acknowledgement is option 10: it is awaited by our books, not by the request. */
export interface ReplicationMode {
  readonly acknowledge: Acknowledge;
  readonly asynchronous: boolean;
}

/** What one member has not got, for pages. */
export interface PeerDescription {
  readonly member: string;
  readonly kind: MemberKind | "unknown";
  readonly present: boolean;
  readonly lagging: boolean;
  readonly sessionsBehind: number;
}

interface Entry {
  readonly peer: Peer;
  readonly catchUp: CatchUp;
}

const SYNCHRONOUS: ReplicationMode = { acknowledge: "Processed", asynchronous: false };
/** What was written this long before a member disappeared may not have arrived there. */
const UNCERTAIN_MS = 30_000;
/** Of what was never sent from here the time is -Infinity. */
const EVER_MS = -Number.MAX_VALUE;
/** Departed members are remembered this long: who returns later has asked for the state again, or is not one that we knew. */
const REMEMBERED_MS = 24 * 60 * 60 * 1000;
const MAX_DEPARTED = 256;
/** So long a joiner takes at most from when it is a member here to its question for the state. */
const NEWCOMER_MS = 10_000;

export class Replicator implements MembershipListener {
  readonly #deps: ReplicatorDeps;
  readonly #entries = new Map<string, Entry>();
  readonly #sources = new Set<PublishingSource>();
  #mode: ReplicationMode;
  /** When acknowledgements began, in a cluster that is configured without. */
  #unprovenUntilMs: number | undefined;
  /** Peers that have lost messages which counted as sent. */
  readonly #uncertain = new Set<Entry>();
  readonly #underWay = new UnderWay();

  constructor(deps: ReplicatorDeps, mode: ReplicationMode) {
    this.#deps = deps;
    this.#mode = mode;
    deps.metrics.watchSessionsBehind(() => this.sessionsBehind);
  }

  get mode(): ReplicationMode {
    return this.#mode;
  }

  get sessionsBehind(): number {
    let behind = 0;
    for (const { peer } of this.#entries.values()) behind += peer.behind;
    return behind;
  }

  /** From here on every change is acknowledged by all before its answer leaves (rules 9 and 18). */
  switchToSynchronous(): void {
    if (this.#mode.acknowledge === "None") this.#unprovenUntilMs ??= this.#deps.clock.monotonic();
    this.#mode = SYNCHRONOUS;
  }

  /** Since when nobody has acknowledged what was sent, of the clock's `monotonic`; Infinity: everything was acknowledged. */
  get unprovenSinceMs(): number {
    if (this.#unprovenUntilMs !== undefined) return this.#unprovenUntilMs - UNCERTAIN_MS;
    return this.#mode.acknowledge === "None" ? this.#deps.clock.monotonic() - UNCERTAIN_MS : Number.POSITIVE_INFINITY;
  }

  addSource(source: PublishingSource): void {
    this.#sources.add(source);
    for (const { peer } of this.#entries.values()) peer.newcomerUntilMs = Number.NEGATIVE_INFINITY;
  }

  /** The member is being given the state of a source. */
  hasAsked(member: Member): void {
    const peer = this.#entries.get(member.key)?.peer;
    if (peer !== undefined) peer.newcomerUntilMs = Number.NEGATIVE_INFINITY;
  }

  removeSource(source: PublishingSource): void {
    this.#sources.delete(source);
    for (const { peer } of this.#entries.values()) peer.forget(source);
  }

  /**
   * Sends one message of a session to all. A promise settles when the answer may leave: acknowledged or failed everywhere, or,
   * without acknowledgement, written or queued.
   */
  publish(publication: Publication, body: Buffer): Kept {
    if (this.#mode.acknowledge === "Processed") return this.#send(publication, body, this.#inStep(publication), this.#mode);
    return this.publishApart(publication, () => body);
  }

  /**
   * The same with a body for each kind of member. Whatever the mode, a Tomcat has to acknowledge each message as processed before the
   * next one of its lane leaves: it handles later messages of a connection concurrently, and would be left with the older of two
   * changes (rule 10; seen with 10.1.60). No request waits for that unless the mode says so.
   */
  publishApart(publication: Publication, bodyFor: (kind: MemberKind) => Buffer): Kept {
    const destinations = this.#inStep(publication);
    const ours = destinations.filter((member) => this.#deps.kindOf(member) === "ours");
    if (ours.length === destinations.length) return this.#send(publication, bodyFor("ours"), ours, this.#mode);
    const others = destinations.filter((member) => this.#deps.kindOf(member) !== "ours");
    const mine = ours.length > 0 && this.#send(publication, bodyFor("ours"), ours, this.#mode);
    const theirs = this.#send(publication, bodyFor("Tomcat"), others, SYNCHRONOUS);
    if (this.#mode.asynchronous) return mine === false ? true : mine;
    return mine === false ? theirs : Promise.all([mine, theirs]).then(([onOurs, onTheirs]) => onOurs || onTheirs);
  }

  /** Says of a stem whether no member that is there has the newest of its session (rule 11). */
  missedByAll(source: CatchUpSource): (stem: string) => boolean {
    const present = [...this.#entries.values()].flatMap(({ peer }) => (peer.present ? [peer] : []));
    if (present.some((peer) => peer.inStep)) return () => false;
    return (stem) => present.every((peer) => peer.isBehind(source, stem));
  }

  /**
   * Sends these sessions whole to every member but a Tomcat, which takes whatever comes; resolves when each has them, or has failed
   * once. Never rejects.
   */
  resend(source: CatchUpSource, ids: ReadonlyMap<string, string>): Promise<void> {
    const runs: Promise<void>[] = [];
    for (const { peer, catchUp } of this.#entries.values()) {
      // Who has just come back is not known for one of ours yet.
      if (this.#deps.kindOf(peer.member) === "Tomcat") continue;
      for (const [stem, id] of ids) peer.miss(source, stem, id);
      if (peer.present && ids.size > 0) runs.push(catchUp.wake());
    }
    return Promise.all(runs).then(() => undefined);
  }

  /** Resolves when every message that was published before was acknowledged, or written, or has failed. */
  settled(): Promise<void> {
    return this.#underWay.soFar();
  }

  /**
   * For a member that asks whether it is written to (rule 4): resolves when what was published before it was a member is with the
   * others, one of whom gives it the state, and when it has what it missed itself, or what the others miss. Rejects with
   * MemberBehindError.
   */
  async broughtUpToDate(member: Member): Promise<void> {
    await this.settled();
    const entry = this.#entries.get(member.key);
    if (entry === undefined) return;
    for (const { peer } of this.#entries.values()) if (peer !== entry.peer && peer.present) entry.peer.missAlso(peer);
    if (entry.peer.inStep) return;
    await entry.catchUp.wake();
    if (!entry.peer.inStep) throw new MemberBehindError(member.name);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#entries.values()].map(({ catchUp }) => catchUp.stop()));
  }

  memberAdded(member: Member): void {
    const known = this.#entries.get(member.key);
    if (known === undefined) {
      const peer = new Peer(member, this.#deps.clock.monotonic() + NEWCOMER_MS);
      const catchUp = new CatchUp(this.#deps, peer);
      this.#entries.set(member.key, { peer, catchUp });
      this.#missSince(peer, this.#unknownToDonorsSinceMs(member));
      if (!peer.inStep) void catchUp.wake();
      return;
    }
    const { peer, catchUp } = known;
    const uncertainFromMs = (peer.departedMs ?? this.#deps.clock.monotonic()) - UNCERTAIN_MS;
    peer.returned(this.#deps.clock.monotonic());
    this.#missSince(peer, uncertainFromMs);
    this.#deps.logger.info({ member: member.name, sessions: peer.behind }, "Member is back and catches up");
    void catchUp.wake();
  }

  /**
   * From the hello. Who had its state before it was a member here, since DNS hid one from the other, was not written to, nor was whoever
   * gave it the state asked to wait: it gets everything that was ever changed here. Those that were known before get what they missed.
   */
  memberMet(member: Member, late: boolean): void {
    const entry = this.#entries.get(member.key);
    if (entry === undefined || entry.peer.met) return;
    entry.peer.met = true;
    if (!late) return;
    entry.peer.newcomerUntilMs = Number.NEGATIVE_INFINITY;
    this.#missSince(entry.peer, EVER_MS);
    void entry.catchUp.wake();
  }

  /** Until when a member that was away has what was sent to it, of the clock's `monotonic`; Infinity: it was not away lately. */
  reachedUntilMs(member: Member): number {
    const peer = this.#entries.get(member.key)?.peer;
    return peer === undefined ? Number.POSITIVE_INFINITY : peer.absentLatelyMs(this.#deps.clock.monotonic()) - UNCERTAIN_MS;
  }

  memberDisappeared(member: Member): void {
    const entry = this.#entries.get(member.key);
    if (entry === undefined) return;
    entry.peer.present = false;
    entry.peer.departedMs = this.#deps.clock.monotonic();
    void entry.catchUp.wake();
    this.#forgetDeparted();
  }

  /**
   * From the channel: a message without acknowledgement may be lost, of a request that has been answered. Which session it was about
   * is not known any more: the member gets every one that changed lately; one that is away, when it is back.
   */
  sendFailed(error: Error): void {
    if (!(error instanceof ChannelError)) return;
    for (const { member, cause } of error.faultyMembers) {
      const entry = this.#entries.get(member.key);
      if (!entry?.peer.present) continue;
      this.#deps.metrics.failures.inc({ reason: systemErrorCode(cause) ?? "UNKNOWN" });
      this.#nowLags(entry.peer, cause);
      // A connection that is lost reports each message that was on it.
      if (this.#uncertain.size === 0) queueMicrotask(() => this.#missUncertain());
      this.#uncertain.add(entry);
    }
  }

  describe(): PeerDescription[] {
    return [...this.#entries.values()].map(({ peer }) => ({
      member: peer.member.name,
      kind: this.#deps.kindOf(peer.member) ?? "unknown",
      present: peer.present,
      lagging: peer.lagging,
      sessionsBehind: peer.behind,
    }));
  }

  /**
   * A newcomer has its state from a member that may have been cut off from this one, or that has not got yet what was sent to it
   * without acknowledgement: since when that may be so; Infinity: it is not, nor when there is nobody but this one to give it state.
   */
  #unknownToDonorsSinceMs(newcomer: Member): number {
    const nowMs = this.#deps.clock.monotonic();
    const suspects = new Set(this.#deps.channel.suspects.map((member) => member.key));
    const unproven = this.#mode.acknowledge === "None";
    let sinceMs = Number.POSITIVE_INFINITY;
    for (const { peer } of this.#entries.values()) {
      if (peer.member.key === newcomer.key) continue;
      if (peer.present) sinceMs = Math.min(sinceMs, unproven ? nowMs : peer.absentLatelyMs(nowMs));
      else if (suspects.has(peer.member.key)) sinceMs = Math.min(sinceMs, peer.departedMs ?? nowMs);
    }
    return sinceMs - UNCERTAIN_MS;
  }

  #missSince(peer: Peer, sinceMs: number): void {
    if (sinceMs === Number.POSITIVE_INFINITY) return;
    for (const source of this.#sources) for (const [stem, id] of source.changedSince(sinceMs)) peer.miss(source, stem, id);
  }

  #missUncertain(): void {
    const sinceMs = this.#deps.clock.monotonic() - UNCERTAIN_MS;
    for (const { peer, catchUp } of this.#uncertain) {
      this.#missSince(peer, sinceMs);
      if (peer.present) void catchUp.wake();
    }
    this.#uncertain.clear();
  }

  /** Members that get this message; the others get the session whole, later. */
  #inStep(publication: Publication): readonly Member[] {
    const { members } = this.#deps.channel;
    let everyone = true;
    for (const member of members) {
      const peer = this.#entries.get(member.key)?.peer;
      if (peer === undefined || takes(peer, publication)) continue;
      everyone = false;
      miss(peer, publication);
    }
    if (everyone) return members;
    return members.filter((member) => {
      const peer = this.#entries.get(member.key)?.peer;
      return peer === undefined || takes(peer, publication);
    });
  }

  /** Nobody waits for members that are being given the whole state by this one, or are about to ask for it. */
  #send(publication: Publication, body: Buffer, destinations: readonly Member[], mode: ReplicationMode): Kept {
    const lacks = (member: Member) => publication.source.isGivenState(member) || this.#willAsk(member);
    if (mode.asynchronous || !destinations.some(lacks)) return this.#sendTo(destinations, publication, body, mode);
    const { lacking = [], others = [] } = Object.groupBy(destinations, (member) => (lacks(member) ? "lacking" : "others"));
    void this.#sendTo(lacking, publication, body, mode);
    return this.#sendTo(others, publication, body, mode);
  }

  /** A newcomer that has nobody else to ask, as far as is known. */
  #willAsk(member: Member): boolean {
    const { channel, clock } = this.#deps;
    const untilMs = this.#entries.get(member.key)?.peer.newcomerUntilMs ?? Number.NEGATIVE_INFINITY;
    return clock.monotonic() < untilMs && channel.members.length === 1 && channel.suspects.length === 0;
  }

  #sendTo(destinations: readonly Member[], publication: Publication, body: Buffer, mode: ReplicationMode): Kept {
    const { session, event } = publication;
    session.safe = false;
    if (destinations.length === 0) return false;
    const { channel, clock, metrics } = this.#deps;
    const { version, overruled } = session;
    // Option 10 is sent as a synchronous message that no request waits for: only so a failure comes back to our books.
    const asynchronous = mode.asynchronous && mode.acknowledge === "None";
    const startedMs = clock.monotonic();
    metrics.sent(event);
    const period = this.#underWay.begin();
    const sent = channel
      .send(destinations, { kind: "Object", body }, { acknowledge: mode.acknowledge, asynchronous, orderKey: session.orderKey })
      .then(
        () => {
          if (session.version === version) session.safe = true;
          if (!mode.asynchronous) metrics.sendSeconds.observe((clock.monotonic() - startedMs) / 1000);
          return true;
        },
        (error: unknown) => this.#failed(error, publication, version, destinations.length),
      )
      // What another copy has replaced meanwhile, or is going to replace, nobody keeps.
      .then((kept) => kept && session.overruled === overruled)
      .finally(() => this.#underWay.end(period));
    return mode.asynchronous && !asynchronous ? true : sent;
  }

  /**
   * Who refused the message gets the whole session now, which is waited for; who was silent, later, without anybody waiting. True
   * when somebody has the change after all.
   */
  async #failed(error: unknown, publication: Publication, version: number, destinations: number): Promise<boolean> {
    const { source, session, event } = publication;
    const faulty: readonly FaultyMember[] = error instanceof ChannelError ? error.faultyMembers : [];
    const partly = faulty.length > 0 && faulty.length < destinations;
    if (partly && session.version === version) session.safe = true;
    this.#deps.metrics.failures.inc({ reason: systemErrorCode(faulty[0]?.cause ?? error) ?? "UNKNOWN" }, Math.max(1, faulty.length));
    this.#deps.logger.debug({ err: error, manager: source.contextName, type: eventName(event) }, "Message did not reach every member");
    const refusals: Promise<boolean>[] = [];
    for (const { member, cause } of faulty) {
      const entry = this.#entries.get(member.key);
      if (entry === undefined) continue;
      miss(entry.peer, publication);
      const refused = cause instanceof RemoteProcessError;
      if (refused) entry.peer.hurry(stemOf(session.id));
      else this.#nowLags(entry.peer, cause);
      const caughtUp = entry.catchUp.wake();
      if (refused) refusals.push(caughtUp.then(() => !entry.peer.isBehind(source, stemOf(session.id))));
    }
    const caughtUp = await Promise.all(refusals);
    return partly || caughtUp.includes(true);
  }

  /** One line for a member, not for each message that it missed. */
  #nowLags(peer: Peer, cause: Error): void {
    if (peer.lagging) return;
    peer.lagging = true;
    peer.kind = this.#deps.kindOf(peer.member) ?? peer.kind;
    this.#deps.logger.warn({ err: cause, member: peer.member.name }, "Member lags behind; it will be sent what it misses when it answers");
  }

  #forgetDeparted(): void {
    const oldestMs = this.#deps.clock.monotonic() - REMEMBERED_MS;
    const departed = [...this.#entries].filter(([, { peer }]) => !peer.present);
    departed.sort(([, one], [, other]) => (one.peer.departedMs ?? 0) - (other.peer.departedMs ?? 0));
    departed.forEach(([key, { peer }], index) => {
      if ((peer.departedMs ?? 0) < oldestMs || index < departed.length - MAX_DEPARTED) this.#entries.delete(key);
    });
  }
}
