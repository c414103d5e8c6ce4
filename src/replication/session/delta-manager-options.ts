// What a DeltaManager is told, and what it tells of itself.
import type { ManagerOptions } from "../../container/index.ts";
import type { StateJoinerOptions } from "../state-transfer/state-joiner.ts";

export interface DeltaManagerOptions extends ManagerOptions {
  /** The name on the wire: "localhost#/app" with the cluster in an Engine, "/app" in a Host. */
  readonly contextName: string;
  /** Default 60 000: a donor that is silent for so long is given up for the next one. Tomcat starts empty then; ours never does. */
  readonly stateTransferTimeoutMs?: number;
  /** Default false: sessions outlive this worker on the others. */
  readonly expireSessionsOnShutdown?: boolean;
  /** Default false: of several changes of one attribute only the last travels. */
  readonly recordAllActions?: boolean;
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

export interface DeltaManagerDescription {
  readonly contextName: string;
  readonly sessions: number;
  readonly primarySessions: number;
  readonly sessionsAtRisk: number;
  readonly stateTransferred: boolean;
  readonly receivedQueueSize: number;
  /** Undefined unless asked for: it encodes every session (SessionInventory). */
  readonly digest: string | undefined;
}
