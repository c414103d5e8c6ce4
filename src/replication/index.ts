export {
  type ClusterChannel,
  type ClusterDescription,
  SimpleTcpCluster,
  type SimpleTcpClusterDeps,
  type SimpleTcpClusterOptions,
} from "./cluster.ts";
export type { PeerDescription } from "./peers/replicator.ts";
export type { ClusterManagerDescription } from "./session/cluster-manager-base.ts";
export { DeltaManager } from "./session/delta-manager.ts";
