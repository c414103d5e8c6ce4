// What can go wrong between members of a group: one class per failure, each with its stable code.
import { TomcatClusterError } from "../base/index.ts";
import type { Member } from "./channel.ts";

/**
 * A received message was refused by somebody who has logged and counted it, or for a reason that is part of what its sender does: no
 * warning is due.
 */
export abstract class QuietRefusalError extends TomcatClusterError {
  /** What the message said is lost here, and its sender has to know: one that asked for no answer learns it by the end of the connection. */
  readonly isLoss: boolean = false;
}

/** The bytes of a connection are no sequence of frames (tribes.md 1). Nothing behind them can be trusted: close the connection. */
export class FramingError extends TomcatClusterError {
  readonly code: string = "FRAMING";
}

/** A frame announces more bytes than this node accepts. */
export class FrameTooLargeError extends FramingError {
  override readonly code = "FRAME_TOO_LARGE";

  constructor(frameBytes: number, maxFrameBytes: number) {
    super(
      `A frame of ${frameBytes} bytes is larger than "maxFrameBytes" (${maxFrameBytes}): raise it on the receiver to take such messages`,
    );
  }
}

/** A frame is whole, but what it holds is no ChannelData or no member block (tribes.md 2, 5). */
export class MalformedMessageError extends TomcatClusterError {
  readonly code = "MALFORMED_MESSAGE";
}

/** A member cannot be described as asked: no IP address, a port out of range, or more than 65535 bytes in all. */
export class InvalidMemberError extends TomcatClusterError {
  readonly code = "INVALID_MEMBER";
}

/** A port of the receiver, and every one that autoBind allows after it, is taken. */
export class PortInUseError extends TomcatClusterError {
  readonly code = "PORT_IN_USE";
  override readonly retryable = true;

  constructor(address: string, port: number, autoBind: number, cause: Error) {
    const tried =
      autoBind > 1 ? `ports ${port} to ${port + autoBind - 1} (autoBind "${autoBind}")` : `port ${port} (autoBind "${autoBind}")`;
    super(
      `Receiver cannot listen on address "${address}": ${tried} in use. Stop the process that holds the port, set another "port", or raise "autoBind"`,
      { cause },
    );
  }
}

/** The receiver's address does not belong to this machine, or its port is not allowed to this user. */
export class ReceiverBindError extends TomcatClusterError {
  readonly code = "RECEIVER_BIND";

  constructor(address: string, port: number, cause: Error) {
    super(
      `Receiver cannot listen on address "${address}", port ${port}: ${cause.message}. Set "address" to one of this machine's addresses, or to "auto"`,
      { cause },
    );
  }
}

/** No connection to a member: refused, unreachable, or not made in time. */
export class ConnectError extends TomcatClusterError {
  readonly code = "CONNECT";
  override readonly retryable = true;

  constructor(member: Member, cause: Error) {
    super(`No connection to member "${member.name}": ${cause.message}`, { cause });
  }
}

/** The connection broke while a message was on its way, and every allowed repeat too. The member may or may not have it. */
export class ConnectionLostError extends TomcatClusterError {
  readonly code = "CONNECTION_LOST";
  override readonly retryable = true;

  constructor(member: Member, cause?: Error) {
    super(`The connection to member "${member.name}" was lost${cause ? `: ${cause.message}` : ""}`, cause ? { cause } : undefined);
  }
}

/** A member did not take or did not acknowledge a message in time. It may or may not have it. */
export class AckTimeoutError extends TomcatClusterError {
  readonly code = "ACK_TIMEOUT";
  override readonly retryable = true;

  constructor(member: Member, timeoutMs: number) {
    super(`Member "${member.name}" did not take or acknowledge the message within ${timeoutMs} ms ("timeout" of the Transport)`);
  }
}

/** A member answered FAIL_ACK: it has the message and refused it. Sending the same bytes again cannot help (rule 12). */
export class RemoteProcessError extends TomcatClusterError {
  readonly code = "REMOTE_PROCESS";

  constructor(member: Member) {
    super(`Member "${member.name}" could not process the message: its log says why`);
  }
}

/** What waits for a slow or silent member has reached its limit. */
export class QueueFullError extends TomcatClusterError {
  readonly code = "QUEUE_FULL";
  override readonly retryable = true;

  /** `setting`: the attribute of server.xml that limits it. */
  constructor(queue: string, setting: "maxQueueBytes" | "maxQueueSize", maxBytes: number) {
    super(`The queue for "${queue}" holds "${setting}" (${maxBytes}) bytes: the message was not sent`);
  }
}

/** The member left the group while a message was on its way to it. */
export class MemberRemovedError extends TomcatClusterError {
  readonly code = "MEMBER_REMOVED";

  constructor(member: Member) {
    super(`Member "${member.name}" left the group before it had the message`);
  }
}

/** The sender is stopped, or was never started. */
export class SenderStoppedError extends TomcatClusterError {
  readonly code = "SENDER_STOPPED";

  constructor() {
    super("The channel's sender does not run: start the channel before sending");
  }
}

/** Send options that contradict one another, or ask for what this channel does not have. Nothing was sent. */
export class IllegalSendOptionsError extends TomcatClusterError {
  readonly code = "ILLEGAL_SEND_OPTIONS";

  constructor(problem: string) {
    super(`The message is not sent: ${problem}`);
  }
}

/** The member announces no UDP port, or an impossible one. */
export class NoUdpPortError extends TomcatClusterError {
  readonly code = "NO_UDP_PORT";

  constructor(member: Member) {
    super(`Member "${member.name}" receives no datagrams: set "udpPort" of its Receiver, with a membership that tells it to others`);
  }
}

/** A message does not fit into one datagram. */
export class DatagramTooLargeError extends TomcatClusterError {
  readonly code = "DATAGRAM_TOO_LARGE";

  constructor(frameBytes: number, maxBytes: number) {
    super(`A frame of ${frameBytes} bytes does not fit into a datagram, which takes ${maxBytes}: send it over a connection`);
  }
}

export interface FaultyMember {
  readonly member: Member;
  readonly cause: Error;
}

/** A send that failed for some of its destinations; those that are not listed have the message. */
export class ChannelError extends TomcatClusterError {
  readonly code = "CHANNEL";
  override readonly retryable: boolean;
  readonly faultyMembers: readonly FaultyMember[];

  constructor(faultyMembers: readonly FaultyMember[]) {
    const reasons = faultyMembers.map(({ member, cause }) => `"${member.name}" (${cause.message})`);
    super(`Sending failed for ${faultyMembers.length === 1 ? "member" : "members"} ${reasons.join(", ")}`, {
      cause: faultyMembers[0]?.cause,
    });
    this.faultyMembers = faultyMembers;
    this.retryable = faultyMembers.every(({ cause }) => cause instanceof TomcatClusterError && cause.retryable);
  }
}
