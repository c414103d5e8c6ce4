// Time comes in from outside: production code takes a Clock, tests take a clock that they move by hand.

/** A pending timer. Cancelling one that has fired, or cancelling twice, does nothing. */
export interface Timer {
  cancel(): void;
}

/** The only source of time and of delayed calls outside `cli`. All durations are milliseconds. */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC; may jump when the machine's clock is set. For time stamps that leave the process. */
  now(): number;
  /** Milliseconds from an arbitrary origin; never jumps back. For durations and deadlines. */
  monotonic(): number;
  /** Calls `task` once after `delayMs`. The timer alone does not keep the process alive. */
  setTimeout(task: () => void, delayMs: number): Timer;
  /** Calls `task` every `periodMs` until cancelled. The timer alone does not keep the process alive. */
  setInterval(task: () => void, periodMs: number): Timer;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout(task, delayMs) {
    const timer = setTimeout(task, delayMs).unref();
    return { cancel: () => clearTimeout(timer) };
  },
  setInterval(task, periodMs) {
    const timer = setInterval(task, periodMs).unref();
    return { cancel: () => clearInterval(timer) };
  },
};

/** Resolves after `delayMs` of the given clock; rejects with the signal's reason when it is aborted first. */
export function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, delayMs);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
