// What can go wrong above the wire: putting a stack together, sending to nobody, calling too often.
import { TomcatClusterError } from "../base/index.ts";
import type { Member } from "./channel.ts";
import { QuietRefusalError } from "./errors.ts";

/** A class name in the configuration that stands for no interceptor. */
export class UnknownInterceptorError extends TomcatClusterError {
  readonly code = "UNKNOWN_INTERCEPTOR";

  constructor(className: string, known: readonly string[], place: string) {
    super(`${place}: there is no interceptor "${className}". There are: ${known.join(", ")}`);
  }
}

/** Interceptors that do not work in the configured order. */
export class InterceptorOrderError extends TomcatClusterError {
  readonly code = "INTERCEPTOR_ORDER";

  constructor(problem: string, place: string) {
    super(`${place}: ${problem}`);
  }
}

/** `send` was called without a destination. */
export class NoDestinationError extends TomcatClusterError {
  readonly code = "NO_DESTINATION";

  constructor() {
    super("A message needs at least one destination: check `members` before sending");
  }
}

/** The channel was used before `start` or after `stop`. */
export class ChannelStoppedError extends TomcatClusterError {
  readonly code = "CHANNEL_STOPPED";

  constructor() {
    super("The channel does not run: start it before sending");
  }
}

/** More calls wait for replies than an RpcChannel holds. */
export class TooManyCallsError extends TomcatClusterError {
  readonly code = "TOO_MANY_CALLS";
  override readonly retryable = true;

  constructor(rpcId: string, maxCalls: number) {
    super(`"${maxCalls}" calls of RPC channel "${rpcId}" wait for replies already: the call was not sent`);
  }
}

/** Who says hello is not listed, or has yet to prove that it lives: nobody writes to it, so its hello has no answer (rule 4). */
export class NotYetMemberError extends TomcatClusterError {
  readonly code = "NOT_YET_MEMBER";
  override readonly retryable = true;

  constructor(member: string) {
    super(`"${member}" is not a member here yet; its next hello may find that it is`);
  }
}

/** Who announces itself in the message is no member, and where it came from does not tell who speaks (trustProxiedPeers). */
export class StrangerError extends QuietRefusalError {
  readonly code = "STRANGER";

  constructor(sender: string) {
    super(`"${sender}" is not listed by the membership: its message is not taken`);
  }
}

/** A DomainFilterInterceptor has refused a message, and has counted it. */
export class OtherDomainError extends QuietRefusalError {
  readonly code = "OTHER_DOMAIN";

  constructor(sender: string) {
    super(`"${sender}" is of another domain: its message is not taken`);
  }
}

/** None of the members that a configuration lists listens where the receiver of this one does. */
export class NoLocalMemberError extends TomcatClusterError {
  readonly code = "NO_LOCAL_MEMBER";

  constructor(address: string, port: number, members: readonly Member[]) {
    const listed = members.map((member) => `${member.address} port ${member.port}`).join(", ");
    super(
      `The receiver listens on ${address} port ${port}, and no member is configured there: the members are ${listed}. Add it, or a LocalMember`,
    );
  }
}

/** The group of a membership by multicast cannot be joined or reached. */
export class MulticastFailedError extends TomcatClusterError {
  readonly code = "MULTICAST_FAILED";
  override readonly retryable = true;

  constructor(address: string, port: number, problem: string, options?: ErrorOptions) {
    super(
      `The multicast group ${address} port ${port} cannot be used: ${problem}. Set "bind" of the Membership to the address of an interface that carries multicast, or use another Membership`,
      options,
    );
  }
}

/** Two RpcChannels of one channel with the same id. */
export class DuplicateRpcIdError extends TomcatClusterError {
  readonly code = "DUPLICATE_RPC_ID";

  constructor(rpcId: string) {
    super(`This channel has an RPC channel "${rpcId}" already: give each its own id`);
  }
}

/** A Java object that is no RpcMessage where one was expected, or a malformed one. */
export class MalformedRpcMessageError extends TomcatClusterError {
  readonly code = "MALFORMED_RPC_MESSAGE";
}

/** A key of the channel is missing or malformed. The message never contains any part of one. */
export class EncryptionKeyError extends TomcatClusterError {
  readonly code = "ENCRYPTION_KEY";
}

/** What a message would be after a layer has inflated it or put it together is more than this node accepts. */
export class MessageTooLargeError extends TomcatClusterError {
  readonly code = "MESSAGE_TOO_LARGE";

  constructor(what: string, maxFrameBytes: number) {
    super(`${what} more than "maxFrameBytes" (${maxFrameBytes}): raise it on the receiver to take such messages`);
  }
}

/** A FragmentationInterceptor does not take a piece of a message: the message as a whole has failed. */
export class PieceRefusedError extends TomcatClusterError {
  readonly code = "PIECE_REFUSED";

  constructor(why: string) {
    super(`A piece of a message is not taken: ${why}`);
  }
}

/** A message has waited too long for those before it, and forwardExpired of the OrderInterceptor is off. */
export class ExpiredMessageError extends TomcatClusterError {
  readonly code = "EXPIRED_MESSAGE";

  constructor(number: number, sender: string) {
    super(`Message ${number} of "${sender}" is dropped: those before it did not come, and "forwardExpired" is false`);
  }
}

/** A TwoPhaseCommitInterceptor has no message for a confirmation: it never came, was refused, or has expired. */
export class UnknownConfirmationError extends TomcatClusterError {
  readonly code = "UNKNOWN_CONFIRMATION";

  constructor(sender: string) {
    super(`"${sender}" confirms a message that is not here`);
  }
}

/** Why an encrypted channel takes a message for none of its own. */
export const ENCRYPTION_REFUSALS = [
  "too_short",
  "not_encrypted",
  "undecryptable",
  "old_format",
  "clock_skew",
  "replay",
  "forgotten",
] as const;
export type EncryptionRefusal = (typeof ENCRYPTION_REFUSALS)[number];

/** An encrypted channel refused a message, and has logged and counted it. */
export class RefusedByEncryptionError extends QuietRefusalError {
  readonly code = "REFUSED_BY_ENCRYPTION";
  readonly reason: EncryptionRefusal;
  override readonly isLoss: boolean;

  constructor(reason: EncryptionRefusal, explanation: string) {
    super(`An encrypted channel does not take the message (${reason}): ${explanation}`);
    this.reason = reason;
    this.isLoss = reason !== "replay";
  }
}
