// The operator ends at any moment and another one goes on: nothing is missing, nothing is made twice, nothing flaps.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { systemClock } from "../../src/base/index.ts";
import { KubeConfigCredentials, type KubeObject, RESOURCES } from "../../src/kube/index.ts";
import { TOMCAT_CLUSTERS } from "../../src/operator/apply/owned-kinds.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { KubeApiServer } from "../support/kube-api-server.ts";
import { KubeTestClient } from "../support/kube-test-client.ts";
import { changed, objectVersions } from "../support/object-versions.ts";
import { ClusterOnServer, installOperator, RunningOperator } from "../support/running-operator.ts";
import { eventually } from "../support/session-requests.ts";

/** Lives at the same time. */
const AT_ONCE = 4;
const PATIENCE_MS = 60_000;

let server: KubeApiServer;
let test: KubeTestClient;
let kubeconfig: string;

before(async () => {
  server = await KubeApiServer.start();
  kubeconfig = await installOperator(server);
  test = new KubeTestClient(new KubeConfigCredentials({ clock: systemClock }, { kubeconfig: server.adminKubeconfig }));
});

after(async () => {
  await test?.client.stop();
  await server?.stop();
});

async function told(cluster: ClusterOnServer, generation: number): Promise<void> {
  await eventually(
    async () => (await cluster.get()).status?.observedGeneration,
    (observed) => observed === generation,
    PATIENCE_MS,
  );
}

/** Nothing waits and nothing runs. */
async function calm(operator: RunningOperator): Promise<void> {
  const metric = (name: string) => operator.metric(name, { controller: "tomcatcluster" }).catch(() => Number.NaN);
  await eventually(
    async () => [
      await metric("controller_runtime_reconcile_total"),
      await metric("workqueue_depth"),
      await metric("controller_runtime_active_workers"),
    ],
    ([reconciles, depth, active]) => reconciles! > 0 && depth === 0 && active === 0,
    PATIENCE_MS,
  );
}

/** The first operator is dead from its n-th write on, of which it never hears; the names of what there is when the second is done. */
async function diesAtWrite(n: number): Promise<readonly string[]> {
  const namespace = `dies-at-${n}`;
  await test.client.create(RESOURCES.Namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  const cluster = new ClusterOnServer(test.client, "shop", namespace);
  await cluster.create();
  const proxy = await FaultProxy.start(server);
  let writes = 0;
  const isOurs = (path: string) => !path.endsWith("/events");
  proxy.fault = ({ verb, path }) => {
    if (writes >= n) return "reset";
    return verb === "write" && isOurs(path) && ++writes === n ? "lose" : undefined;
  };
  const first = new RunningOperator(proxy, { watchNamespaces: [namespace] });
  const second = new RunningOperator(kubeconfig, { watchNamespaces: [namespace] });
  await first.start();
  try {
    await eventually(
      () => writes === n && proxy.writesUnderWay === 0,
      (isDead) => isDead,
      PATIENCE_MS,
    );
    const left = await objectVersions(test, namespace);
    await second.start();
    await told(cluster, 1);
    await calm(second);
    const made = await objectVersions(test, namespace);
    const again = changed(left, made).filter((name) => left.has(name) && name !== "TomcatCluster shop");
    assert.deepEqual(again, [], `after write ${n}: what the first one had made is written again`);
    return [...made.keys()].toSorted();
  } finally {
    await second.stop();
    proxy.dropWatches();
    await first.stop();
    await proxy.stop();
    assert.deepEqual([...first.failures, ...second.failures], []);
  }
}

describe("operators one after the other", () => {
  it("make everything once, whichever write of the first one is its last", async () => {
    const namespace = "undisturbed";
    await server.kubectl("create", "namespace", namespace);
    const cluster = new ClusterOnServer(test.client, "shop", namespace);
    await cluster.create();
    const operator = new RunningOperator(kubeconfig, { watchNamespaces: [namespace] });
    await operator.start();
    await told(cluster, 1);
    await calm(operator);
    await operator.stop();
    const expected = [...(await objectVersions(test, namespace)).keys()].toSorted();
    const moments = operator.writes.map((_, index) => index + 1).values();
    const lives = Array.from({ length: AT_ONCE }, async () => {
      for (const n of moments) assert.deepEqual(await diesAtWrite(n), expected, `after write ${n}`);
    });
    await Promise.all(lives);
  });

  it("carry out what was changed while none ran, and touch nothing else", async () => {
    const namespace = "meanwhile";
    await server.kubectl("create", "namespace", namespace);
    const [edited, drifted, quiet] = ["edited", "drifted", "quiet"].map((name) => new ClusterOnServer(test.client, name, namespace));
    const first = new RunningOperator(kubeconfig, { watchNamespaces: [namespace] });
    await first.start();
    for (const cluster of [edited!, drifted!, quiet!]) {
      await cluster.create();
      await told(cluster, 1);
      await cluster.see("r1");
    }
    const gone = new ClusterOnServer(test.client, "gone", namespace);
    await gone.create();
    await told(gone, 1);
    await calm(first);
    await first.stop();

    await test.client.delete(TOMCAT_CLUSTERS, { namespace, name: "gone" });
    const generation = await edited!.change({ networkPolicy: { enabled: false }, sessions: { timeoutSeconds: 60 } });
    const service = { namespace, name: "drifted-workers" };
    await test.client.merge(RESOURCES.Service, service, { spec: { selector: { "app.kubernetes.io/component": "balancer" } } });
    await test.client.delete(RESOURCES.ConfigMap, { namespace, name: "drifted-balancer" });
    const added = new ClusterOnServer(test.client, "added", namespace);
    await added.create();
    const before = await objectVersions(test, namespace);

    const second = new RunningOperator(kubeconfig, { watchNamespaces: [namespace] });
    await second.start();
    await told(edited!, generation);
    await told(added, 1);
    await calm(second);
    const after = await objectVersions(test, namespace);
    const differences = changed(before, after).filter((name) => !/\badded\b/.test(name));
    assert.deepEqual(differences, [
      "ConfigMap drifted-balancer",
      "ConfigMap edited-workers",
      "NetworkPolicy edited-balancer",
      "NetworkPolicy edited-workers",
      "Service drifted-workers",
      "StatefulSet edited",
      "TomcatCluster edited",
    ]);
    const { spec } = await test.client.get<KubeObject & { spec: { selector: Record<string, string> } }>(RESOURCES.Service, service);
    assert.equal(spec.selector["app.kubernetes.io/component"], "worker");
    await second.stop();
    assert.deepEqual([...first.failures, ...second.failures], []);

    const third = new RunningOperator(kubeconfig, { watchNamespaces: [namespace] });
    await third.start();
    await calm(third);
    await third.stop();
    assert.deepEqual(third.writes, []);
  });
});
