// What can go wrong in the container, a class per failure.
import { TomcatClusterError } from "../base/index.ts";
import type { Location } from "../config/index.ts";

/** Thrown when something is asked of an object whose time is over, such as an invalidated session. Servlet: IllegalStateException. */
export class IllegalStateError extends TomcatClusterError {
  readonly code = "ILLEGAL_STATE";
}

/**
 * What may go well in a moment. Web frameworks read `status`, `statusCode` and `headers` of an error, so an application that does not
 * catch it answers 503 with Retry-After, whatever framework it is written in.
 */
export abstract class UnavailableError extends TomcatClusterError {
  override readonly retryable = true;
  readonly status = 503;
  readonly statusCode = 503;
  readonly expose = false;
  abstract readonly headers: Readonly<Record<string, string>>;
  /** For the client, where the application says nothing. */
  abstract readonly sentence: string;
}

/** A session is on other workers, none of which answers (BackupManager): it may be there when one is back. */
export class SessionUnreachableError extends UnavailableError {
  readonly code = "SESSION_UNREACHABLE";
  readonly headers = { "Retry-After": "1" };
  readonly sentence = "The server that has your session does not answer. Try again in a moment.";

  constructor(manager: string, options: { readonly cause: Error }) {
    super(`"${manager}" cannot get a session from the workers that have it`, options);
  }
}

/** Thrown by `createSession` at a limit (rule 22). */
export class TooManySessionsError extends UnavailableError {
  readonly code = "TOO_MANY_SESSIONS";
  readonly headers = { "Retry-After": "10" };
  readonly sentence = "The server has too many sessions. Try again in a moment.";

  constructor(manager: string, reason: string) {
    super(`"${manager}" takes no new session: ${reason}`);
  }
}

/** Thrown when an application writes a property of a session that is none of HttpSession's. */
export class SessionPropertyError extends TomcatClusterError {
  readonly code = "SESSION_PROPERTY";

  constructor(property: string) {
    super(`A session has no property "${property}" that can be assigned: use setAttribute("${property}", value), which is replicated`);
  }
}

/** Thrown while a web application is loaded; the context then answers 503. */
export class ApplicationLoadError extends TomcatClusterError {
  readonly code = "APPLICATION_LOAD";
}

/** Thrown for a valve whose class no registry knows. */
export class UnknownValveError extends TomcatClusterError {
  readonly code = "UNKNOWN_VALVE";

  constructor(className: string, location: Location, known: Iterable<string>) {
    super(`${location.file}:${location.line}:${location.column}: unknown valve "${className}". Known: ${[...known].sort().join(", ")}`);
  }
}

/** Thrown for an access log pattern with a directive that is not known. */
export class AccessLogPatternError extends TomcatClusterError {
  readonly code = "ACCESS_LOG_PATTERN";

  constructor(directive: string, known: string) {
    super(`Access log pattern: unknown directive "${directive}". Known: ${known}`);
  }
}

/** Thrown for two contexts of one host with the same path. */
export class DuplicateContextError extends TomcatClusterError {
  readonly code = "DUPLICATE_CONTEXT";

  constructor(host: string, path: string) {
    super(`Host "${host}" has two contexts with the path "${path}": give one of them another path`);
  }
}

/** Thrown by a setter of a response's head after the application committed it; the code is Node's, since applications look at it. */
export class HeadersSentError extends TomcatClusterError {
  readonly code = "ERR_HTTP_HEADERS_SENT";

  constructor(action: string) {
    super(`Cannot ${action} headers after they are sent to the client`);
  }
}

/** Thrown by writeHead; the code is Node's. */
export class InvalidStatusCodeError extends TomcatClusterError {
  readonly code = "ERR_HTTP_INVALID_STATUS_CODE";

  constructor(status: unknown) {
    super(`Invalid status code: ${String(status)}`);
  }
}
