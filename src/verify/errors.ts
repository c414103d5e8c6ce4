// What keeps a comparison from being made.
import { TomcatClusterError } from "../base/index.ts";

/** An address of a management port that is none. */
export class InvalidUrlError extends TomcatClusterError {
  readonly code = "INVALID_URL";

  constructor(url: string) {
    super(`"${url}" is not the address of a management port: write it as http://127.0.5.2:9090`);
  }
}

/** A worker did not answer, or not as a worker does. */
export class WorkerAnswerError extends TomcatClusterError {
  readonly code = "WORKER_ANSWER";

  constructor(url: string, problem: string, options?: { cause: unknown }) {
    super(`"${url}" ${problem}`, options);
  }
}
