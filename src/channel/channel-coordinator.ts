// The floor of a stack: sender, receiver and membership as one layer. (Leader election is somebody else's: NonBlockingCoordinator.)
import { type Lifecycle, LifecycleGroup } from "../base/index.ts";
import type { ChannelMessage, ChannelReceiver, ChannelSender, Member, MembershipService } from "./channel.ts";
import type { FrameLog } from "./frame-log.ts";
import type { LayerAbove, LayerBelow } from "./interceptor.ts";
import { isProbe } from "./interceptors/probe-messages.ts";
import type { MemberMetrics, MemberTraffic } from "./member-metrics.ts";
import { StrangerError } from "./stack-errors.ts";
import { frameBytesOf } from "./wire/channel-data.ts";
import { MULTICAST } from "./wire/options.ts";

export interface ChannelCoordinatorDeps {
  readonly sender: ChannelSender;
  readonly receiver: ChannelReceiver;
  readonly membership: MembershipService;
  /** Counts what each member sends and is sent; default: nobody does. */
  readonly memberMetrics?: MemberMetrics;
  /** Told of each message; default: nobody is. */
  readonly frames?: FrameLog;
  /** Whether a message is taken from who announces this address. Default: of whoever may connect. */
  readonly takesFrom?: (address: string) => boolean;
  /** The member that a layer above knows by itself at the sender's place, whatever id it announces. Default: none. */
  readonly memberAt?: (sender: Member) => Member | undefined;
}

const NO_SUSPECTS: readonly Member[] = [];

export class ChannelCoordinator implements LayerBelow, Lifecycle {
  /** Called for each probe of a member; the layers above drop them. Must not throw. */
  onProbe: (member: Member) => void = () => undefined;
  readonly #sender: ChannelSender;
  readonly #receiver: ChannelReceiver;
  readonly #membership: MembershipService;
  readonly #frames: FrameLog | undefined;
  readonly #memberMetrics: MemberMetrics | undefined;
  readonly #takesFrom: (address: string) => boolean;
  readonly #memberAt: (sender: Member) => Member | undefined;
  /** The receiver before the membership, so that its real port is announced; stopped in reverse. */
  readonly #parts: LifecycleGroup;
  #running = false;

  constructor(deps: ChannelCoordinatorDeps) {
    this.#sender = deps.sender;
    this.#receiver = deps.receiver;
    this.#membership = deps.membership;
    this.#frames = deps.frames;
    this.#memberMetrics = deps.memberMetrics;
    this.#takesFrom = deps.takesFrom ?? (() => true);
    this.#memberAt = deps.memberAt ?? (() => undefined);
    this.#parts = new LifecycleGroup([
      { start: async () => this.#membership.check?.(), stop: async () => undefined },
      deps.receiver,
      deps.sender,
      { start: () => this.#startMembership(), stop: () => this.#stopMembership() },
    ]);
  }

  /** Called once, when the stack is put together. */
  link(above: LayerAbove): void {
    this.#membership.listener = above;
    this.#sender.onSendFailed = (error, message) => above.sendFailed(error, message);
    const deliver = (message: ChannelMessage, member: Member | undefined) => {
      if (member === undefined && !this.#takesFrom(message.address.address)) throw new StrangerError(message.address.name);
      if (member !== undefined) {
        this.#memberMetrics?.of(member).received(frameBytesOf(message));
        if (isProbe(message)) this.onProbe(member);
      }
      // Known by another id than the announced one: the message comes from the member as it is known.
      const known = member === undefined || member.key === message.address.key ? message : { ...message, address: member };
      return above.messageReceived(known);
    };
    this.#receiver.onMessage = (message) => {
      this.#frames?.received(message);
      const member = this.#memberAt(message.address) ?? this.#membership.messageFrom(message.address, message.timestamp);
      return member instanceof Promise ? member.then((found) => deliver(message, found)) : deliver(message, member);
    };
  }

  /** Whether messages can be sent: from the membership's first look to `leave`. */
  get running(): boolean {
    return this.#running;
  }

  get localMember(): Member {
    return this.#membership.localMember;
  }

  get members(): readonly Member[] {
    return this.#membership.members;
  }

  get listsLocalMember(): boolean | undefined {
    return this.#membership.listsLocalMember;
  }

  get suspects(): readonly Member[] {
    return NO_SUSPECTS;
  }

  /** Resolves when the receiver listens and the membership has made its first look. */
  start(): Promise<void> {
    return this.#parts.start();
  }

  stop(): Promise<void> {
    return this.#parts.stop();
  }

  /** Whether a message can go to the whole group in one datagram. */
  get canBroadcast(): boolean {
    return this.#membership.broadcast !== undefined;
  }

  sendMessage(destinations: readonly Member[], message: ChannelMessage): Promise<void> {
    this.#frames?.sent(destinations, message);
    if ((message.options & MULTICAST) !== 0 && this.#membership.broadcast) return this.#membership.broadcast(message);
    return this.#sender.sendMessage(destinations, message);
  }

  heartbeat(): void {
    this.#sender.heartbeat();
    this.#membership.heartbeat();
  }

  checkMembers(): boolean {
    return false;
  }

  /** The layers above have given the member up: its connections are closed. */
  release(member: Member): void {
    this.#sender.remove(member);
  }

  /** For pages: what has been sent to the member and come from it; undefined where nobody counts. */
  trafficOf(member: Member): MemberTraffic | undefined {
    return this.#memberMetrics?.of(member).traffic;
  }

  /** For pages: bytes of frames that wait for the member's socket or its acknowledgement. */
  queuedBytes(member: Member): number {
    return this.#sender.queuedBytes?.(member) ?? 0;
  }

  /** The layers above run: see MembershipService. */
  async open(): Promise<void> {
    await this.#membership.open?.();
  }

  /** The membership's own way of saying so; the channel's is `leave`. */
  async sayGoodbye(): Promise<void> {
    await this.#membership.sayGoodbye?.();
  }

  /** From here on nobody but the caller may send. */
  leave(): void {
    this.#running = false;
  }

  #startMembership(): Promise<void> {
    const started = this.#membership.start(this.#receiver);
    this.#running = true;
    return started;
  }

  #stopMembership(): Promise<void> {
    this.#running = false;
    return this.#membership.stop();
  }
}
