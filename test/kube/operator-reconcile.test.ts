// The operator on a real API server, with no more rights than it needs: makes, mends, prunes, rolls and scales, and otherwise writes nothing.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { parse } from "yaml";
import { type KubeObject, RESOURCES } from "../../src/kube/index.ts";
import { TOMCAT_CLUSTERS, USUAL_KINDS } from "../../src/operator/apply/owned-kinds.ts";
import { ownerUids } from "../../src/operator/apply/owned-objects.ts";
import { clusterPage, has, OperatorOnServer } from "../support/operator-on-server.ts";
import { RunningOperator } from "../support/running-operator.ts";
import { eventually } from "../support/session-requests.ts";

const GOLDEN = new URL("../golden/desired/", import.meta.url).pathname;

let kube: OperatorOnServer;

before(async () => {
  kube = await OperatorOnServer.start();
});

after(() => kube?.stop());

describe("the operator and a real API server", () => {
  it("makes everything that a TomcatCluster is made of, and then writes nothing", async () => {
    const cluster = await kube.settled("shop", "192.0.2");
    assert.deepEqual(await kube.writesOfOneMore("shop"), []);
    const { uid } = (await cluster.get()).metadata;
    for (const [kind, of] of Object.entries(USUAL_KINDS)) {
      const found = (await kube.test.client.list(of, { namespace: "default" })).filter((object) => ownerUids(object).includes(uid!));
      assert.equal(found.length > 0, kind !== "Ingress", kind);
    }
    const secret = await kube.test.client.get<KubeObject & { immutable: boolean }>(RESOURCES.Secret, {
      namespace: "default",
      name: "shop-channel-1",
    });
    assert.equal(secret.immutable, true);
    assert.equal(
      await kube.server.kubectl("get", "tomcat", "shop", "--no-headers").then((line) => line.split(/\s+/).slice(0, 6).join(" ")),
      "shop True AllServing 3 3 True",
    );
    await kube.server.kubectl("wait", "--for=condition=Ready", "tomcat/shop", "--timeout=5s");
  });

  it("undoes what others change, leaves what they add, and makes again what they delete", async () => {
    const ref = { namespace: "default", name: "shop-balancer" };
    const change = { metadata: { labels: { team: "a" } }, spec: { selector: { "app.kubernetes.io/component": "worker" } } };
    await kube.test.client.merge(RESOURCES.Service, ref, change);
    const service = await eventually(
      () => kube.test.client.get<KubeObject & { spec: { selector: Record<string, string> } }>(RESOURCES.Service, ref),
      ({ spec }) => spec.selector["app.kubernetes.io/component"] === "balancer",
    );
    assert.equal(service.metadata.labels?.team, "a");
    await kube.test.client.delete(RESOURCES.ConfigMap, { namespace: "default", name: "shop-workers" });
    await eventually(
      () => kube.test.client.find(RESOURCES.ConfigMap, { namespace: "default", name: "shop-workers" }),
      (found) => found !== undefined,
    );
    assert.deepEqual(await kube.writesOfOneMore("shop"), []);
  });

  it("creates two balancers, and leaves their number to whoever scales them, also when the template changes", async () => {
    const replicas = () => kube.server.kubectl("get", "deployment", "shop-balancer", "-o", "jsonpath={.spec.replicas}");
    assert.equal(await replicas(), "2");
    await kube.server.kubectl("scale", "deployment", "shop-balancer", "--replicas=4");
    await kube.test.client.merge(
      TOMCAT_CLUSTERS,
      { namespace: "default", name: "shop" },
      { spec: { balancer: { template: { labels: { a: "b" } } } } },
    );
    await eventually(
      () => kube.server.kubectl("get", "deployment", "shop-balancer", "-o", "jsonpath={.spec.template.metadata.labels.a}"),
      (label) => label === "b",
    );
    assert.equal(await replicas(), "4");
    await kube.test.client.merge(TOMCAT_CLUSTERS, { namespace: "default", name: "shop" }, { spec: { balancer: { replicas: 5 } } });
    await has(replicas, "5");
    await kube.test.client.merge(TOMCAT_CLUSTERS, { namespace: "default", name: "shop" }, { spec: { balancer: { replicas: null } } });
    await eventually(
      () => kube.writesOfOneMore("shop"),
      (writes) => writes.length === 0,
    );
    assert.equal(await replicas(), "5");
  });

  it("prunes what is not wanted any more", async () => {
    await kube.test.client.merge(TOMCAT_CLUSTERS, { namespace: "default", name: "shop" }, { spec: { networkPolicy: { enabled: false } } });
    await eventually(
      () => kube.test.client.list(RESOURCES.NetworkPolicy, { namespace: "default" }),
      (found) => found.length === 0,
    );
  });

  it("takes over nothing of somebody else, and goes on when the name is free", async () => {
    await kube.server.kubectl("create", "service", "clusterip", "taken-members", "--tcp=80");
    const cluster = await kube.create("taken");
    await has(() => cluster.condition("Stalled"), "True NameClash");
    assert.equal(await kube.test.client.find(RESOURCES.StatefulSet, { namespace: "default", name: "taken" }), undefined);
    await kube.server.kubectl("delete", "service", "taken-members");
    // Nobody tells of objects without our label: a change of the cluster, or half a minute.
    await kube.server.kubectl("annotate", "tomcat", "taken", "look=again");
    await has(() => cluster.condition("Stalled"), "False NotStalled");
  });

  it("says what the API server refuses", async () => {
    // A value that is none, a field that there is not, one of another type: the API server answers each in its own way.
    for (const [index, spec] of [{ restartPolicy: "Sometimes" }, { foo: 1 }, { nodeSelector: "x" }].entries()) {
      const cluster = await kube.create(`refused-${index}`, { template: { podOverlay: { spec } } });
      await has(() => cluster.condition("Stalled"), "True Refused");
      await kube.test.client.delete(TOMCAT_CLUSTERS, { namespace: "default", name: `refused-${index}` });
    }
  });

  it("rolls one worker at a time, as budgets and sessions allow", async () => {
    const cluster = await kube.settled("roll", "198.51.100");
    await kube.server.kubectl("annotate", "tomcat", "roll", "tribes.dev/restart=now");
    await has(() => cluster.condition("Reconciling"), "True Starting");
    await cluster.allowDisruptions(0);
    await cluster.see("r2");
    await eventually(
      () => kube.operator.log.lines.some(({ msg }) => msg === "Worker cannot be evicted now"),
      (isSaid) => isSaid,
    );
    await has(() => cluster.condition("Reconciling"), "True Rolling");
    assert.ok(await cluster.hasPod(2));
    kube.operator.pages.set("198.51.100.0", clusterPage({ sessionsAtRisk: 1 }));
    await eventually(
      async () => (await cluster.get()).status?.conditions?.find(({ type }) => type === "Reconciling")?.message ?? "",
      (message) => message.endsWith("now a session is on one worker only"),
    );
    await cluster.allowDisruptions(1);
    kube.operator.pages.set("198.51.100.0", clusterPage());
    for (const ordinal of [2, 1, 0]) {
      await cluster.allowDisruptions(1);
      await eventually(
        () => cluster.hasPod(ordinal),
        (isThere) => !isThere,
      );
      await cluster.startPod(ordinal, "r2", `198.51.100.${ordinal}`);
    }
    await has(() => cluster.condition("Reconciling"), "False UpToDate");
    const events = await kube.server.kubectl(
      "get",
      "events",
      "--field-selector=involvedObject.name=roll",
      "-o",
      "jsonpath={.items[*].reason}",
    );
    assert.equal(events.split(" ").filter((reason) => reason === "WorkerEvicted").length, 3);
  });

  it("scales down by one worker at a time, told by kubectl scale, and up at once", async () => {
    const cluster = kube.cluster("roll");
    const replicas = async () => String((await cluster.statefulSet()).spec.replicas);
    await kube.server.kubectl("scale", "tomcat", "roll", "--replicas=1");
    await has(replicas, "2");
    await cluster.see("r2");
    await has(() => cluster.condition("Reconciling"), "True ScalingDown");
    assert.equal(await replicas(), "2");
    await kube.test.client.delete(RESOURCES.Pod, { namespace: "default", name: "roll-2" });
    await has(replicas, "1");
    await kube.server.kubectl("scale", "tomcat", "roll", "--replicas=4");
    await has(replicas, "4");
  });

  for (const file of readdirSync(GOLDEN).filter((name) => name.endsWith(".in.yaml"))) {
    it(`makes what ${file} says, and then writes nothing`, async () => {
      const { spec } = parse(readFileSync(join(GOLDEN, file), "utf8")) as { spec?: object };
      const name = `golden-${file.slice(0, -".in.yaml".length)}`;
      const own = {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { namespace: "default", name: "own-server" },
        data: { "server.xml": "<Server/>" },
      };
      await kube.test.client.apply(RESOURCES.ConfigMap, own as KubeObject, { fieldManager: "test" });
      const cluster = await kube.create(name, spec);
      const stalled = await eventually(
        () => cluster.condition("Stalled"),
        (found) => found !== "none",
      );
      // There is no Gateway API here.
      if ((spec as { balancer?: { httpRoute?: { enabled?: boolean } } } | undefined)?.balancer?.httpRoute?.enabled === true)
        assert.equal(stalled, "True KindUnknown");
      else assert.equal(stalled, "False NotStalled", (await cluster.get()).status?.conditions?.[2]?.message);
      assert.deepEqual(await kube.writesOfOneMore(name), []);
      await kube.test.client.delete(TOMCAT_CLUSTERS, { namespace: "default", name });
    });
  }

  it("makes nothing again of a cluster that is deleted: all of it has an owner", async () => {
    const cluster = await kube.settled("gone", "203.0.113", { replicas: 1 });
    const { uid, finalizers } = (await cluster.get()).metadata;
    assert.equal(finalizers, undefined);
    await kube.test.client.delete(TOMCAT_CLUSTERS, { namespace: "default", name: "gone" });
    const made = kube.operator.writes
      .filter((write) => /^(apply|create) \w+ default\/gone/.test(write))
      .map((write) => write.split(" ")[1]!);
    assert.ok(made.includes("Secret") && made.includes("StatefulSet"), made.join());
    const all = await kube.server.kubectl("get", [...new Set(made)].join(), "-l", "app.kubernetes.io/instance=gone", "-o", "json");
    const objects = (JSON.parse(all) as { items: KubeObject[] }).items;
    assert.ok(objects.length >= new Set(made).size);
    for (const { kind, metadata } of objects) {
      const [owner, ...others] = metadata.ownerReferences ?? [];
      assert.deepEqual(
        [owner?.uid, owner?.controller, owner?.blockOwnerDeletion, others.length],
        [uid, true, true, 0],
        `${kind} ${metadata.name}`,
      );
      assert.equal(metadata.finalizers, undefined, `${kind} ${metadata.name}`);
    }
    await kube.test.client.delete(RESOURCES.Service, { namespace: "default", name: "gone-workers" });
    assert.deepEqual(await kube.writesOfOneMore("shop"), []);
    assert.equal(await kube.test.client.find(RESOURCES.Service, { namespace: "default", name: "gone-workers" }), undefined);
  });

  it("writes nothing when it is started anew", async () => {
    await kube.operator.stop();
    const again = new RunningOperator(kube.kubeconfig, { electsLeader: true });
    for (const [address, page] of kube.operator.pages) again.pages.set(address, page);
    await again.start();
    await eventually(
      () => again.metric("controller_runtime_reconcile_total", { controller: "tomcatcluster" }).catch(() => 0),
      (count) => count >= 3,
    );
    await again.stop();
    assert.deepEqual(again.writes, []);
    assert.deepEqual(again.failures, []);
    assert.equal(
      await kube.server.kubectl("get", "lease", "-n", "tomcat-cluster", "tomcat-cluster-operator", "-o", "jsonpath={.spec.holderIdentity}"),
      "",
    );
  });
});
