// Kinds that come with other products, as these define them: the operator makes objects of them as soon as they are there, and does
// without them when they are not.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { KubeObject } from "../../src/kube/index.ts";
import { ADDED_KINDS } from "../../src/operator/apply/owned-kinds.ts";
import { definitionFile } from "../support/kubernetes-assets.ts";
import { has, OperatorOnServer } from "../support/operator-on-server.ts";
import type { ClusterOnServer } from "../support/running-operator.ts";
import { eventually } from "../support/session-requests.ts";

const ROUTE = { namespace: "default", name: "shop-balancer" };
const MONITOR = { namespace: "default", name: "shop" };

let kube: OperatorOnServer;
let cluster: ClusterOnServer;

type Route = KubeObject & { readonly spec: { readonly hostnames: readonly string[] } };

before(async () => {
  kube = await OperatorOnServer.start({ kindsPeriodMs: 200 });
  cluster = await kube.create("shop", {
    balancer: { httpRoute: { enabled: true, parentRefs: [{ name: "front" }], hostnames: ["shop.example"] } },
    monitoring: { podMonitor: { enabled: true }, prometheusRule: { enabled: true } },
  });
});

after(() => kube?.stop());

async function define(plural: Parameters<typeof definitionFile>[0]): Promise<void> {
  await kube.server.kubectl("apply", "--server-side", "-f", definitionFile(plural));
}

async function appears(kind: keyof typeof ADDED_KINDS, ref: { readonly namespace: string; readonly name: string }): Promise<KubeObject> {
  // Until the definition is served, the path is not there.
  const look = () => kube.test.client.find(ADDED_KINDS[kind], ref).catch(() => undefined);
  return (await eventually(look, (found) => found !== undefined, 30_000))!;
}

describe("an operator on an API server that gets to know further kinds", () => {
  it("says that a kind is missing without which the manifest cannot be carried out", async () => {
    await has(() => cluster.condition("Stalled"), "True KindUnknown");
  });

  it("goes on when it is there, and does without those that it makes only where they are", async () => {
    await define("httproutes");
    const route = await appears("HTTPRoute", ROUTE);
    assert.deepEqual((route as Route).spec.hostnames, ["shop.example"]);
    await has(() => cluster.condition("Stalled"), "False NotStalled");
    assert.deepEqual(await kube.writesOfOneMore("shop"), []);
  });

  it("makes the others as soon as their kinds are there, as these are defined", async () => {
    await define("podmonitors");
    await define("prometheusrules");
    const monitor = await appears("PodMonitor", MONITOR);
    const rule = await appears("PrometheusRule", MONITOR);
    const { uid } = (await cluster.get()).metadata;
    for (const { metadata } of [monitor, rule]) assert.equal(metadata.ownerReferences?.[0]?.uid, uid);
    assert.deepEqual(await kube.writesOfOneMore("shop"), []);
  });

  it("undoes what others change in them, and makes again what they delete", async () => {
    await kube.test.client.merge(ADDED_KINDS.HTTPRoute, ROUTE, { spec: { hostnames: ["other.example"] } });
    await eventually(
      async () => (await kube.test.client.get<Route>(ADDED_KINDS.HTTPRoute, ROUTE)).spec.hostnames.join(),
      (hostnames) => hostnames === "shop.example",
    );
    await kube.test.client.delete(ADDED_KINDS.PodMonitor, MONITOR);
    await appears("PodMonitor", MONITOR);
    assert.deepEqual(await kube.writesOfOneMore("shop"), []);
  });

  it("deletes those that are not wanted any more", async () => {
    await cluster.change({ monitoring: { prometheusRule: { enabled: false } } });
    await eventually(
      () => kube.test.client.find(ADDED_KINDS.PrometheusRule, MONITOR),
      (found) => found === undefined,
    );
  });

  it("does without kinds that go, says so where it cannot, and makes their objects again when they are back", async () => {
    await kube.server.kubectl("delete", "-f", definitionFile("podmonitors"));
    await kube.server.kubectl("delete", "-f", definitionFile("httproutes"));
    await has(() => cluster.condition("Stalled"), "True KindUnknown");
    await define("httproutes");
    await define("podmonitors");
    await has(() => cluster.condition("Stalled"), "False NotStalled");
    await appears("HTTPRoute", ROUTE);
    await appears("PodMonitor", MONITOR);
    assert.deepEqual(await kube.writesOfOneMore("shop"), []);
    assert.deepEqual(kube.operator.failures, []);
  });
});
