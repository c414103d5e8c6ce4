// Failures of session replication.
import { TomcatClusterError } from "../base/index.ts";
import { QuietRefusalError } from "../channel/index.ts";

/** An object arrived where one of another class is expected. */
export class UnexpectedMessageError extends TomcatClusterError {
  readonly code = "UNEXPECTED_MESSAGE";

  constructor(expected: string, found: string) {
    super(`Expected "${expected}", received "${found}"; check that all members run compatible versions`);
  }
}

/** A change of a session that this worker does not have: refused, so that its sender sends the whole session (rule 12). */
export class UnknownSessionError extends QuietRefusalError {
  readonly code = "UNKNOWN_SESSION";

  constructor(context: string, sessionHash: string) {
    super(`Session "${sessionHash}" is not known in "${context}"; its sender has to send all of it`);
  }
}

/** A delta of ours that does not follow on what this worker has: one before it was lost. Its sender sends the whole session. */
export class MissedDeltaError extends QuietRefusalError {
  readonly code = "MISSED_DELTA";

  constructor(context: string, sessionHash: string, expectedVersion: number, version: number) {
    super(
      `Session "${sessionHash}" of "${context}" expected version ${expectedVersion} and received ${version}; ` +
        "its sender has to send all of it",
    );
  }
}

/** A delta of a member that has been away: this worker's copy has changes which that one lacked. It gets the newer copy. */
export class OutdatedDeltaError extends QuietRefusalError {
  readonly code = "OUTDATED_DELTA";

  constructor(context: string, sessionHash: string, version: number, received: number) {
    super(
      `Session "${sessionHash}" of "${context}" has version ${version} here and received ${received}; its sender takes over the newer one`,
    );
  }
}

/** A session that was sent whole, and alone, has fewer changes than this worker's copy, which stays: its sender may not count on this one. */
export class OutdatedCopyError extends QuietRefusalError {
  readonly code = "OUTDATED_COPY";

  constructor(context: string, sessionHash: string, version: number, received: number) {
    super(`Session "${sessionHash}" of "${context}" has version ${version} here and was sent with ${received}; this copy stays`);
  }
}

/** A member refuses a message that changes nothing: its manager hears of none. */
export class UnheardError extends TomcatClusterError {
  readonly code = "UNHEARD";
  override readonly retryable = true;

  constructor(member: string, cause: Error) {
    super(`Member "${member}" refuses every message, before its manager has heard of it: its log says why`, { cause });
  }
}

/** The data of a message does not belong to the session that the message names, or lacks what its type needs. */
export class InvalidSessionMessageError extends TomcatClusterError {
  readonly code = "INVALID_SESSION_MESSAGE";

  constructor(problem: string) {
    super(`${problem}; check the version of the member that sent it`);
  }
}

/** `setAttribute` was given a value that cannot travel (rule 15). */
export class UnreplicableAttributeError extends TomcatClusterError {
  readonly code = "UNREPLICABLE_ATTRIBUTE";
  readonly attribute: string;

  constructor(attribute: string, options: { cause: Error }) {
    super(`Cannot keep attribute "${attribute}" in a replicated session: ${options.cause.message}`, options);
    this.attribute = attribute;
  }
}

/** More arrived during a state transfer than may wait for its end; the sender keeps it for later. */
export class ReceiveQueueFullError extends TomcatClusterError {
  readonly code = "RECEIVE_QUEUE_FULL";
  override readonly retryable = true;

  constructor(context: string, maxBytes: number) {
    super(`More than ${maxBytes} bytes of messages for "${context}" arrived during its state transfer; send them again afterwards`);
  }
}

/** The manager was stopped while it waited for state. */
export class StateTransferAbortedError extends TomcatClusterError {
  readonly code = "STATE_TRANSFER_ABORTED";

  constructor(context: string) {
    super(`The state transfer of "${context}" was aborted because the worker stops`);
  }
}

/** A member that says hello has not got yet what it missed: it gets its answer when it has (rule 4). */
export class MemberBehindError extends TomcatClusterError {
  readonly code = "MEMBER_BEHIND";
  override readonly retryable = true;

  constructor(member: string) {
    super(`"${member}" has yet to catch up with the changes that it missed; its next hello may find that it has`);
  }
}

/** A configured regular expression cannot be used. */
export class InvalidPatternError extends TomcatClusterError {
  readonly code = "INVALID_PATTERN";

  constructor(attribute: string, pattern: string, options: { cause: Error }) {
    super(`"${pattern}" of "${attribute}" is not a usable regular expression: ${options.cause.message}`, options);
  }
}

/** Two contexts of one cluster have the same manager name: with the cluster in a Host, contexts of different hosts. */
export class DuplicateManagerError extends TomcatClusterError {
  readonly code = "DUPLICATE_MANAGER";

  constructor(contextName: string) {
    super(`The cluster has a manager "${contextName}" already; stop that one first`);
  }
}
