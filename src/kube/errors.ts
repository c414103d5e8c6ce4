// What can go wrong between us and the API server: one class per failure, each with its stable code.
import { systemErrorCode, TomcatClusterError } from "../base/index.ts";
import type { ObjectRef, Status } from "./kube-object.ts";

/** The reasons that this project looks at (metav1.StatusReason); the API server has more. */
export type ApiErrorReason =
  | "AlreadyExists"
  | "Conflict"
  | "Expired"
  | "Forbidden"
  | "Invalid"
  | "NotFound"
  | "TooManyRequests"
  | "Unauthorized";

/** Of a 500: what was to be applied has a field that its kind does not have, or one of another type. */
const UNREADABLE = "failed to create typed patch object";

/** The API server answered, with a refusal or a failure. */
export class ApiError extends TomcatClusterError {
  readonly code: string = "KUBE_API";
  override readonly retryable: boolean;
  /** The HTTP status: 404. */
  readonly statusCode: number;
  /** "NotFound"; empty when the answer was no Status, as a proxy's. */
  readonly reason: string;
  readonly status: Status | undefined;
  /** How long the server asks to be left alone. */
  readonly retryAfterMs: number | undefined;

  constructor(what: string, statusCode: number, status: Status | undefined, text: string, retryAfterMs?: number) {
    const reason = status?.reason ?? "";
    const message = status?.message ?? text.slice(0, 200).trim();
    super(`${what} was answered ${statusCode}${reason === "" ? "" : ` ${reason}`}${message === "" ? "" : `: ${message}`}`);
    this.statusCode = statusCode;
    this.reason = reason;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
    this.retryable = statusCode === 409 || statusCode === 429 || (statusCode >= 500 && !message.startsWith(UNREADABLE));
  }
}

/** Whether the API server said this. Compares HTTP status too where a proxy may have answered without a reason. */
export function isApiError(error: unknown, reason: ApiErrorReason): error is ApiError {
  if (!(error instanceof ApiError)) return false;
  // "Gone" is the older name that some 410 still carry.
  if (reason === "Expired") return error.statusCode === 410 || error.reason === "Expired" || error.reason === "Gone";
  return error.reason === reason;
}

/** A PodDisruptionBudget does not let the pod go now. */
export class EvictionBlockedError extends ApiError {
  override readonly code = "EVICTION_BLOCKED";

  constructor(pod: ObjectRef, refusal: ApiError) {
    super(`The eviction of pod "${pod.namespace}/${pod.name}"`, refusal.statusCode, refusal.status, "", refusal.retryAfterMs);
  }
}

/** No answer in time. Whether the request took effect is not known. */
export class RequestTimeoutError extends TomcatClusterError {
  readonly code = "KUBE_TIMEOUT";
  override readonly retryable = true;

  constructor(what: string, timeoutMs: number) {
    super(`${what} had no answer within ${timeoutMs} ms`);
  }
}

/** System errors after which the request cannot have reached the API server. */
const NEVER_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT"]);

/** The connection could not be made, or broke before the answer was complete. */
export class ConnectionError extends TomcatClusterError {
  readonly code = "KUBE_CONNECTION";
  override readonly retryable = true;
  /** False when the request may have taken effect. */
  readonly neverSent: boolean;

  constructor(what: string, cause: Error) {
    super(`${what} failed: ${cause.message}`, { cause });
    this.neverSent = NEVER_SENT.has(systemErrorCode(cause) ?? "");
  }
}

/** A request came after the client's stop. */
export class ClientStoppedError extends TomcatClusterError {
  readonly code = "KUBE_STOPPED";

  constructor() {
    super("The Kubernetes client has been stopped");
  }
}

/** An answer that is no JSON, has more bytes than are accepted, or misses what every object has. */
export class InvalidAnswerError extends TomcatClusterError {
  readonly code = "KUBE_INVALID_ANSWER";
  override readonly retryable = true;
}

/** Nothing came on a watch for longer than a living API server is silent as a rule. */
export class SilentWatchError extends TomcatClusterError {
  readonly code = "KUBE_SILENT_WATCH";
  override readonly retryable = true;

  constructor(path: string, silenceMs: number) {
    super(`The watch of "${path}" was silent for ${silenceMs} ms`);
  }
}

/** A watch came to a version before the last one: etcd was put back to an earlier state. */
export class TimeTravelError extends TomcatClusterError {
  readonly code = "KUBE_TIME_TRAVEL";
  override readonly retryable = true;

  constructor(plural: string, version: string, lastVersion: string) {
    super(`The watch of ${plural} went back from version ${lastVersion} to ${version}`);
  }
}

/** An informer's first list did not arrive in time. */
export class SyncTimeoutError extends TomcatClusterError {
  readonly code = "KUBE_SYNC_TIMEOUT";
  override readonly retryable = true;

  constructor(plural: string, timeoutMs: number, cause: Error | undefined) {
    const reason = cause ? `: ${cause.message}` : "";
    super(`The list of ${plural} could not be read within ${timeoutMs} ms${reason}`, cause ? { cause } : undefined);
  }
}

/** No kubeconfig, or one that cannot be used. */
export class CredentialsError extends TomcatClusterError {
  readonly code = "KUBE_CREDENTIALS";

  constructor(reason: string, options?: ErrorOptions) {
    super(`No credentials for a Kubernetes API server: ${reason}. Give --kubeconfig, set KUBECONFIG, or run in a pod`, options);
  }
}
