// Members are those of the configuration that answer: each is asked, through the channel (Tomcat: StaticMembershipService; tribes.md 11.2).
import { asError, type Clock, type Logger, type Random, type Timer } from "../../base/index.ts";
import { type JavaObject, type JavaValue, ObjectOutputStream } from "../../serialization/index.ts";
import type { Channel, ChannelListener, Member, MembershipListener, ReceivedMessage, ReceiverPorts, SendOptions } from "../channel.ts";
import type { ChannelMetrics } from "../channel-metrics.ts";
import type { MemberProbe } from "../interceptors/tcp-probe.ts";
import type { RpcCarrier } from "../rpc-carrier.ts";
import { RpcChannel, type RpcHandler } from "../rpc-channel.ts";
import { NoLocalMemberError } from "../stack-errors.ts";
import { localAddress } from "../transport/local-address.ts";
import { canonicalAddress, isLoopback, isLoopbackText } from "../wire/ip-address.ts";
import { createMember, isShutdown, SHUTDOWN_COMMAND } from "../wire/member-block.ts";
import { type ConfiguredMembers, placeOf } from "./configured-member.ts";
import type { GroupMembership } from "./group-membership.ts";
import {
  MEMBER_MESSAGE_CLASS,
  type MemberMessage,
  type MemberMessageKind,
  memberMessageFromJava,
  memberMessageToJava,
} from "./member-message.ts";

export interface StaticMembershipServiceDeps {
  /** The channel that this is the membership of; called from `start` on. */
  readonly channel: () => RpcCarrier & Pick<Channel, "addChannelListener" | "removeChannelListener">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<ChannelMetrics, "rpcCalls">;
  /** Tells by a connection alone whether anybody listens, within connectTimeout. */
  readonly probe: MemberProbe;
  readonly random: Random;
}

export interface StaticMembershipServiceOptions extends ConfiguredMembers {
  /** RPC id and id of the messages, equal on every member. */
  readonly membershipName: string;
  /** The receiver's configuration, by which it is seen early that no member is the local one. */
  readonly receiver: { readonly address: string; readonly port: number; readonly autoBind: number };
  /** Silence after which a member goes; default 5000. */
  readonly expirationMs: number;
  /** For the answers to a ping; default 3000. */
  readonly rpcTimeoutMs: number;
  /** Undefined: with each heartbeat. */
  readonly pingIntervalMs?: number;
}

interface Entry {
  /** As configured. */
  readonly configured: Member;
  /** As it last announced itself, with the configured id. */
  member: Member;
  present: boolean;
  heardMs: number;
  /** Rule 5: it has answered, or nobody listened there, since this member started. */
  settled: boolean;
}

/** As a Tomcat's provider sends: queued, without acknowledgement. */
const ASYNCHRONOUS: SendOptions = { acknowledge: "None", asynchronous: true };

/**
 * Who is not in the configuration is no member, whatever it says; a Tomcat adds everybody that speaks. One that is silent during a
 * whole ping and for longer than `expirationMs` goes: a busy one that missed a ping does not, nor one that has sent anything else.
 */
export class StaticMembershipService implements GroupMembership, RpcHandler, ChannelListener {
  listener: MembershipListener = { memberAdded: () => undefined, memberDisappeared: () => undefined };
  readonly #deps: StaticMembershipServiceDeps;
  readonly #options: StaticMembershipServiceOptions;
  readonly #entries = new Map<string, Entry>();
  #local: Member | undefined;
  #startedMs = 0;
  #rpc: RpcChannel | undefined;
  #members: readonly Member[] = [];
  #look: Promise<void> | undefined;
  #timer: Timer | undefined;
  #isOpen = false;

