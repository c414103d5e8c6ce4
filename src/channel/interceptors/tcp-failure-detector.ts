// Believes nobody about a member's death, or its birth, but the member itself (Tomcat: TcpFailureDetector; tribes.md 12.2, rule 3).
import type { Clock, Logger } from "../../base/index.ts";
import type { ChannelMessage, Member } from "../channel.ts";
import type { ChannelMetrics } from "../channel-metrics.ts";
import { ChannelError, MemberRemovedError, RemoteProcessError, SenderStoppedError } from "../errors.ts";
import { ChannelInterceptor } from "../interceptor.ts";
import { isShutdown } from "../wire/member-block.ts";
import { isProbe } from "./probe-messages.ts";
import type { MemberProbe } from "./tcp-probe.ts";

export interface TcpFailureDetectorDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<ChannelMetrics, "suspects" | "probes">;
  readonly probe: MemberProbe;
}

export interface TcpFailureDetectorOptions {
  /** How long one that answers, but is no longer listed below, is asked again at each heartbeat; then only a failed send makes it go. */
  readonly removeSuspectsTimeoutMs: number;
}

/** A member that answers, but fails in sends all the time, is not asked more often than this; the heartbeat asks in the end. */
const CHECK_GAP_MS = 1000;

interface Candidate {
  readonly member: Member;
  /** `New`: listed below, not seen alive yet. `Alive`: a member for those above. `Suspect`: was one, and failed. */
  state: "New" | "Alive" | "Suspect";
  /** When the layer below stopped listing it; undefined while it does. */
  unlistedSinceMs: number | undefined;
  check: Promise<void> | undefined;
  /** Whether it has been found alive or dead, ever. */
  asked: boolean;
  /** When it was last asked for an ACK. */
  checkedMs: number;
  /** A reason to ask came up within the gap. */
  overdue: boolean;
  /** It has sent something since the last heartbeat. */
  heard: boolean;
}

/**
 * A listed address becomes a member when it can be connected to, or when it speaks. A member that is no longer listed, or that
 * failed in a send, goes when it does not answer a probe that asks for an ACK; a frozen process accepts connections, so
 * nothing less counts: nor is one asked only when sends fail, since what is not acknowledged vanishes in its kernel's buffers. Who
 * has said nothing since the heartbeat before is asked, too. One that closes the connection is no news: DNS may list us later there
 * than here. Listed ones that went are suspects: each heartbeat asks them again, and their answer brings them back.
 */
export class TcpFailureDetector extends ChannelInterceptor {
  readonly #deps: TcpFailureDetectorDeps;
  readonly #options: TcpFailureDetectorOptions;
  /** By key, in the order of their first appearance. */
  readonly #candidates = new Map<string, Candidate>();
  #alive: readonly Member[] = [];
  #suspects: readonly Member[] = [];
  /** Candidates that are not alive. */
  #unsettled = 0;
  #stopped = false;

  constructor(deps: TcpFailureDetectorDeps, options: TcpFailureDetectorOptions) {
    super();
    this.#deps = deps;
    this.#options = options;
  }

  override get members(): readonly Member[] {
    return this.#alive;
  }

  override get suspects(): readonly Member[] {
    return this.#suspects;
  }

