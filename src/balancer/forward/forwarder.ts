// The port of protocols towards workers: one forwarder a worker, one attempt a try of a request. HTTP implements it; AJP's place is beside it.
import type { Duplex, Readable } from "node:stream";
import type { GatedRequest, ResponseHead } from "../../protocol/index.ts";

/**
 * `Refused`: no connection came about, so nothing was sent. `Lost`: the connection ended before the answer did.
 * `BadAnswer`: the worker answered something that is not HTTP, or more than the limits allow.
 * `Unsendable`: the request cannot be written in this protocol.
 */
export type AttemptFailureKind = "Refused" | "Lost" | "BadAnswer" | "Unsendable";

export interface AttemptFailure {
  readonly kind: AttemptFailureKind;
  /** The connection had carried a request before: the worker may have closed it while it was idle. */
  readonly reusedConnection: boolean;
  readonly cause: Error;
}

export interface OutgoingRequest {
  readonly head: GatedRequest;
  /** Whole, or a stream that ends with the body and whose destruction leaves the client's connection alone. */
  readonly body: Buffer | Readable | undefined;
  /** Repeating it does no harm (rule 19): it may travel on any idle connection. */
  readonly idempotent: boolean;
  /** Only on a connection made for it. */
  readonly freshConnection: boolean;
}

/**
 * Hears about one attempt, in this order: `answerStarted`, `answerData` any number of times, `answerEnded`; or `upgraded`
 * alone; or at any point `attemptFailed`, after which nothing more comes. Never called from within `forward`.
 * Nothing is called after `Attempt.abort`.
 */
export interface AttemptListener {
  /** Throws when the head cannot be passed on; the attempt then fails as a `BadAnswer`. */
  answerStarted(status: number, head: ResponseHead): void;
  /** False: no further data until `Attempt.resume`. */
  answerData(chunk: Buffer): boolean;
  answerEnded(): void;
  /** The worker has switched protocols; the socket, paused, is the listener's from now on. */
  upgraded(head: ResponseHead, socket: Duplex): void;
  attemptFailed(failure: AttemptFailure): void;
}

export interface Attempt {
  resume(): void;
  /** Gives the attempt up and closes its connection. */
  abort(): void;
}

export interface Forwarder {
  forward(request: OutgoingRequest, listener: AttemptListener): Attempt;
  readonly idleConnections: number;
  readonly activeConnections: number;
  /** Closes idle connections now and active ones after their answers. */
  close(): void;
}
