// The port of discovery: where workers come from. DNS, EndpointSlices and a fixed list implement it.
import type { Lifecycle } from "../../../base/index.ts";

export interface WorkerDescription {
  /** Unique; the identity of a worker over changes of its address. */
  readonly name: string;
  readonly route: string;
  /** An IP address. */
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  /** It is about to end: it keeps the sessions that are in use there, and gets nothing else (rule 18). */
  readonly leaving: boolean;
  /** Where its health check is; undefined: where the settings say. */
  readonly managementPort: number | undefined;
}

export interface Discovery extends Lifecycle {
  /**
   * Resolves after the first look, whatever it found. From then on `onWorkers` hears the complete list after every definitive
   * look; no news is no call.
   */
  start(): Promise<void>;
  /** Set once before `start`. */
  onWorkers: (workers: readonly WorkerDescription[]) => void;
  /** Whether the last look was a definitive one. */
  readonly isUp: boolean;
}

/** What can be a worker's name: it is a route too (balancer.md 4.1). */
export const WORKER_NAME = /^[A-Za-z0-9_-]{1,59}$/;
export const MAX_WORKERS = 1000;
