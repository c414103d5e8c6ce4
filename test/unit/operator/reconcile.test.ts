import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ApiError, EvictionBlockedError, type KubeObject } from "../../../src/kube/index.ts";
import { FORCE_ROLL_ANNOTATION, PAUSED_ANNOTATION, ROTATE_KEY_ANNOTATION } from "../../../src/operator/annotations.ts";
import { ReconciledCluster } from "../../support/reconciled-cluster.ts";

interface Spec extends KubeObject {
  readonly spec: Readonly<Record<string, unknown>>;
}

const WORKERS = { namespace: "web", name: "shop-workers" };
const BALANCERS = { namespace: "web", name: "shop-balancer" };

describe("Reconciler", () => {
  it("makes every object in order, keys before those that read them, and then writes nothing", async () => {
    const cluster = new ReconciledCluster();
    const writes = await cluster.reconcile();
    assert.equal(writes[0], "create Secret web/shop-channel-1");
    assert.ok(writes.indexOf("apply ConfigMap web/shop-workers") < writes.indexOf("apply StatefulSet web/shop"));
    assert.equal(writes.at(-1), "status web/shop");
    assert.equal(cluster.statefulSet.spec.replicas, 3);
    assert.deepEqual(await cluster.reconcile(), []);
  });

  it("creates two balancers and leaves their number alone", async () => {
    const cluster = new ReconciledCluster();
    await cluster.reconcile();
    const made = cluster.kubernetes.get<Spec>("Deployment", BALANCERS)!;
    assert.equal(made.spec.replicas, 2);
    cluster.kubernetes.put({ ...made, spec: { ...made.spec, replicas: 7 } });
    assert.deepEqual(await cluster.reconcile(), []);
    cluster.edit({ spec: { balancer: { method: "ByBusyness" } } });
    await cluster.reconcile();
    assert.equal(cluster.kubernetes.get<Spec>("Deployment", BALANCERS)!.spec.replicas, 7);
  });

  it("tells when every worker serves, once", async () => {
    const cluster = new ReconciledCluster();
    await cluster.settle();
    assert.equal(cluster.condition("Ready"), "Ready=True AllServing");
    assert.equal(cluster.condition("Reconciling"), "Reconciling=False UpToDate");
    assert.equal(cluster.condition("WellFormed"), "WellFormed=True OneView");
    const told = cluster.events.length;
    assert.deepEqual(await cluster.reconcile(), []);
    assert.equal(cluster.events.length, told);
  });

  it("undoes what others change of its fields, and leaves alone what they add", async () => {
    const cluster = new ReconciledCluster();
    await cluster.settle();
    const service = { namespace: "web", name: "shop-members" };
    const made = cluster.kubernetes.get<Spec>("Service", service)!;
    cluster.kubernetes.put({
      ...made,
      metadata: { ...made.metadata, labels: { ...made.metadata.labels, team: "a" } },
      spec: { ...made.spec, publishNotReadyAddresses: false },
    });
    assert.deepEqual(await cluster.reconcile(), ["apply Service web/shop-members"]);
    const after = cluster.kubernetes.get<Spec>("Service", service)!;
    assert.equal(after.spec.publishNotReadyAddresses, true);
    assert.equal(after.metadata.labels?.team, "a");
    cluster.kubernetes.remove("Service", service);
    assert.deepEqual(await cluster.reconcile(), ["apply Service web/shop-members"]);
  });

  it("deletes what it made and is not wanted any more, and nothing of others", async () => {
    const cluster = new ReconciledCluster();
    await cluster.settle();
    cluster.kubernetes.put({ apiVersion: "v1", kind: "ConfigMap", metadata: { namespace: "web", name: "theirs" } });
    cluster.edit({ spec: { disruptionBudget: { enabled: false } } });
    const writes = await cluster.reconcile();
    assert.deepEqual(
      writes.filter((write) => write.startsWith("delete")),
      ["delete PodDisruptionBudget web/shop-workers", "delete PodDisruptionBudget web/shop-balancer"],
    );
  });

  it("writes nothing beside what is somebody else's, and says so", async () => {
    const cluster = new ReconciledCluster();
    const theirs = { apiVersion: "v1", kind: "Service", metadata: { namespace: "web", name: "shop-balancer" }, spec: { type: "NodePort" } };
    cluster.kubernetes.put(theirs);
    const writes = await cluster.reconcile();
    assert.deepEqual(writes, ["status web/shop"]);
    assert.equal(cluster.condition("Stalled"), "Stalled=True NameClash");
    assert.equal(cluster.condition("Ready"), "Ready=False NameClash");
    cluster.kubernetes.remove("Service", theirs.metadata);
    await cluster.reconcile();
    assert.equal(cluster.condition("Stalled"), "Stalled=False NotStalled");
  });

  it("takes over no channel key of somebody else", async () => {
    const cluster = new ReconciledCluster();
    cluster.kubernetes.put({ apiVersion: "v1", kind: "Secret", metadata: { namespace: "web", name: "shop-channel-1" } });
    assert.deepEqual(await cluster.reconcile(), ["status web/shop"]);
    assert.equal(cluster.condition("Stalled"), "Stalled=True NameClash");
  });

  it("names a server.xml that is not there, and goes on when it is", async () => {
    const cluster = new ReconciledCluster({ configuration: { serverXml: { configMapKeyRef: { name: "own", key: "server.xml" } } } });
    const putOwn = (text: string) =>
      cluster.kubernetes.put({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { namespace: "web", name: "own" },
        data: { "server.xml": text },
      });
    assert.deepEqual(await cluster.reconcile(), ["status web/shop"]);
    assert.equal(cluster.condition("Stalled"), "Stalled=True ReferenceMissing");
    putOwn("<Server");
    await cluster.reconcile();
    assert.equal(cluster.condition("Stalled"), "Stalled=True InvalidServerXml");
    putOwn("<Server/>");
    await cluster.reconcile();
    assert.equal(cluster.condition("Stalled"), "Stalled=False NotStalled");
  });

  it("says that what the manifest names cannot be read, and changes nothing until it can", async () => {
    const cluster = new ReconciledCluster();
    await cluster.settle();
    const revision = cluster.statefulSet.status?.updateRevision;
    cluster.kubernetes.put({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { namespace: "web", name: "own" },
      data: { "server.xml": "<Server/>" },
    });
    const answered = (status: number, message: string) => new ApiError("GET /api/v1", status, { kind: "Status", message }, "");
    cluster.kubernetes.readFailures.set("ConfigMap", answered(403, 'configmaps "own" is forbidden'));
    cluster.edit({ spec: { configuration: { serverXml: { configMapKeyRef: { name: "own", key: "server.xml" } } } } });
    assert.deepEqual(await cluster.reconcile(), ["status web/shop"]);
    assert.equal(cluster.condition("Stalled"), "Stalled=True Refused");
    const busy = answered(500, "etcdserver: request timed out");
    cluster.kubernetes.readFailures.set("ConfigMap", busy);
    await assert.rejects(cluster.reconcile(), busy);
    assert.equal(cluster.condition("Reconciling"), "Reconciling=True Failing");
    assert.equal(cluster.statefulSet.status?.updateRevision, revision);
    cluster.kubernetes.readFailures.clear();
    await cluster.reconcile();
    assert.equal(cluster.condition("Stalled"), "Stalled=False NotStalled");
  });

  it("says what an API server fails at that may get it right later, takes no further step, and asks to be called again", async () => {
    const cluster = new ReconciledCluster();
    await cluster.settle();
    const failure = new ApiError("PATCH /apis", 500, { kind: "Status", message: "etcdserver: request timed out" }, "");
    cluster.kubernetes.failures.set("Service", failure);
    cluster.edit({ spec: { balancer: { service: { port: 81 } } }, annotations: { [ROTATE_KEY_ANNOTATION]: "2" } });
    await assert.rejects(cluster.reconcile(), failure);
    assert.equal(cluster.condition("Reconciling"), "Reconciling=True Failing");
    assert.equal(cluster.condition("Ready"), "Ready=True AllServing");
    assert.ok(!("keyRotation" in cluster.object.status!));
    cluster.kubernetes.failures.clear();
    await cluster.reconcile();
    assert.equal(cluster.condition("Reconciling"), "Reconciling=False UpToDate");
    assert.equal(cluster.object.status?.keyRotation?.phase, "Accepting");
  });

  it("says that a worker cannot be evicted, unless that is its budget's say", async () => {
    const cluster = new ReconciledCluster();
    await cluster.settle();
    cluster.edit({ spec: { image: "registry.example/shop:2" } });
    await cluster.reconcile();
    cluster.see("r2");
    const forbidden = new ApiError("POST /eviction", 403, { kind: "Status", reason: "Forbidden" }, "");
    cluster.kubernetes.failures.set("Pod", forbidden);
    await assert.rejects(cluster.reconcile(), forbidden);
    assert.equal(cluster.condition("Reconciling"), "Reconciling=True Failing");
    const refusal = new ApiError("POST /eviction", 429, undefined, "");
    cluster.kubernetes.failures.set("Pod", new EvictionBlockedError({ namespace: "web", name: "shop-2" }, refusal));
    await cluster.reconcile();
    assert.equal(cluster.condition("Reconciling"), "Reconciling=True Rolling");
    cluster.kubernetes.failures.clear();
    assert.equal((await cluster.reconcile())[0], "evict web/shop-2");
  });

  it("changes nothing while it is paused by annotation", async () => {
    const cluster = new ReconciledCluster();
    await cluster.settle();
    cluster.edit({ spec: { replicas: 5 }, annotations: { [PAUSED_ANNOTATION]: "true" } });
    assert.deepEqual(await cluster.reconcile(), ["status web/shop"]);
    assert.equal(cluster.condition("Paused"), "Paused=True PausedByAnnotation");
    cluster.edit({ annotations: {} });
    await cluster.reconcile();
    assert.equal(cluster.statefulSet.spec.replicas, 5);
  });

  it("rolls one worker after another, each when the group is whole again", async () => {
    const cluster = new ReconciledCluster();
    await cluster.settle();
    cluster.edit({ spec: { image: "registry.example/shop:2" } });
    assert.ok((await cluster.reconcile()).includes("apply StatefulSet web/shop"));
    cluster.see("r2");
    assert.deepEqual(await cluster.reconcile(), ["evict web/shop-2", "status web/shop"]);
    assert.equal(cluster.condition("Reconciling"), "Reconciling=True Rolling");
    assert.ok(!(await cluster.reconcile()).some((write) => write.startsWith("evict")));
    cluster.startPod(2, "r2");
    cluster.answers.set("shop-0", { sessionsAtRisk: 1 });
    assert.ok(!(await cluster.reconcile()).some((write) => write.startsWith("evict")));
    cluster.answers.clear();
    assert.equal((await cluster.reconcile())[0], "evict web/shop-1");
    cluster.startPod(1, "r2");
    assert.equal((await cluster.reconcile())[0], "evict web/shop-0");
    cluster.startPod(0, "r2");
    await cluster.reconcile();
    assert.equal(cluster.condition("Reconciling"), "Reconciling=False UpToDate");
    assert.equal(cluster.object.status?.updatedReplicas, 3);
  });

  it("replaces at once what never was ready, and what was ready when it is known to have nothing of its own", async () => {
    const cluster = new ReconciledCluster();
    await cluster.settle();
    cluster.edit({ spec: { image: "registry.example/shop:2" } });
    await cluster.reconcile();
    cluster.see("r2");
    cluster.startPod(0, "r1", "starting");
    cluster.startPod(1, "r1", "faltering");
    cluster.answers.set("shop-1", new Error("silent"));
    cluster.answers.set("shop-2", { members: ["another group"] });
    assert.equal((await cluster.reconcile())[0], "evict web/shop-0");
    cluster.startPod(0, "r2", "starting");
    assert.ok(!(await cluster.reconcile()).some((write) => write.startsWith("evict")));
    assert.equal(cluster.object.status?.members?.[1]?.state, "Unknown");
    cluster.answers.delete("shop-1");
    assert.equal((await cluster.reconcile())[0], "evict web/shop-1");
  });

  it("says that a roll is stuck after ten minutes, and goes on when it is forced", async () => {
    const cluster = new ReconciledCluster();
    await cluster.settle();
    cluster.edit({ spec: { image: "registry.example/shop:2" } });
    cluster.answers.set("shop-0", { members: ["another group"] });
    await cluster.reconcile();
    cluster.see("r2");
    await cluster.reconcile();
    assert.equal(cluster.condition("WellFormed"), "WellFormed=False SeveralViews");
    assert.equal(cluster.condition("Degraded"), "Degraded=False AsExpected");
    await cluster.clock.advance(600_000);
    await cluster.reconcile();
    assert.equal(cluster.condition("Degraded"), "Degraded=True RollStuck");
    cluster.edit({ annotations: { [FORCE_ROLL_ANNOTATION]: "r2" } });
    assert.equal((await cluster.reconcile())[0], "evict web/shop-2");
  });

  it("says that workers do not start after ten minutes, until the last one does", async () => {
    const cluster = new ReconciledCluster({ replicas: 2 });
    await cluster.reconcile();
    cluster.see("r1");
    cluster.startPod(0, "r1");
    cluster.startPod(1, "r1", "starting");
    await cluster.reconcile();
    await cluster.clock.advance(600_000);
    await cluster.reconcile();
    assert.equal(cluster.condition("Degraded"), "Degraded=True StartStuck");
    cluster.startPod(1, "r1");
    await cluster.reconcile();
    assert.equal(cluster.condition("Degraded"), "Degraded=False AsExpected");
  });

  it("scales down by one worker, and then by the next when the first is gone", async () => {
    const cluster = new ReconciledCluster();
    await cluster.settle();
    cluster.edit({ spec: { replicas: 1 } });
    await cluster.reconcile();
    assert.equal(cluster.statefulSet.spec.replicas, 2);
    cluster.see("r1");
    await cluster.reconcile();
    assert.equal(cluster.statefulSet.spec.replicas, 2);
    assert.equal(cluster.condition("Reconciling"), "Reconciling=True ScalingDown");
    cluster.removePod(2);
    await cluster.reconcile();
    assert.equal(cluster.statefulSet.spec.replicas, 1);
    cluster.see("r1");
    cluster.removePod(1);
    await cluster.reconcile();
    assert.equal(cluster.condition("Ready"), "Ready=True AllServing");
  });

  it("scales to nothing, one worker after another, and back at once", async () => {
    const cluster = new ReconciledCluster({ replicas: 2 });
    await cluster.settle();
    cluster.edit({ spec: { replicas: 0 } });
    for (const left of [1, 0]) {
      await cluster.reconcile();
      assert.equal(cluster.statefulSet.spec.replicas, left);
      cluster.removePod(left);
      cluster.see("r1");
    }
    await cluster.reconcile();
    assert.equal(cluster.condition("Ready"), "Ready=True ScaledToZero");
    assert.equal(cluster.condition("Reconciling"), "Reconciling=False UpToDate");
    cluster.edit({ spec: { replicas: 2 } });
    await cluster.settle();
    assert.equal(cluster.condition("Ready"), "Ready=True AllServing");
  });

  it("keeps the image that the cluster was made with", async () => {
    const cluster = new ReconciledCluster();
    await cluster.reconcile();
    assert.equal(cluster.object.status?.image, "registry.example/tomcat-cluster:1.2.3");
    assert.equal(cluster.object.status?.keyGeneration, 1);
  });

  it("replaces the channel's key step by step, and begins no second time for the same wish", async () => {
    const cluster = new ReconciledCluster();
    await cluster.settle();
    const rotation = () => `${cluster.object.status?.keyGeneration} ${cluster.object.status?.keyRotation?.phase ?? "-"}`;
    const sending = () => cluster.kubernetes.get<KubeObject & { data: Record<string, string> }>("ConfigMap", WORKERS)!.data["sending-key"];
    const report = (...keys: number[]) => {
      for (const worker of ["shop-0", "shop-1", "shop-2"]) cluster.answers.set(worker, { keys });
    };
    cluster.edit({ annotations: { [ROTATE_KEY_ANNOTATION]: "2" } });
    await cluster.reconcile();
    assert.equal(rotation(), "1 Accepting");
    assert.equal(cluster.requeueAfterMs, 2000, "nobody tells the operator that a worker has read a key");
    assert.deepEqual(await cluster.reconcile(), ["create Secret web/shop-channel-2"]);
    report(1, 2);
    await cluster.reconcile();
    assert.equal(rotation(), "1 Sending");
    assert.equal(sending(), "1.key");
    await cluster.reconcile();
    assert.equal(sending(), "2.key");
    report(2, 1);
    await cluster.reconcile();
    assert.equal(rotation(), "2 Dropping");
    await cluster.reconcile();
    cluster.see("r2");
    for (const ordinal of [2, 1, 0]) {
      assert.ok((await cluster.reconcile()).includes(`evict web/shop-${ordinal}`));
      cluster.startPod(ordinal, "r2");
      cluster.answers.set(`shop-${ordinal}`, { keys: [2] });
    }
    assert.ok((await cluster.reconcile()).includes("delete Secret web/shop-channel-1"));
    assert.equal(rotation(), "2 -");
    assert.deepEqual(await cluster.reconcile(), []);
    assert.equal(cluster.requeueAfterMs, 30_000);
  });

  it("replaces a key that is 30 days old", async () => {
    const cluster = new ReconciledCluster();
    await cluster.settle();
    await cluster.clock.advance(30 * 24 * 3_600_000 - 1);
    assert.deepEqual(await cluster.reconcile(), []);
    await cluster.clock.advance(1);
    await cluster.reconcile();
    assert.equal(cluster.object.status?.keyRotation?.phase, "Accepting");
  });

  it("leaves everything of a cluster that is being deleted to the garbage collector", async () => {
    const cluster = new ReconciledCluster();
    await cluster.settle();
    const { object } = cluster;
    cluster.kubernetes.put({ ...object, metadata: { ...object.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } });
    assert.deepEqual(await cluster.reconcile(), []);
  });
});
