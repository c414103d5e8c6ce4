// Every metric that a worker, a balancer or an operator has, as their registries tell them.
import { BalancerMetrics } from "../../src/balancer/balancer-metrics.ts";
import { createProcessRegistry, type Registry, silentLogger, systemClock, systemRandom } from "../../src/base/index.ts";
import { ChannelMetrics } from "../../src/channel/channel-metrics.ts";
import { TransportMetrics } from "../../src/channel/transport/transport-metrics.ts";
import { HttpMetrics } from "../../src/connector/http/http-metrics.ts";
import { SessionMetrics } from "../../src/container/session/session-metrics.ts";
import { type Credentials, KubeClient } from "../../src/kube/index.ts";
import { ClusterMetrics } from "../../src/operator/cluster-metrics.ts";
import { ControllerMetrics, LeaderElector } from "../../src/operator/controller/index.ts";
import { ReplicationMetrics } from "../../src/replication/replication-metrics.ts";

/** Names of its labels, by name as it stands in queries: histograms have three. */
export function knownMetrics(): ReadonlyMap<string, readonly string[]> {
  const registries = [workerRegistry(), balancerRegistry(), operatorRegistry()];
  const metrics = registries.flatMap((registry) => registry.getMetricsAsArray()) as unknown as readonly Metric[];
  return new Map(
    metrics.flatMap(({ name, labelNames, buckets }): [string, readonly string[]][] =>
      buckets === undefined
        ? [[name, labelNames]]
        : [
            [`${name}_bucket`, [...labelNames, "le"]],
            [`${name}_sum`, labelNames],
            [`${name}_count`, labelNames],
          ],
    ),
  );
}

interface Metric {
  readonly name: string;
  readonly labelNames: readonly string[];
  /** Of histograms. */
  readonly buckets?: readonly number[];
}

function workerRegistry(): Registry {
  const registry = createProcessRegistry();
  new ChannelMetrics(registry);
  new TransportMetrics(registry);
  ReplicationMetrics.of(registry);
  SessionMetrics.of(registry);
  HttpMetrics.of(registry);
  return registry;
}

function balancerRegistry(): Registry {
  const registry = createProcessRegistry();
  new BalancerMetrics(registry, { workers: () => [], requestsInFlight: () => 0, clientConnections: () => 0, isDiscoveryUp: () => true });
  return registry;
}

function operatorRegistry(): Registry {
  const registry = createProcessRegistry();
  const deps = { clock: systemClock, random: systemRandom, logger: silentLogger, registry };
  const client = new KubeClient({ ...deps, credentials: NOBODY }, { userAgent: "test" });
  new LeaderElector({ ...deps, client, onLost: () => undefined }, { namespace: "default", name: "lease", identity: "one" });
  new ControllerMetrics(registry, systemClock);
  new ClusterMetrics(deps, () => []);
  return registry;
}

/** Nothing is asked with them. */
const NOBODY: Credentials = {
  access: () => Promise.reject(new Error("There is no API server")),
  refused: () => undefined,
};
