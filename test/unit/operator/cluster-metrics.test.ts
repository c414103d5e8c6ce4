import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it, test } from "node:test";
import { API_VERSION, KIND } from "../../../src/api/index.ts";
import { Registry } from "../../../src/base/index.ts";
import { InformerMetrics } from "../../../src/kube/index.ts";
import { ClusterMetrics } from "../../../src/operator/cluster-metrics.ts";
import type { TomcatClusterObject } from "../../../src/operator/observe/observer.ts";
import type { Pod } from "../../../src/operator/observe/worker-pods.ts";
import { parseExposition, sampleValue } from "../../support/exposition.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const LABELS = { namespace: "web", name: "shop" };

function setUp(...objects: readonly TomcatClusterObject[]) {
  const registry = new Registry();
  const clock = new ManualClock();
  const clusters = [...objects];
  const metrics = new ClusterMetrics({ registry, clock }, () => clusters);
  const value = async (name: string, labels: Record<string, string> = {}) =>
    sampleValue(parseExposition(await registry.metrics()), `tomcatcluster_${name}`, { ...LABELS, ...labels });
  return { clock, clusters, metrics, value, text: () => registry.metrics() };
}

function cluster(status: TomcatClusterObject["status"], name = "shop"): TomcatClusterObject {
  return { apiVersion: API_VERSION, kind: KIND, metadata: { namespace: "web", name }, spec: { replicas: 3 }, ...(status && { status }) };
}

function pod(name: string, changes: Partial<Pod["metadata"]> = {}): Pod {
  const labels = { "app.kubernetes.io/instance": "shop" };
  return { apiVersion: "v1", kind: "Pod", metadata: { namespace: "web", name, labels, ...changes } };
}

function view(worker: string, member: string, sessions: number) {
  return { worker, state: "serving", members: [member], sessions, sessionsAtRisk: 0 };
}

test("docs/operator.md names the metrics of clusters and caches, and no others", () => {
  const registry = new Registry();
  new ClusterMetrics({ registry, clock: new ManualClock() }, () => []);
  new InformerMetrics(registry);
  const text = readFileSync(new URL("../../../docs/operator.md", import.meta.url), "utf8");
  const named = [...text.matchAll(/`((?:tomcatcluster|informer)_\w+)`/g)].map((match) => match[1]);
  const known = registry.getMetricsAsArray().map(({ name }) => name);
  assert.deepEqual(named.toSorted(), known.toSorted());
});

describe("ClusterMetrics", () => {
  it("tells what the statuses say", async () => {
    const condition = { type: "Paused", status: "True" as const, lastTransitionTime: "", reason: "PausedBySpec", message: "" };
    const { value } = setUp(
      cluster({
        image: "operator:1",
        defaultsRevision: 2,
        readyReplicas: 2,
        updatedReplicas: 1,
        members: [{ name: "shop-0", pool: "default", route: "shop-0", state: "Draining" }],
        conditions: [condition],
      }),
    );
    assert.equal(await value("info", { image: "operator:1", defaults_revision: "2" }), 1);
    assert.equal(await value("paused"), 1);
    assert.equal(await value("status_condition", { type: "Paused", status: "True" }), 1);
    assert.equal(await value("status_condition", { type: "Paused", status: "False" }), 0);
    const states = ["desired", "ready", "updated", "draining"];
    assert.deepEqual(await Promise.all(states.map((state) => value("workers", { state }))), [3, 2, 1, 1]);
  });

  it("tells nothing of a cluster that is gone", async () => {
    const { clusters, metrics, text } = setUp(cluster({}));
    metrics.told("web/shop", [view("shop-0", "a", 1)]);
    assert.match(await text(), /tomcatcluster_membership_views\{namespace="web",name="shop"\} 1/);
    clusters.length = 0;
    metrics.forget("web/shop");
    assert.doesNotMatch(await text(), /name="shop"/);
  });

  it("counts the different views of the workers that answer", async () => {
    const { metrics, value } = setUp(cluster({}));
    metrics.told("web/shop", [view("shop-0", "a", 1), view("shop-1", "b", 1), { worker: "shop-2", problem: "silent" }]);
    assert.equal(await value("membership_views"), 2);
    metrics.told("web/shop", []);
    assert.equal(await value("membership_views"), 0);
  });

  it("tells how many sessions a worker served that is told to leave, once", async () => {
    const { metrics, value } = setUp(cluster({}));
    metrics.told("web/shop", [view("shop-0", "a", 40), view("shop-1", "a", 2)]);
    const leaving = pod("shop-0", { deletionTimestamp: "2026-01-01T00:00:35Z" });
    metrics.changed(leaving, pod("shop-0"));
    metrics.changed(leaving, leaving);
    metrics.changed(pod("shop-1"), pod("shop-1"));
    metrics.changed(pod("shop-9", { deletionTimestamp: "2026-01-01T00:00:35Z" }), pod("shop-9"));
    assert.equal(await value("sessions_at_drain_count"), 1);
    assert.equal(await value("sessions_at_drain_sum"), 40);
  });

  it("tells how long a worker took to leave, and no more than it was given", async () => {
    const { clock, metrics, value } = setUp(cluster({}));
    const end = (restMs: number) => new Date(clock.now() + restMs).toISOString();
    metrics.gone(pod("shop-0", { deletionTimestamp: end(30_000), deletionGracePeriodSeconds: 35 }));
    assert.equal(await value("drain_duration_seconds_sum"), 5);
    metrics.gone(pod("shop-1", { deletionTimestamp: end(-3_600_000), deletionGracePeriodSeconds: 35 }));
    assert.equal(await value("drain_duration_seconds_sum"), 40);
    metrics.gone(pod("shop-2"));
    assert.equal(await value("drain_duration_seconds_count"), 2);
  });
});
