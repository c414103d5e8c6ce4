import assert from "node:assert/strict";
import { test } from "node:test";
import { desiredObjects } from "../../../../src/operator/desired/index.ts";
import { clusterOf, DESIRED_INPUTS, objectOf } from "../../../support/desired-inputs.ts";
import { knownMetrics } from "../../../support/known-metrics.ts";

test("every metric that an alert names is one that workers or balancers have", () => {
  const known = knownMetrics();
  const objects = desiredObjects(clusterOf({ monitoring: { prometheusRule: { enabled: true } } }), DESIRED_INPUTS);
  const [group] = objectOf(objects, "PrometheusRule", "shop").spec.groups;
  const expressions: readonly string[] = group.rules.map(({ expr }: { expr: string }) => expr);
  const named = expressions.flatMap((expression) => [...expression.matchAll(/\b(tomcat\w*)\{/g)].map((match) => match[1]!));
  assert.ok(named.length >= expressions.length);
  for (const name of named) assert.ok(known.has(name), name);
});
