// What a manager needs of its cluster.
import type { ChannelMetrics } from "../../channel/index.ts";
import type { MapChannel } from "../map/index.ts";
import type { Replicator } from "../peers/replicator.ts";
import type { ReplicationMetrics } from "../replication-metrics.ts";
import type { Standstill } from "../standstill.ts";
import type { JoinerGroup } from "../state-transfer/state-joiner.ts";
import type { ClusterManagerBase } from "./cluster-manager-base.ts";

/** The cluster as its managers see it. */
export interface ManagerCluster {
  readonly group: JoinerGroup;
  /** For maps that managers share with those of other members. */
  readonly channel: MapChannel;
  readonly rpcMetrics: Pick<ChannelMetrics, "rpcCalls">;
  readonly replicator: Replicator;
  readonly metrics: ReplicationMetrics;
  readonly standstill: Pick<Standstill, "missesNews">;
  /** From here on messages for this name go to the manager. Throws when the name is taken. */
  addManager(manager: ClusterManagerBase): void;
  removeManager(manager: ClusterManagerBase): void;
}
