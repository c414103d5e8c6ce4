// Failures of a worker's own life.
import { TomcatClusterError } from "../base/index.ts";

/** `stop` was called before the worker served. */
export class StartAbortedError extends TomcatClusterError {
  readonly code = "START_ABORTED";

  constructor() {
    super("The worker was told to stop while it was starting");
  }
}