  /** Until everybody whom the membership listed has been asked once, nobody can tell whether somebody has state (rule 5). */
  override get listsLocalMember(): boolean | undefined {
    if (this.#unsettled === 0) return this.below.listsLocalMember;
    const unasked = [...this.#candidates.values()].some(({ state, asked }) => state === "New" && !asked);
    return unasked ? undefined : this.below.listsLocalMember;
  }

  /** Resolves when every member that the layers below found while starting has been asked. */
  override async start(): Promise<void> {
    await Promise.all([...this.#candidates.values()].map((candidate) => candidate.check));
  }

  override async stop(): Promise<void> {
    this.#stopped = true;
    this.#deps.probe.stop();
    await Promise.all([...this.#candidates.values()].map((candidate) => candidate.check));
  }

  /** A failure is passed on at once; the members that failed are asked meanwhile. */
  override sendMessage(destinations: readonly Member[], message: ChannelMessage): Promise<void> {
    return this.below.sendMessage(destinations, message).catch(this.#passOn);
  }

  override sendFailed(error: Error, message: ChannelMessage): void {
    this.#examine(error);
    super.sendFailed(error, message);
  }

  override messageReceived(message: ChannelMessage): void | Promise<void> {
    const candidate = this.#candidates.get(message.address.key);
    if (candidate) this.#spoke(candidate);
    if (isProbe(message)) return undefined;
    return this.above.messageReceived(message);
  }

  override memberAdded(member: Member): void {
    const known = this.#candidates.get(member.key);
    if (known) {
      known.unlistedSinceMs = undefined;
      if (known.state !== "Alive") this.#check(known);
      return;
    }
    const candidate: Candidate = {
      member,
      state: "New",
      unlistedSinceMs: undefined,
      check: undefined,
      asked: false,
      checkedMs: Number.NEGATIVE_INFINITY,
      overdue: false,
      heard: true,
    };
    this.#candidates.set(member.key, candidate);
    this.#refresh();
    this.#check(candidate);
  }

  override memberDisappeared(member: Member): void {
    const candidate = this.#candidates.get(member.key);
    if (!candidate) return;
    if (isShutdown(member) || candidate.state !== "Alive") {
      this.#remove(candidate);
      return;
    }
    candidate.unlistedSinceMs = this.#deps.clock.monotonic();
    this.#check(candidate);
  }

  override heartbeat(): void {
    super.heartbeat();
    const nowMs = this.#deps.clock.monotonic();
    const { removeSuspectsTimeoutMs } = this.#options;
    for (const candidate of [...this.#candidates.values()]) {
      const { unlistedSinceMs, heard } = candidate;
      candidate.heard = false;
      if (candidate.state === "Alive" && unlistedSinceMs === undefined && !candidate.overdue && heard) continue;
      if (unlistedSinceMs !== undefined && nowMs - unlistedSinceMs >= removeSuspectsTimeoutMs) candidate.unlistedSinceMs = undefined;
      else this.#check(candidate);
    }
  }

  override checkMembers(): boolean {
    for (const candidate of this.#candidates.values()) this.#check(candidate);
    return true;
  }

  readonly #passOn = (error: unknown): never => {
    this.#examine(error);
    throw error;
  };

  #examine(error: unknown): void {
    if (!(error instanceof ChannelError)) return;
    for (const { member, cause } of error.faultyMembers) {
      // Whoever answers, even with a failure, lives; and what we closed ourselves proves nothing.
      if (cause instanceof RemoteProcessError || cause instanceof MemberRemovedError || cause instanceof SenderStoppedError) continue;
      const candidate = this.#candidates.get(member.key);
      if (candidate?.state === "Alive") this.#checkSoon(candidate);
    }
  }

  /** A new member that speaks lives. A suspect has to answer, but need not wait for the next heartbeat. */
  #spoke(candidate: Candidate): void {
    candidate.heard = true;
    if (candidate.state === "New") this.#answered(candidate);
    else if (candidate.state === "Suspect") this.#checkSoon(candidate);
  }

  #checkSoon(candidate: Candidate): void {
    if (this.#deps.clock.monotonic() - candidate.checkedMs >= CHECK_GAP_MS) this.#check(candidate);
    else candidate.overdue = true;
  }

  /** One at a time for each member; what comes up meanwhile is answered by the one that runs. */
  #check(candidate: Candidate): void {
    if (this.#stopped) return;
    candidate.check ??= this.#ask(candidate).finally(() => {
      candidate.check = undefined;
    });
  }

  async #ask(candidate: Candidate): Promise<void> {
    const { member, state } = candidate;
    candidate.overdue = false;
    const alive = await this.#deps.probe.probe(this.localMember, member, state !== "New");
    if (state !== "New") candidate.checkedMs = this.#deps.clock.monotonic();
    if (this.#stopped || this.#candidates.get(member.key) !== candidate) return;
    const result = alive === undefined ? "closed" : alive ? "alive" : "dead";
    this.#deps.metrics.probes.inc({ result });
    this.#deps.logger.debug({ member: member.name, result }, "Member asked");
    if (alive === undefined) {
      // It has not taken us for a member yet, or has just died: the next heartbeat tells.
      candidate.overdue = true;
      return;
    }
    candidate.asked = true;
    if (alive && candidate.state !== "Alive") this.#answered(candidate);
    // A new one may have spoken meanwhile: then it lives, although it could not be reached yet.
    else if (!alive && candidate.state === "Alive" && state === "Alive") this.#failed(candidate);
  }

  #answered(candidate: Candidate): void {
    candidate.state = "Alive";
    this.#refresh();
    this.above.memberAdded(candidate.member);
  }

  #failed(candidate: Candidate): void {
    if (candidate.unlistedSinceMs !== undefined) {
      this.#remove(candidate);
      return;
    }
    candidate.state = "Suspect";
    this.#deps.logger.warn({ member: candidate.member.name }, "Member does not answer; it is suspect until it does");
    this.#refresh();
    this.above.memberDisappeared(candidate.member);
  }

  #remove(candidate: Candidate): void {
    this.#candidates.delete(candidate.member.key);
    this.#refresh();
    if (candidate.state === "Alive") this.above.memberDisappeared(candidate.member);
  }

  #refresh(): void {
    const candidates = [...this.#candidates.values()];
    this.#alive = candidates.filter((candidate) => candidate.state === "Alive").map((candidate) => candidate.member);
    this.#suspects = candidates.filter((candidate) => candidate.state === "Suspect").map((candidate) => candidate.member);
    this.#unsettled = candidates.length - this.#alive.length;
    this.#deps.metrics.suspects.set(this.#suspects.length);
  }
}
