// The vocabulary of group communication: members, messages, and the ports that the parts of a channel implement.

import type { Lifecycle } from "../base/index.ts";
import type { JavaValue } from "../serialization/index.ts";

/** A node of the group. Two members are the same when host, port and unique id are equal (tribes.md 5): compare `key`. */
export interface Member {
  /** "tcp://127.0.0.1:4000", for logs. */
  readonly name: string;
  /** Identity as text: usable as a map key. */
  readonly key: string;
  /** 4 or 16 address bytes, never a name. */
  readonly host: Buffer;
  /** `host` as text, "10.1.2.3" or an IPv6 address. */
  readonly address: string;
  readonly port: number;
  /** -1: none. */
  readonly securePort: number;
  /** -1: none. */
  readonly udpPort: number;
  /** 16 bytes. */
  readonly uniqueId: Buffer;
  /** Milliseconds since the member's service started, as last announced; -1 when unknown. */
  readonly aliveTimeMs: number;
  readonly command: Buffer;
  readonly domain: Buffer;
  readonly payload: Buffer;
}

/** `Received`: before the message is processed (options 2). `Processed`: after every listener has finished (options 6). */
export type Acknowledge = "None" | "Received" | "Processed";

/**
 * How a message travels. `Datagram`: one to each member's UDP port, of at most 65 507 bytes (options 32). `Multicast`: one to the whole
 * group, whoever the destinations are, never acknowledged (64); only a membership by multicast knows a group. Neither keeps an order,
 * and what gets lost is not sent again.
 */
export type Carrier = "Connection" | "Datagram" | "Multicast";

export interface SendOptions {
  readonly acknowledge: Acknowledge;
  /** Queue and return (MessageDispatchInterceptor). */
  readonly asynchronous: boolean;
  /** Messages with the same key reach a member in the order of their sending (rule 10): the session id before its dot. */
  readonly orderKey?: string;
  /** Default `Connection`. */
  readonly carrier?: Carrier;
  /** Refuse to send unless an EncryptInterceptor is in the stack (16). A Tomcat gives the bit no meaning. */
  readonly secure?: boolean;
  /** Bits from 128 up that interceptors' `optionFlag` names: such an interceptor handles messages that have all of its bits. */
  readonly interceptorBits?: number;
  /** Told what became of an asynchronous message after `send` has resolved. */
  readonly errorHandler?: ErrorHandler;
}

/**
 * What becomes of an asynchronous message, by the unique id that `send` resolved with (Tomcat: ErrorHandler). Neither method is called
 * when `send` rejects; neither must throw.
 */
export interface ErrorHandler {
  /** Every destination has acknowledged as asked, or, without acknowledgement, the system has the message for each. */
  handleCompletion(uniqueId: Buffer): void;
  /**
   * A ChannelError lists the members that failed. A message without acknowledgement may still fail after its completion, when its
   * connection is lost before anything proves that it has arrived.
   */
  handleError(error: Error, uniqueId: Buffer): void;
}

/** A body: one Java object stream, or bytes as they are (BYTE_MESSAGE). The channel does not copy it: leave it unchanged. */
export interface OutgoingMessage {
  readonly kind: "Object" | "Bytes";
  readonly body: Buffer;
}

export interface ReceivedMessage extends OutgoingMessage {
  readonly sender: Member;
  /** Milliseconds, the sender's clock, when its application called send. */
  readonly timestamp: number;
  readonly uniqueId: Buffer;
  /** Java class of the object without decoding it; undefined for bytes and for what is not a plain object. */
  readonly className: string | undefined;
  /** Decodes the body on first use and keeps the result. Throws a serialization error for what cannot be read. */
  object(): JavaValue;
}

export interface ChannelListener {
  /** Whether this listener wants the message; must be quick and must not throw. */
  accept(message: ReceivedMessage): boolean;
  /**
   * Called for messages of one connection in the order of their frames, each after the one before has been settled.
   * Throwing or rejecting makes a sender that waits for processing see a failure (FAIL_ACK).
   * `body` is a view of a socket buffer: copy what outlives the call.
   */
  messageReceived(message: ReceivedMessage): void | Promise<void>;
  /** Called with each heartbeat of the channel; a listener of both kinds is called once, where a Tomcat calls it twice (tribes.md 10). */
  heartbeat?(): void;
}

export interface MembershipListener {
  /** Called synchronously and in order; must not throw. */
  memberAdded(member: Member): void;
  memberDisappeared(member: Member): void;
  /** As that of a ChannelListener. */
  heartbeat?(): void;
}

