import assert from "node:assert/strict";
import { test } from "node:test";
import { BalancerMetrics } from "../../../../src/balancer/balancer-metrics.ts";
import { Registry } from "../../../../src/base/index.ts";
import { ChannelMetrics } from "../../../../src/channel/channel-metrics.ts";
import { desiredObjects } from "../../../../src/operator/desired/index.ts";
import { ReplicationMetrics } from "../../../../src/replication/replication-metrics.ts";
import { clusterOf, DESIRED_INPUTS, objectOf } from "../../../support/desired-inputs.ts";

test("every metric that an alert names is one that workers or balancers have", () => {
  const registry = new Registry();
  new ChannelMetrics(registry);
  new ReplicationMetrics(registry);
  new BalancerMetrics(registry, { workers: () => [], requestsInFlight: () => 0, clientConnections: () => 0, isDiscoveryUp: () => true });
  const known = registry.getMetricsAsArray().map(({ name }) => name);

  const objects = desiredObjects(clusterOf({ monitoring: { prometheusRule: { enabled: true } } }), DESIRED_INPUTS);
  const [group] = objectOf(objects, "PrometheusRule", "shop").spec.groups;
  const expressions: readonly string[] = group.rules.map(({ expr }: { expr: string }) => expr);
  const named = expressions.flatMap((expression) => [...expression.matchAll(/\b(tomcat\w*)\{/g)].map((match) => match[1]!));
  assert.ok(named.length >= expressions.length);
  for (const name of named) assert.ok(known.includes(name), name);
});
