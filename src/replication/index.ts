export {
  type ClusterChannel,
  type ClusterDescription,
  SimpleTcpCluster,
  type SimpleTcpClusterDeps,
  type SimpleTcpClusterOptions,
} from "./cluster.ts";
export type { PeerDescription } from "./peers/replicator.ts";
export { DeltaManager } from "./session/delta-manager.ts";
export type { DeltaManagerDescription } from "./session/delta-manager-options.ts";