/** What the rest of a worker sees of a channel. */
export interface Channel extends Lifecycle {
  readonly localMember: Member;
  /** Every other member, oldest first where that is known. A snapshot: not changed later. */
  readonly members: readonly Member[];
  /**
   * Sends one body to all destinations. Resolves, for a synchronous send, when each has acknowledged as asked; for an
   * asynchronous one, when the frame is written to each socket that has room, or waits in its bounded queue.
   * The result is the message's unique id, 16 bytes. Rejects with a ChannelError that lists the members that failed, each with its
   * cause; the others have the message. Rejects with an IllegalSendOptionsError for options that contradict one another or this channel.
   */
  send(destinations: readonly Member[], message: OutgoingMessage, options: SendOptions): Promise<Buffer>;
  addChannelListener(listener: ChannelListener): void;
  removeChannelListener(listener: ChannelListener): void;
  addMembershipListener(listener: MembershipListener): void;
  removeMembershipListener(listener: MembershipListener): void;
}

/** What travels through the interceptors: ChannelData of tribes.md 2, with `options` as the bits of its section 4. */
export interface ChannelMessage {
  options: number;
  readonly timestamp: number;
  readonly uniqueId: Buffer;
  /** The sender. */
  readonly address: Member;
  /** Replaced, never changed in place, by interceptors that transform it. */
  body: Buffer;
  /** Not on the wire: the lane of the message on the sending side (rule 10). */
  readonly orderKey?: string;
  /** Not on the wire: who waits for the outcome of an asynchronous message. */
  readonly report?: SendReport;
}

/** For layers that let the caller go on before a message has arrived. */
export interface SendReport {
  /** A layer takes the message, or a part of it, over: its outcome is open. */
  begin(): void;
  /** `sendFailed` has got to the top of the stack. */
  failed(error: Error): void;
  /** Called once for each `begin`, after `sendFailed` where that is due. */
  end(): void;
}

/** The bottom of the stack on the sending side. TCP in production, an in-memory network in simulations. */
export interface ChannelSender extends Lifecycle {
  /**
   * Called for a message that was given up for the members that the error lists after `sendMessage` had resolved, since it waits for
   * no acknowledgement. Set once before `start`. Must not throw.
   */
  onSendFailed?: (error: Error, message: ChannelMessage) => void;
  /** As Channel.send, for a message that has gone through the interceptors. */
  sendMessage(destinations: readonly Member[], message: ChannelMessage): Promise<void>;
  /** The member has gone: closes its connections and fails what waits for it. */
  remove(member: Member): void;
  /** Bytes of frames that wait for the member's socket or its acknowledgement; absent where nothing waits. */
  queuedBytes?(member: Member): number;
  /** Closes connections past keepAliveTime and keepAliveCount. */
  heartbeat(): void;
}

/** The bottom of the stack on the receiving side. */
export interface ChannelReceiver extends Lifecycle {
  /** The address and port that were bound; valid after `start`. */
  readonly address: string;
  readonly port: number;
  /** Where datagrams are received, valid after `start`; -1 or absent: nowhere. */
  readonly udpPort?: number;
  /** Announced, and nothing else; -1 or absent: none. */
  readonly securePort?: number;
  /** Where received messages go; set once before `start`. The acknowledgement follows its outcome (tribes.md 3). */
  onMessage: (message: ChannelMessage) => void | Promise<void>;
}

/** Where the local member listens. */
export type ReceiverPorts = Pick<ChannelReceiver, "address" | "port" | "udpPort" | "securePort">;

/** Who is there. Reports through `listener`, which the stack sets before `start`. */
export interface MembershipService {
  readonly localMember: Member;
  readonly members: readonly Member[];
  /** Whether the last definitive answer contained the local member; undefined before there was one (rule 5). */
  readonly listsLocalMember: boolean | undefined;
  listener: MembershipListener;
  /** Before any socket opens: rejects, with what to change, where it cannot work on this machine. */
  check?(): Promise<void>;
  /** Resolves when the first look has been made. */
  start(receiver: ReceiverPorts): Promise<void>;
  stop(): Promise<void>;
  /**
   * A message arrived that this sender stamped with `timestamp`. Returns the member that has this address and port (its unique id
   * may differ from the announced one: a starting Tomcat announces zeros), or undefined when it is no member; a promise while an
   * unknown sender is looked up (rules 4 and 20). A sender with the shutdown command is removed at once.
   */
  messageFrom(sender: Member, timestamp: number): Member | undefined | Promise<Member | undefined>;
  heartbeat(): void;
  /** Sends one datagram to the whole group; absent where the membership knows none. What arrives goes to the receiver's `onMessage`. */
  broadcast?(message: ChannelMessage): Promise<void>;
  /** The whole stack runs now, for a membership that asks through it. Resolves when its first look has been made; never rejects. */
  open?(): Promise<void>;
  /** Tells the others in the membership's own way that the local member goes, while messages can still be sent. Never rejects. */
  sayGoodbye?(): Promise<void>;
}
