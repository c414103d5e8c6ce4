// The top of a stack: what a worker sees of its group (Tomcat: GroupChannel).
import { type Clock, LifecycleGroup, type Logger, type Random, type Timer } from "../base/index.ts";
import type { SuidTable } from "../serialization/index.ts";
import type { Channel, ChannelListener, ChannelMessage, Member, MembershipListener, OutgoingMessage, SendOptions } from "./channel.ts";
import type { ChannelCoordinator } from "./channel-coordinator.ts";
import type { ChannelMetrics } from "./channel-metrics.ts";
import { type ChannelDescription, describeMember } from "./describe-channel.ts";
import { IllegalSendOptionsError } from "./errors.ts";
import { Hello } from "./hello.ts";
import type { ChannelInterceptor, LayerAbove, LayerBelow } from "./interceptor.ts";
import { InterceptorMeter } from "./interceptors/interceptor-meter.ts";
import { isProbe, PROBE_BODY } from "./interceptors/probe-messages.ts";
import { LazyReceivedMessage } from "./lazy-received-message.ts";
import { PendingSend } from "./pending-send.ts";
import type { RpcCarrier, RpcEndpoint } from "./rpc-carrier.ts";
import { decodeRpcMessage, encodeRpcMessage, isRpcClass, type RpcMessage } from "./rpc-message.ts";
import { ChannelStoppedError, DuplicateRpcIdError, NoDestinationError } from "./stack-errors.ts";
import { randomUuid } from "./uuid.ts";
import { createMember, SHUTDOWN_COMMAND } from "./wire/member-block.ts";
import { BYTE_MESSAGE, toOptionBits, USE_ACK } from "./wire/options.ts";

export interface GroupChannelDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: ChannelMetrics;
  readonly random: Random;
  readonly coordinator: ChannelCoordinator;
  /** Top first. */
  readonly interceptors: readonly ChannelInterceptor[];
  /** Learns from the objects that are received. */
  readonly suids: SuidTable;
}

export interface GroupChannelOptions {
  readonly heartbeatSleepMs: number;
  /** Default true. False: whoever has the channel calls `heartbeat` himself. */
  readonly heartbeat?: boolean;
}

export interface StopOptions {
  /** Default true. False: the others find out by themselves, as when a process dies. */
  readonly goodbye?: boolean;
}

interface Peer {
  readonly member: Member;
  /** When its service started, as far as it has said; else when it became a member. */
  readonly bornMs: number;
  heardMs: number | undefined;
}

/** After a heartbeat of a Tomcat in the group, whose configuration is ours. */
const TOMCAT_MARGIN_MS = 1000;
const REFUSAL_OPTIONS: SendOptions = { acknowledge: "None", asynchronous: true };

export class GroupChannel implements Channel, RpcCarrier, LayerAbove {
  readonly suids: SuidTable;
  /** Who is one of ours; see there. Open while the channel runs. */
  readonly hello: Hello;
  /** Called for each asynchronous message that failed after `send` had resolved; a ChannelError lists the members. Must not throw. */
  onSendFailed: (error: Error, message: ChannelMessage) => void = () => undefined;
  readonly #deps: GroupChannelDeps;
  readonly #coordinator: ChannelCoordinator;
  readonly #top: LayerBelow;
  readonly #meters: readonly InterceptorMeter[];
  readonly #parts: LifecycleGroup;
  readonly #peers = new Map<string, Peer>();
  readonly #rpcEndpoints = new Map<string, RpcEndpoint>();
  #members: readonly Member[] = [];
  #channelListeners: readonly ChannelListener[] = [];
  #membershipListeners: readonly MembershipListener[] = [];
  #heartbeat: Timer | undefined;
  #goodbye = true;