  constructor(deps: StaticMembershipServiceDeps, options: StaticMembershipServiceOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** Valid after `start` was called. */
  get localMember(): Member {
    return this.#local!;
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  /** The configuration lists it. Whether the others are there too is known when each has answered, or has no listener. */
  get listsLocalMember(): boolean | undefined {
    return this.#isOpen && [...this.#entries.values()].every((entry) => entry.settled) ? true : undefined;
  }

  /** Rejects with NoLocalMemberError. */
  async check(): Promise<void> {
    const { receiver, members, localMember } = this.#options;
    if (localMember !== undefined) return;
    const address = receiver.address === "auto" ? await localAddress() : canonicalAddress(receiver.address);
    const last = receiver.port + Math.max(receiver.autoBind, 1) - 1;
    const fits = (member: Member) => member.address === address && member.port >= receiver.port && member.port <= last;
    if (!members.some(fits)) throw new NoLocalMemberError(address, receiver.port, members);
  }

  /** Rejects with NoLocalMemberError. */
  async start({ address, port, udpPort = -1, securePort = -1 }: ReceiverPorts): Promise<void> {
    const { members, localMember } = this.#options;
    const place = placeOf({ address, port });
    const named = localMember ?? members.find((member) => placeOf(member) === place);
    if (named === undefined) throw new NoLocalMemberError(address, port, members);
    this.#startedMs = this.#deps.clock.monotonic();
    this.#local = createMember({ ...named, address, port, udpPort, securePort, aliveTimeMs: 0 });
    for (const configured of members) {
      if (placeOf(configured) === place) continue;
      this.#entries.set(placeOf(configured), { configured, member: configured, present: false, heardMs: 0, settled: false });
    }
    const channel = this.#deps.channel();
    this.#rpc = new RpcChannel({ ...this.#deps, carrier: channel }, { rpcId: this.#options.membershipName }, this);
    this.#rpc.open();
    channel.addChannelListener(this);
  }

  /** Asks everybody for the first time. */
  async open(): Promise<void> {
    this.#isOpen = true;
    const { pingIntervalMs } = this.#options;
    if (pingIntervalMs !== undefined) this.#timer = this.#deps.clock.setInterval(() => void this.#ask("Ping"), pingIntervalMs);
    await this.#ask("Start");
  }

  async sayGoodbye(): Promise<void> {
    if (this.#members.length === 0) return;
    const stream = new ObjectOutputStream({ suids: this.#deps.channel().suids });
    stream.writeObject(this.#news("Stop"));
    try {
      await this.#deps.channel().send(this.#members, { kind: "Object", body: stream.toBuffer() }, ASYNCHRONOUS);
    } catch (error) {
      this.#deps.logger.info({ err: asError(error) }, "Good-bye of the static membership did not reach every member");
    }
  }

  async stop(): Promise<void> {
    this.#isOpen = false;
    this.#timer?.cancel();
    this.#deps.probe.stop();
    this.#rpc?.close();
    this.#deps.channel().removeChannelListener(this);
    await this.#look;
  }

  heartbeat(): void {
    if (this.#isOpen && this.#options.pingIntervalMs === undefined) void this.#ask("Ping");
  }

  /** Among loopback addresses that of a connection proves nothing: then only the member block counts (`messageFrom`). */
  isKnown(address: string): boolean {
    const loopback = this.#local !== undefined && isLoopback(this.#local.host) && isLoopbackText(address);
    return loopback || this.#options.members.some((member) => member.address === address);
  }

  async admit(address: string): Promise<boolean> {
    return this.isKnown(address);
  }

  /** Whatever a member sends shows that it runs; only its answers make it one. */
  messageFrom(sender: Member): Member | undefined {
    const entry = this.#entries.get(placeOf(sender));
    if (entry === undefined) return undefined;
    if (isShutdown(sender)) {
      this.#remove(entry, SHUTDOWN_COMMAND);
      return undefined;
    }
    entry.heardMs = this.#deps.clock.monotonic();
    return entry.member;
  }

  accept({ className }: ReceivedMessage): boolean {
    return className === MEMBER_MESSAGE_CLASS;
  }

  messageReceived(message: ReceivedMessage): void {
    this.#learn(memberMessageFromJava(message.object()));
  }

  replyRequest(message: JavaValue): JavaValue {
    const request = memberMessageFromJava(message);
    if (request.kind === "Stop") return null;
    // Behind the answer: who becomes a member is greeted on the same connection, and has to know us to take the greeting.
    queueMicrotask(() => this.#learn(request));
    return this.#news(request.kind);
  }

  /** An answer that came too late is one. */
  leftOver(message: JavaValue): void {
    const late = memberMessageFromJava(message);
    if (late.kind !== "Stop") this.#learn(late);
  }

  /** One at a time. */
  #ask(kind: MemberMessageKind): Promise<void> {
    this.#look ??= this.#askAll(kind)
      .catch((error: unknown) => this.#deps.logger.warn({ err: asError(error) }, "Members could not be asked"))
      .finally(() => {
        this.#look = undefined;
      });
    return this.#look;
  }

  async #askAll(kind: MemberMessageKind): Promise<void> {
    const listening = await this.#listening();
    if (!this.#isOpen) return;
    if (listening.length > 0) {
      const { replies, failed } = await this.#rpc!.call(listening, this.#news(kind), {
        ...ASYNCHRONOUS,
        mode: "All",
        timeoutMs: this.#options.rpcTimeoutMs,
      });
      if (!this.#isOpen) return;
      for (const { member, message } of replies) this.#answered(member, message);
      for (const { member } of failed) this.#failed(member);
    }
    const nowMs = this.#deps.clock.monotonic();
    for (const entry of this.#entries.values()) if (nowMs - entry.heardMs > this.#options.expirationMs) this.#remove(entry);
  }

  async #listening(): Promise<readonly Member[]> {
    const { probe } = this.#deps;
    const entries = [...this.#entries.values()];
    const listens = await Promise.all(entries.map(({ member }) => probe.probe(this.localMember, member, false)));
    for (const [index, entry] of entries.entries()) if (listens[index] === false) entry.settled = true;
    return entries.filter((_, index) => listens[index] !== false).map(({ member }) => member);
  }

  #answered(member: Member, message: JavaValue): void {
    try {
      const news = memberMessageFromJava(message);
      if (news.kind !== "Stop") this.#learn(news);
    } catch (error) {
      this.#deps.logger.warn({ err: asError(error), member: member.name }, "Member answered what is no answer");
    }
  }

  #failed(member: Member): void {
    const entry = this.#entries.get(placeOf(member));
    if (entry === undefined) return;
    entry.settled = true;
    this.#remove(entry);
  }

  #learn({ kind, member, membershipId }: MemberMessage): void {
    const entry = this.#entries.get(placeOf(member));
    if (entry === undefined || membershipId !== this.#options.membershipName) {
      this.#deps.logger.warn({ member: member.name, membershipId }, "News of a member that is not in the configuration");
      return;
    }
    if (kind === "Stop") {
      this.#remove(entry, SHUTDOWN_COMMAND);
      return;
    }
    entry.settled = true;
    entry.heardMs = this.#deps.clock.monotonic();
    if (entry.present) return;
    entry.present = true;
    entry.member = createMember({ ...member, uniqueId: entry.configured.uniqueId });
    this.#snapshot();
    this.listener.memberAdded(entry.member);
  }

  /** With the shutdown command it is final: nobody asks the member. */
  #remove(entry: Entry, command?: Buffer): void {
    if (!entry.present) return;
    entry.present = false;
    this.#snapshot();
    this.listener.memberDisappeared(command === undefined ? entry.member : createMember({ ...entry.member, command }));
  }

  #snapshot(): void {
    this.#members = [...this.#entries.values()].filter((entry) => entry.present).map((entry) => entry.member);
  }

  #news(kind: MemberMessageKind): JavaObject {
    const aliveTimeMs = Math.round(this.#deps.clock.monotonic() - this.#startedMs);
    const command = kind === "Stop" ? SHUTDOWN_COMMAND : undefined;
    const member = createMember({ ...this.localMember, aliveTimeMs, ...(command === undefined ? {} : { command }) });
    return memberMessageToJava({ kind, member, membershipId: this.#options.membershipName });
  }
}
