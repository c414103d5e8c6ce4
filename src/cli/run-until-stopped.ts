// How a running command ends: by signal in good order, by a second signal or a lost parent at once, by an uncaught error with code 1.
import { constants } from "node:os";

export interface RunningService {
  /** Ends in good order. Called at most once. */
  stop(): Promise<void>;
  /** Last moment before an exit that does not wait: must be quick and synchronous. */
  abandon?(): void;
  /** An error that nothing caught; the service is stopped and the exit code is 1. */
  onUncaughtError(error: unknown): void;
  /** `stop` failed. */
  onStopFailed(error: unknown): void;
}

const STOP_SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;
/** npm forwards the Ctrl+C that the terminal delivers too: signals so close together are one wish. */
const SAME_WISH_MS = 500;

export interface Ending {
  /** Ends the process as a stop signal would, with this exit code. */
  begin(exitCode: number): void;
}

const leaveUnstarted = (signal: NodeJS.Signals) => process.exit(128 + constants.signals[signal]);

/**
 * A stop signal ends this process until `runUntilStopped` takes over. That is what signals do anyway, but not to process 1 of a container:
 * one that is told to stop while it loads would stay until it is killed.
 */
export function endOnSignals(): void {
  for (const signal of STOP_SIGNALS) process.on(signal, leaveUnstarted);
}

/**
 * Takes over the end of this process. `service` may be started after the call: a signal before that is answered by the same `stop`,
 * which has to cope with it.
 */
export function runUntilStopped(service: RunningService): Ending {
  let endingSinceMs: number | undefined;
  const begin = (exitCode: number) => {
    if (endingSinceMs !== undefined) return;
    endingSinceMs = performance.now();
    service.stop().then(
      () => process.exit(exitCode),
      (error: unknown) => {
        service.onStopFailed(error);
        process.exit(1);
      },
    );
  };
  const leaveAtOnce = () => {
    service.abandon?.();
    process.exit(1);
  };
  for (const signal of STOP_SIGNALS) {
    process.off(signal, leaveUnstarted);
    process.on(signal, () => {
      if (endingSinceMs === undefined) begin(0);
      else if (performance.now() - endingSinceMs > SAME_WISH_MS) leaveAtOnce();
    });
  }
  process.on("uncaughtException", (error) => {
    service.onUncaughtError(error);
    begin(1);
  });
  if (process.channel) {
    // The parent is `local`. Gone without a word, it can neither answer DNS queries nor start anything again.
    process.once("disconnect", leaveAtOnce);
    process.channel.unref();
  }
  return { begin };
}