  constructor(deps: GroupChannelDeps, options: GroupChannelOptions) {
    this.#deps = deps;
    this.suids = deps.suids;
    this.#coordinator = deps.coordinator;
    const { interceptors, coordinator } = deps;
    this.#meters = interceptors.map((interceptor) => new InterceptorMeter(deps, interceptor.constructor.name));
    const layers = interceptors.flatMap((interceptor, index) => [this.#meters[index]!, interceptor]);
    layers.forEach((layer, index) => {
      layer.link(layers[index - 1] ?? this, layers[index + 1] ?? coordinator);
    });
    coordinator.link(layers.at(-1) ?? this);
    this.#top = layers[0] ?? coordinator;
    this.hello = new Hello({ ...deps, channel: this }, { tomcatPatienceMs: options.heartbeatSleepMs + TOMCAT_MARGIN_MS });
    coordinator.onProbe = (member) => this.hello.probedBy(member);
    this.#parts = new LifecycleGroup([
      { start: async () => this.hello.open(), stop: nothing },
      coordinator,
      { start: nothing, stop: () => this.#leave() },
      ...interceptors.toReversed(),
      { start: () => coordinator.open(), stop: nothing },
      { start: async () => this.#startHeartbeat(options), stop: async () => this.#heartbeat?.cancel() },
      { start: nothing, stop: async () => this.hello.close() },
    ]);
  }

  /** Valid after `start`. */
  get localMember(): Member {
    return this.#top.localMember;
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  /** Listed members that do not answer (rule 3). They are not among `members`. */
  get suspects(): readonly Member[] {
    return this.#top.suspects;
  }

  /** See LayerBelow (rule 5). */
  get listsLocalMember(): boolean | undefined {
    return this.#top.listsLocalMember;
  }

  /** Resolves when the receiver listens, the membership has made its first look, and those found have been asked. */
  start(): Promise<void> {
    return this.#parts.start();
  }

  /** From the top down: layers flush what they hold, every member gets a good-bye, then nothing is sent or received any more. */
  stop(options: StopOptions = {}): Promise<void> {
    this.#goodbye = options.goodbye ?? true;
    return this.#parts.stop();
  }

  send(destinations: readonly Member[], message: OutgoingMessage, options: SendOptions): Promise<Buffer> {
    if (destinations.length === 0) return Promise.reject(new NoDestinationError());
    if (!this.#coordinator.running) return Promise.reject(new ChannelStoppedError());
    const { orderKey, errorHandler } = options;
    const uniqueId = randomUuid(this.#deps.random);
    const pending = errorHandler && options.asynchronous ? new PendingSend(errorHandler, uniqueId) : undefined;
    try {
      const sent = this.#top.sendMessage(destinations, {
        options: this.#bitsOf(message, options),
        timestamp: this.#deps.clock.now(),
        uniqueId,
        address: this.localMember,
        body: message.body,
        ...(orderKey === undefined ? {} : { orderKey }),
        ...(pending === undefined ? {} : { report: pending }),
      });
      return pending === undefined ? sent.then(() => uniqueId) : this.#reported(sent, pending, uniqueId);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Sent down the stack, then to each listener that has one; who listens to messages and to members gets one. A listener that throws
   * is logged, and keeps none from its own.
   */
  heartbeat(): void {
    this.#top.heartbeat();
    const listeners = new Set<{ heartbeat?(): void }>([...this.#membershipListeners, ...this.#channelListeners]);
    for (const listener of listeners) {
      try {
        listener.heartbeat?.();
      } catch (error) {
        this.#deps.logger.error({ err: error }, "A listener failed at a heartbeat");
      }
    }
  }

  addChannelListener(listener: ChannelListener): void {
    this.#channelListeners = [...this.#channelListeners, listener];
  }

  removeChannelListener(listener: ChannelListener): void {
    this.#channelListeners = this.#channelListeners.filter((other) => other !== listener);
  }

  addMembershipListener(listener: MembershipListener): void {
    this.#membershipListeners = [...this.#membershipListeners, listener];
  }

  removeMembershipListener(listener: MembershipListener): void {
    this.#membershipListeners = this.#membershipListeners.filter((other) => other !== listener);
  }

  addRpcEndpoint(endpoint: RpcEndpoint): void {
    if (this.#rpcEndpoints.has(endpoint.rpcId)) throw new DuplicateRpcIdError(endpoint.rpcId);
    this.#rpcEndpoints.set(endpoint.rpcId, endpoint);
  }

  removeRpcEndpoint(endpoint: RpcEndpoint): void {
    if (this.#rpcEndpoints.get(endpoint.rpcId) === endpoint) this.#rpcEndpoints.delete(endpoint.rpcId);
  }

  /** From the stack: a message for the listeners, or for an RpcChannel. */
  messageReceived(message: ChannelMessage): void | Promise<void> {
    const peer = this.#peers.get(message.address.key);
    if (peer) peer.heardMs = this.#deps.clock.monotonic();
    if (isProbe(message)) return undefined;
    try {
      const received = new LazyReceivedMessage(message, this.suids);
      const outcome = isRpcClass(received.className) ? this.#rpcReceived(received) : this.#deliver(received);
      return outcome?.catch((error: unknown) => this.#refuse(error));
    } catch (error) {
      return this.#refuse(error);
    }
  }

  /** From the stack. */
  sendFailed(error: Error, message: ChannelMessage): void {
    message.report?.failed(error);
    this.onSendFailed(error, message);
  }

  /** From the stack. A member that is known already stays as it is. */
  memberAdded(member: Member): void {
    if (this.#peers.has(member.key)) return;
    const bornMs = this.#deps.clock.monotonic() - Math.max(member.aliveTimeMs, 0);
    this.#peers.set(member.key, { member, bornMs, heardMs: undefined });
    this.#membershipChanged("added");
    this.#deps.logger.info({ member: member.name, members: this.#members.length }, "Member added");
    this.#notify((listener) => listener.memberAdded(member));
  }

  /** From the stack. The connections to the member are closed before the listeners hear of it. */
  memberDisappeared(member: Member): void {
    const peer = this.#peers.get(member.key);
    if (!peer) return;
    this.#peers.delete(member.key);
    this.#membershipChanged("disappeared");
    this.#coordinator.release(peer.member);
    this.#deps.logger.info({ member: member.name, members: this.#members.length }, "Member disappeared");
    this.#notify((listener) => listener.memberDisappeared(peer.member));
  }

  /** For pages. */
  describe(): ChannelDescription {
    const nowMs = this.#deps.clock.monotonic();
    const coordinator = this.#coordinator;
    const countsOf = (member: Member) => [coordinator.queuedBytes(member), coordinator.trafficOf(member)] as const;
    const alive = [...this.#peers.values()].map(({ member, heardMs }) =>
      describeMember(member, "Alive", this.hello.kindOf(member), heardMs === undefined ? undefined : nowMs - heardMs, ...countsOf(member)),
    );
    const suspects = this.suspects.map((member) => describeMember(member, "Suspect", undefined, undefined, ...countsOf(member)));
    const localMember = coordinator.running ? this.localMember.name : undefined;
    const members = [...alive, ...suspects];
    const interceptors = this.#meters.map((meter) => meter.counts);
    const description = { localMember, listsLocalMember: this.listsLocalMember, members, interceptors };
    return Object.assign(description, ...this.#deps.interceptors.map((interceptor) => interceptor.describe()));
  }

  #bitsOf({ kind }: OutgoingMessage, options: SendOptions): number {
    const bits = toOptionBits(options);
    if (options.secure && !this.#deps.interceptors.some((interceptor) => interceptor.encrypts)) {
      throw new IllegalSendOptionsError('"secure" needs an EncryptInterceptor in the Channel');
    }
    if (options.carrier === "Multicast" && !this.#coordinator.canBroadcast) {
      throw new IllegalSendOptionsError("multicast needs a membership by multicast");
    }
    return kind === "Bytes" ? bits | BYTE_MESSAGE : bits;
  }

  /** The handler is told in a turn after that in which whoever called `send` has its result. */
  async #reported(sent: Promise<void>, pending: PendingSend, uniqueId: Buffer): Promise<Buffer> {
    try {
      await sent;
    } catch (error) {
      pending.reject();
      throw error;
    }
    setImmediate(() => pending.end());
    return uniqueId;
  }

  #deliver(received: LazyReceivedMessage): Promise<void> | undefined {
    let accepted = false;
    let pending: Promise<void> | undefined;
    for (const listener of this.#channelListeners) {
      if (!listener.accept(received)) continue;
      accepted = true;
      if (pending) pending = pending.then(() => listener.messageReceived(received));
      else pending = listener.messageReceived(received) ?? undefined;
    }
    if (!accepted) this.#undeliverable(received.sender, received.className);
    return pending;
  }

  #rpcReceived(received: LazyReceivedMessage): Promise<void> | undefined {
    const rpc = decodeRpcMessage(received.object());
    const endpoint = this.#rpcEndpoints.get(rpc.rpcId);
    if (endpoint) return endpoint.rpcReceived(rpc, received.sender) ?? undefined;
    if (rpc.kind !== "Request") {
      this.#undeliverable(received.sender, received.className);
      return undefined;
    }
    const refusal: RpcMessage = { kind: "NoRpcChannel", uuid: rpc.uuid, rpcId: rpc.rpcId, message: null };
    // Not part of the outcome: who asked waits for the answer, not for our success in sending it.
    this.send([received.sender], { kind: "Object", body: encodeRpcMessage(refusal, this.suids) }, REFUSAL_OPTIONS).catch((error) =>
      this.#deps.logger.debug({ err: error, member: received.sender.name, rpcId: rpc.rpcId }, "NoRpcChannelReply was not sent"),
    );
    return undefined;
  }

  #undeliverable(sender: Member, className: string | undefined): void {
    this.#deps.metrics.undeliverable.inc();
    this.#deps.logger.debug({ sender: sender.name, className }, "No listener accepts the message");
  }

  #refuse(error: unknown): never {
    this.#deps.metrics.refused.inc({ reason: "processing" });
    throw error;
  }

  #membershipChanged(change: "added" | "disappeared"): void {
    this.#members = [...this.#peers.values()].sort((one, other) => one.bornMs - other.bornMs).map((peer) => peer.member);
    this.#deps.metrics.members.set(this.#members.length);
    this.#deps.metrics.membershipChanges.inc({ change });
  }

  #notify(tell: (listener: MembershipListener) => void): void {
    for (const listener of this.#membershipListeners) {
      try {
        tell(listener);
      } catch (error) {
        this.#deps.logger.error({ err: error }, "Membership listener failed");
      }
    }
  }

  #startHeartbeat({ heartbeat = true, heartbeatSleepMs }: GroupChannelOptions): void {
    if (heartbeat) this.#heartbeat = this.#deps.clock.setInterval(() => this.heartbeat(), heartbeatSleepMs);
  }

  /**
   * Rule 18 (4). The message is a probe, which a Tomcat drops, from a sender that carries the shutdown command, on which ours act.
   * Nothing is sent after it: a member that speaks after its good-bye is taken for a new one.
   */
  async #leave(): Promise<void> {
    const members = this.#members;
    if (this.#goodbye) await this.#top.sayGoodbye(members);
    this.#coordinator.leave();
    if (!this.#goodbye || members.length === 0) return;
    try {
      await this.#coordinator.sendMessage(members, {
        options: BYTE_MESSAGE | USE_ACK,
        timestamp: this.#deps.clock.now(),
        uniqueId: randomUuid(this.#deps.random),
        address: createMember({ ...this.localMember, command: SHUTDOWN_COMMAND }),
        body: PROBE_BODY,
      });
    } catch (error) {
      this.#deps.logger.info({ err: error }, "Good-bye did not reach every member");
    }
  }
}

async function nothing(): Promise<void> {
  // One half of a life cycle.
}
