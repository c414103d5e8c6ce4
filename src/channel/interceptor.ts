// One layer of a channel: what it sees above and below itself, and the base class that passes everything on.
import type { Lifecycle } from "../base/index.ts";
import type { ChannelMessage, Member, MembershipListener } from "./channel.ts";
import type { ChannelDescription } from "./describe-channel.ts";

/** What a layer sees above itself: where received messages and news about members go. */
export interface LayerAbove extends MembershipListener {
  /** Settles when the layers above have finished with the message; throwing or rejecting refuses it (FAIL_ACK). */
  messageReceived(message: ChannelMessage): void | Promise<void>;
  /** An asynchronous message failed below after its caller had gone on. Must not throw. */
  sendFailed(error: Error, message: ChannelMessage): void;
}

/** What a layer sees below itself: the way to the wire, and the members as far as the layers below tell. */
export interface LayerBelow {
  readonly localMember: Member;
  readonly members: readonly Member[];
  /** Listed by the membership but not answering: not among `members`. */
  readonly suspects: readonly Member[];
  /**
   * Whether the last definitive answer of the membership contained the local member; undefined before there was one, and until
   * everybody in it has been asked whether he lives.
   */
  readonly listsLocalMember: boolean | undefined;
  sendMessage(destinations: readonly Member[], message: ChannelMessage): Promise<void>;
  heartbeat(): void;
  /** Tells these members, in ways of the layers and the membership below, that the local one goes. Never rejects. */
  sayGoodbye(members: readonly Member[]): Promise<void>;
  /** Has every member asked whether it lives, also one that has just spoken. False: no layer below can. */
  checkMembers(): boolean;
}

/**
 * A layer between GroupChannel and ChannelCoordinator (Tomcat: ChannelInterceptorBase). Every method passes on, so that a
 * layer overrides only what it changes, for both directions in one file.
 *
 * `start` is called when everything below has started: messages and members may arrive from below before it. `stop` is called
 * while everything below still works, so that a layer can flush.
 */
export abstract class ChannelInterceptor implements LayerAbove, LayerBelow, Lifecycle {
  #above: LayerAbove | undefined;
  #below: LayerBelow | undefined;

  /** Called once, when the stack is put together. */
  link(above: LayerAbove, below: LayerBelow): void {
    this.#above = above;
    this.#below = below;
  }

  get localMember(): Member {
    return this.below.localMember;
  }

  get members(): readonly Member[] {
    return this.below.members;
  }

  get suspects(): readonly Member[] {
    return this.below.suspects;
  }

  get listsLocalMember(): boolean | undefined {
    return this.below.listsLocalMember;
  }

  async start(): Promise<void> {
    // A layer without timers, sockets or state to fetch has nothing to start.
  }

  async stop(): Promise<void> {
    // Nor anything to stop.
  }

  sendMessage(destinations: readonly Member[], message: ChannelMessage): Promise<void> {
    return this.below.sendMessage(destinations, message);
  }

  messageReceived(message: ChannelMessage): void | Promise<void> {
    return this.above.messageReceived(message);
  }

  sendFailed(error: Error, message: ChannelMessage): void {
    this.above.sendFailed(error, message);
  }

  memberAdded(member: Member): void {
    this.above.memberAdded(member);
  }

  memberDisappeared(member: Member): void {
    this.above.memberDisappeared(member);
  }

  heartbeat(): void {
    this.below.heartbeat();
  }

  sayGoodbye(members: readonly Member[]): Promise<void> {
    return this.below.sayGoodbye(members);
  }

  checkMembers(): boolean {
    return this.below.checkMembers();
  }

  /** Whether nobody without a key of the group can read what this layer passes down. */
  get encrypts(): boolean {
    return false;
  }

  /** What this layer adds to the description of its channel, for pages. */
  describe(): Partial<ChannelDescription> {
    return {};
  }

  protected get above(): LayerAbove {
    return this.#above!;
  }

  protected get below(): LayerBelow {
    return this.#below!;
  }
}
