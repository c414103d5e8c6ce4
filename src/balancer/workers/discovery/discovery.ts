// The port of discovery: where workers come from. DNS and a fixed list implement it; a watch of EndpointSlices has its place beside them.
import type { Lifecycle } from "../../../base/index.ts";

export interface WorkerDescription {
  /** Unique; the identity of a worker over changes of its address. */
  readonly name: string;
  readonly route: string;
  /** An IP address. */
  readonly address: string;
  readonly port: number;
  readonly weight: number;
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
}
