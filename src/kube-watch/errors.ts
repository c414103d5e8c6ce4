// What can go wrong between a pod and the API server: one class per failure, each with its stable code.
import { TomcatClusterError } from "../base/index.ts";

/** The API server answered, and not with what was asked for. */
export class ApiRefusalError extends TomcatClusterError {
  readonly code = "API_REFUSAL";
  override readonly retryable = true;
  /** The HTTP status: 403. */
  readonly status: number;
  /** How long the server asks to be left alone; 0: it does not say. */
  readonly retryAfterMs: number;

  constructor(path: string, status: number, message: string, retryAfterMs = 0) {
    super(`"${path}" was answered ${status}${message === "" ? "" : `: ${message}`}`);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** No connection, or one that broke. */
export class ApiConnectionError extends TomcatClusterError {
  readonly code = "API_CONNECTION";
  override readonly retryable = true;

  constructor(path: string, cause: Error) {
    super(`"${path}" could not be read: ${cause.message}`, { cause });
  }
}

/** Nothing came for longer than a living API server is silent. */
export class ApiSilenceError extends TomcatClusterError {
  readonly code = "API_SILENCE";
  override readonly retryable = true;

  constructor(path: string, silenceMs: number) {
    super(`"${path}": the API server said nothing for ${silenceMs} ms`);
  }
}

/** No JSON, no object, or more than is kept. */
export class ApiAnswerError extends TomcatClusterError {
  readonly code = "API_ANSWER";
  override readonly retryable = true;

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`The answer to "${path}" cannot be used: ${reason}`, options);
  }
}
