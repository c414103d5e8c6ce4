// The valves of a cluster by class name.
import { CLASS_NAMES } from "../../config/index.ts";
import type { ValveFactory } from "../../container/index.ts";
import type { ReplicationMetrics } from "../replication-metrics.ts";
import { JvmRouteBinderValve } from "./jvm-route-binder-valve.ts";
import { ReplicationValve, type ReplicationValveCluster } from "./replication-valve.ts";

export function clusterValveFactories(
  cluster: ReplicationValveCluster & { readonly metrics: ReplicationMetrics },
): ReadonlyMap<string, ValveFactory> {
  return new Map<string, ValveFactory>([
    [CLASS_NAMES.replicationValve, (config) => new ReplicationValve(cluster, config.attributes)],
    [CLASS_NAMES.jvmRouteBinderValve, (config, place) => new JvmRouteBinderValve(cluster, config.attributes, place.jvmRoute)],
  ]);
}
