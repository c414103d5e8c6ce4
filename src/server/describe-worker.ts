// What the /cluster page of the management port shows at least: this worker's view of its group and of its applications.
import type { ChannelDescription, GroupChannel } from "../channel/index.ts";
import type { Engine } from "../container/index.ts";
import type { ClusterDescription, SimpleTcpCluster } from "../replication/index.ts";

/**
 * `draining`: about to stop; balancers keep sessions here that are in use. `stopping`: the deadline of the drain is near; they are to
 * send nothing more, and move those too (rule 18).
 */
export type WorkerState = "starting" | "serving" | "draining" | "stopping";

export interface ContextDescription {
  readonly name: string;
  readonly path: string;
  readonly state: string;
  readonly sessions: number;
  /** Why it failed to start. */
  readonly failure?: string;
}

export type WorkerDescription = {
  readonly state: WorkerState;
  readonly jvmRoute: string | undefined;
  readonly contexts: readonly ContextDescription[];
} & Partial<ChannelDescription> &
  Partial<ClusterDescription>;

export interface WorkerParts {
  readonly state: WorkerState;
  readonly channel: GroupChannel | undefined;
  readonly cluster: SimpleTcpCluster | undefined;
  readonly engine: Engine | undefined;
}

export function describeWorker({ state, channel, cluster, engine }: WorkerParts): WorkerDescription {
  const contexts = engine?.contexts.map((context) => ({
    name: context.name,
    path: context.path,
    state: context.state,
    sessions: context.manager?.activeSessions ?? 0,
    ...(context.failure ? { failure: context.failure.message } : {}),
  }));
  return { state, jvmRoute: engine?.jvmRoute, ...channel?.describe(), ...cluster?.describe(), contexts: contexts ?? [] };
}
