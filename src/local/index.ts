export { describeEvent, type LocalEvent, type ReadyEvent } from "./events.ts";
export { LocalCluster, type LocalClusterDeps, type LocalClusterOptions } from "./local-cluster.ts";
export { type LoopbackNetwork, parseNetwork } from "./loopback-network.ts";
export { planCluster } from "./plan-cluster.ts";
export { fetchReadiness } from "./readiness-probe.ts";
export { fetchServingWorkers } from "./serving-workers.ts";
export { welcome } from "./welcome.ts";
