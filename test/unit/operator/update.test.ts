import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KubeObject } from "../../../src/kube/index.ts";
import { DEFAULTS, type Defaults } from "../../../src/operator/desired/index.ts";
import { ReconciledCluster } from "../../support/reconciled-cluster.ts";

const [FIRST] = DEFAULTS;
/** What the next version of the operator might do. */
const NEXT = { image: "registry.example/tomcat-cluster:2.0.0", defaults: [FIRST!, { ...FIRST!, heapShare: 0.5 }] as readonly Defaults[] };
const OLD_IMAGE = "registry.example/tomcat-cluster:1.2.3";

const BIG = { template: { resources: { limits: { memory: "100Mi" } } } };

function pins({ object }: ReconciledCluster): string {
  const { image, defaultsRevision, update } = object.status ?? {};
  return `${image?.split(":")[1]} ${defaultsRevision} ${update?.phase ?? "-"}`;
}

function heap({ statefulSet }: ReconciledCluster): string {
  const { spec } = statefulSet as KubeObject as KubeObject & {
    spec: { template: { spec: { containers: readonly { env: readonly { name: string; value?: string }[] }[] } } };
  };
  return spec.template.spec.containers[0]!.env.find(({ name }) => name === "NODE_OPTIONS")!.value!;
}

async function roll(cluster: ReconciledCluster, revision: string): Promise<void> {
  cluster.see(revision);
  for (const ordinal of [2, 1, 0]) {
    await cluster.reconcile();
    cluster.startPod(ordinal, revision);
  }
  await cluster.reconcile();
}

describe("an operator of another version", () => {
  it("writes nothing: a cluster keeps its image and the defaults that it was made with", async () => {
    const cluster = new ReconciledCluster(BIG);
    await cluster.settle();
    assert.equal(pins(cluster), "1.2.3 1 -");
    cluster.upgrade(NEXT);
    assert.deepEqual(await cluster.reconcile(), []);
    cluster.edit({ spec: { ...BIG, replicas: 4 } });
    await cluster.reconcile();
    assert.match(heap(cluster), /--max-old-space-size=70$/);
  });

  it("gives new clusters its own", async () => {
    const cluster = new ReconciledCluster(BIG);
    cluster.upgrade(NEXT);
    await cluster.reconcile();
    assert.equal(pins(cluster), "2.0.0 2 -");
    assert.match(heap(cluster), /--max-old-space-size=50$/);
  });

  it("gives them to a cluster that wants them: first in its status, then in its pods, one by one", async () => {
    const cluster = new ReconciledCluster({ ...BIG, updatePolicy: { image: "Automatic" } });
    await cluster.settle();
    cluster.upgrade(NEXT);
    assert.deepEqual(await cluster.reconcile(), ["status web/shop"]);
    assert.equal(pins(cluster), "2.0.0 2 Rolling");
    assert.match(heap(cluster), /=70$/);
    const writes = await cluster.reconcile();
    assert.ok(writes.includes("apply StatefulSet web/shop") && writes.includes("apply Deployment web/shop-balancer"), writes.join());
    assert.match(heap(cluster), /=50$/);
    assert.equal(pins(cluster), "2.0.0 2 Rolling");
    await roll(cluster, "r2");
    assert.equal(pins(cluster), "2.0.0 2 -");
    assert.deepEqual(await cluster.reconcile(), []);
    const told = cluster.events.filter(({ reason }) => reason === "Updating" || reason === "Updated");
    assert.deepEqual(
      told.map(({ reason, message }) => `${reason} ${message}`),
      ["Updating", "Updated"].map((reason) => `${reason} ${NEXT.image}, defaults 2`),
    );
  });

  it("lets a cluster wait while another one is updated, and for the delay after it", async () => {
    const cluster = new ReconciledCluster({ updatePolicy: { image: "Automatic" } });
    await cluster.settle();
    cluster.rolling.add("another");
    cluster.upgrade({ ...NEXT, rolloutDelayMs: 5000 });
    await cluster.clock.advance(5000);
    assert.deepEqual(await cluster.reconcile(), ["status web/shop"]);
    assert.equal(pins(cluster), "1.2.3 1 Waiting");
    assert.deepEqual(await cluster.reconcile(), []);
    cluster.rolling.clear();
    await cluster.reconcile();
    assert.equal(pins(cluster), "2.0.0 2 Rolling");
  });

  it("goes on with an update that another process began", async () => {
    const cluster = new ReconciledCluster({ ...BIG, updatePolicy: { image: "Automatic" } });
    await cluster.settle();
    cluster.upgrade(NEXT);
    await cluster.reconcile();
    cluster.upgrade(NEXT);
    await cluster.reconcile();
    assert.match(heap(cluster), /=50$/);
    await roll(cluster, "r2");
    assert.equal(pins(cluster), "2.0.0 2 -");
  });

  it("updates nothing that is paused, or that a person has to mend first", async () => {
    const cluster = new ReconciledCluster({ updatePolicy: { image: "Automatic", paused: true } });
    await cluster.settle();
    cluster.upgrade(NEXT);
    assert.deepEqual(await cluster.reconcile(), []);
    cluster.kubernetes.put({
      apiVersion: "v1",
      kind: "Service",
      metadata: { ...cluster.kubernetes.get("Service", { namespace: "web", name: "shop-members" })!.metadata, ownerReferences: [] },
    });
    cluster.edit({ spec: { updatePolicy: { image: "Automatic" } } });
    await cluster.reconcile();
    assert.equal(cluster.condition("Stalled"), "Stalled=True NameClash");
    assert.equal(pins(cluster), "1.2.3 1 Waiting");
  });

  it("touches nothing of a cluster that a newer one has made, unless that is wanted", async () => {
    const cluster = new ReconciledCluster(BIG);
    cluster.upgrade(NEXT);
    await cluster.settle();
    cluster.upgrade();
    assert.deepEqual(await cluster.reconcile(), ["status web/shop"]);
    assert.equal(cluster.condition("Stalled"), "Stalled=True RevisionUnknown");
    cluster.edit({ spec: { ...BIG, updatePolicy: { image: "Automatic" } } });
    await cluster.reconcile();
    assert.equal(cluster.object.status?.image, OLD_IMAGE);
    await cluster.reconcile();
    assert.equal(cluster.condition("Stalled"), "Stalled=False NotStalled");
    assert.match(heap(cluster), /=70$/);
  });
});
