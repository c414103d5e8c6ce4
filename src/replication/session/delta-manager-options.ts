// What a DeltaManager is told.
import type { StateJoinerOptions } from "../state-transfer/state-joiner.ts";
import type { ClusterManagerOptions } from "./cluster-manager-base.ts";

export interface DeltaManagerOptions extends ClusterManagerOptions {
  /** Default 60 000: a donor that is silent for so long is given up for the next one. Tomcat starts empty then; ours never does. */
  readonly stateTransferTimeoutMs?: number;
  /** Default false: sessions outlive this worker on the others. */
  readonly expireSessionsOnShutdown?: boolean;
  /** Messages that wait for the end of the state transfer; default 64 MiB. */
  readonly maxReceiveQueueBytes?: number;
}

const DEFAULT_STATE_TRANSFER_TIMEOUT_MS = 60_000;
const DEFAULT_RECEIVE_QUEUE_BYTES = 67_108_864;

/** What of it concerns the state transfer. */
export function joinerOptions({ stateTransferTimeoutMs, maxReceiveQueueBytes }: DeltaManagerOptions): StateJoinerOptions {
  return {
    stallTimeoutMs: stateTransferTimeoutMs ?? DEFAULT_STATE_TRANSFER_TIMEOUT_MS,
    maxQueueBytes: maxReceiveQueueBytes ?? DEFAULT_RECEIVE_QUEUE_BYTES,
  };
}
