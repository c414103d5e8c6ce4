// What a manager needs of its cluster.
import type { Replicator } from "../peers/replicator.ts";
import type { ReplicationMetrics } from "../replication-metrics.ts";
import type { Standstill } from "../standstill.ts";
import type { JoinerGroup } from "../state-transfer/state-joiner.ts";
import type { DeltaManager } from "./delta-manager.ts";

/** The cluster as its managers see it. */
export interface ManagerCluster {
  readonly group: JoinerGroup;
  readonly replicator: Replicator;
  readonly metrics: ReplicationMetrics;
  readonly standstill: Pick<Standstill, "missesNews">;
  /** From here on messages for this name go to the manager. Throws when the name is taken. */
  addManager(manager: DeltaManager): void;
  removeManager(manager: DeltaManager): void;
}
