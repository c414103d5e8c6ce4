// The states of a worker as the balancer sees it, and the rules by which they follow from health checks and refused connections.

/**
 * `Unknown`: found, not yet heard of. `Serving`: takes requests. `Draining`: about to stop; keeps the sessions that are in use there.
 * `NotReady`: says so, or does not answer its health check. `Error`: refused a connection a moment ago.
 */
export const WORKER_STATES = ["Unknown", "Serving", "Draining", "NotReady", "Error"] as const;
export type WorkerState = (typeof WORKER_STATES)[number];

/** `Refused`: nobody listens. `Silent`: no answer in time, or the connection broke. */
export const HEALTH_RESULTS = ["Ready", "NotReady", "Draining", "Refused", "Silent"] as const;
export type HealthResult = (typeof HEALTH_RESULTS)[number];

export interface HealthThresholds {
  /** Consecutive failures that take a worker out. */
  readonly fall: number;
  /** Consecutive successes that bring it back. */
  readonly rise: number;
}

/** What health checks have said. Pure: time comes in with the calls. */
export class WorkerHealth {
  readonly #thresholds: HealthThresholds;
  #verdict: "Unknown" | "Ready" | "NotReady" | "Draining";
  /** The verdict before its health checks failed. */
  #beforeSilence: "Unknown" | "Ready" | "Draining" = "Unknown";
  #successes = 0;
  #failures = 0;
  #spokenFor = false;
  #drainOver = false;
  #silentSinceMs: number | undefined;
  #answeredMs = Number.NEGATIVE_INFINITY;

  /** Without health checks a worker is ready from the start. */
  constructor(thresholds: HealthThresholds, checked: boolean) {
    this.#thresholds = thresholds;
    this.#verdict = checked ? "Unknown" : "Ready";
  }

  get state(): Exclude<WorkerState, "Error"> {
    return this.#verdict === "Ready" ? "Serving" : this.#verdict;
  }

  /** Not ready by its own word, rather than for want of an answer. */
  get saidNotReady(): boolean {
    return this.#verdict === "NotReady" && this.#spokenFor;
  }

  /** Since when health checks have gone unanswered without a break; undefined while they are answered or refused. */
  get silentSinceMs(): number | undefined {
    return this.#silentSinceMs;
  }

  /** A worker's own word counts at once, missing answers by the thresholds; nobody listening is the end of a drain. */
  record(result: HealthResult, askedMs: number): void {
    // It has answered a request since.
    if (result === "Silent" && askedMs < this.#answeredMs) return;
    this.#silentSinceMs = result === "Silent" ? (this.#silentSinceMs ?? askedMs) : undefined;
    if (result === "Ready") {
      this.#failures = 0;
      this.#drainOver = false;
      this.#successes++;
      if (this.#successes >= this.#thresholds.rise) this.#verdict = "Ready";
      return;
    }
    this.#successes = 0;
    if (result === "Draining" || result === "NotReady") {
      this.#failures = 0;
      this.#spokenFor = true;
      this.#verdict = this.#drainOver ? "NotReady" : result;
      return;
    }
    this.#failures++;
    const gone = result === "Refused" && this.#verdict === "Draining";
    if (gone || this.#failures >= this.#thresholds.fall) {
      if (this.#verdict !== "NotReady") {
        this.#spokenFor = false;
        this.#beforeSilence = this.#verdict;
      }
      this.#verdict = "NotReady";
    }
  }

  /** It has answered a request: a health check that was asked before is no news. */
  answered(nowMs: number): void {
    this.#answeredMs = nowMs;
  }

  /** Whether a request was answered after this time: what failed is news of before. */
  hasAnsweredSince(monotonicMs: number): boolean {
    return this.#answeredMs > monotonicMs;
  }

  /**
   * The request was given to it before it was found silent. Who was cut off may have for a moment what nobody else has: a client whose
   * answer comes after all must not be sent elsewhere with its next request. Answers to later requests do not count: those reach a
   * silent worker for want of others. True when the state has changed.
   */
  answeredLate(): boolean {
    if (this.#verdict !== "NotReady" || this.#spokenFor) return false;
    this.#failures = 0;
    this.#silentSinceMs = undefined;
    this.#verdict = this.#beforeSilence === "Draining" ? "Draining" : "Ready";
    return true;
  }

  /**
   * Its data port refused a connection. True when that was the end of a drain: it takes no more requests, whatever its health
   * check goes on to say about draining, until it is ready again. Otherwise no news about health.
   */
  recordRefusedRequest(): boolean {
    if (this.#verdict !== "Draining") return false;
    this.#verdict = "NotReady";
    this.#drainOver = true;
    this.#spokenFor = true;
    return true;
  }
}
