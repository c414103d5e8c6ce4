// Which failed requests are worth sending again, and when. Only those that cannot happen twice.
import { type BackOff, backOffMs, type Random } from "../base/index.ts";
import { ApiError, ConnectionError } from "./errors.ts";

/** Doing these twice is doing them once: an apply sets the same fields, a deletion names a uid. A replace fails on its old version. */
const REPEATABLE_METHODS = new Set(["GET", "PATCH", "DELETE"]);
const BACK_OFF: BackOff = { baseMs: 200, maxMs: 10_000 };
/** A server that asks for more is asked again by whoever wanted the request. */
const MAX_RETRY_AFTER_MS = 30_000;

/** Milliseconds until the next attempt, or undefined when the failure is the caller's to know. `failures`: 1 after the first. */
export function retryDelayMs(error: unknown, method: string, failures: number, random: Random): number | undefined {
  if (error instanceof ConnectionError) {
    return error.neverSent || REPEATABLE_METHODS.has(method) ? backOffMs(BACK_OFF, failures, random) : undefined;
  }
  if (!(error instanceof ApiError)) return undefined;
  // A token that ended is read anew before the second attempt.
  const isTokenOver = error.statusCode === 401 && failures === 1;
  if (!isTokenOver && !isRefusedForNow(error, method)) return undefined;
  const retryAfterMs = error.retryAfterMs ?? 0;
  if (retryAfterMs > MAX_RETRY_AFTER_MS) return undefined;
  return retryAfterMs + backOffMs(BACK_OFF, failures, random);
}

/** 429 and 503 come from a server that has not begun; behind any other 5xx something may have been done. */
function isRefusedForNow({ statusCode, retryable }: ApiError, method: string): boolean {
  if (statusCode === 429 || statusCode === 503) return true;
  return statusCode >= 500 && retryable && REPEATABLE_METHODS.has(method);
}
