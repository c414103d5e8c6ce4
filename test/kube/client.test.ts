// The client against a real API server: what it applies, refuses, pages, evicts, and who it says it is.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { systemClock } from "../../src/base/index.ts";
import {
  ConnectionError,
  EvictionBlockedError,
  isApiError,
  KubeConfigCredentials,
  type KubeObject,
  RESOURCES,
  resource,
} from "../../src/kube/index.ts";
import { KubeApiServer } from "../support/kube-api-server.ts";
import { KubeTestClient } from "../support/kube-test-client.ts";
import { ManualClock } from "../support/manual-clock.ts";

const NAMESPACE = "default";

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

function configMap(name: string, data: Record<string, string>): ConfigMap {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { namespace: NAMESPACE, name }, data };
}

let cluster: KubeApiServer;
let test: KubeTestClient;

function clientWith(kubeconfig: string): KubeTestClient {
  return new KubeTestClient(new KubeConfigCredentials({ clock: systemClock }, { kubeconfig }));
}

before(async () => {
  cluster = await KubeApiServer.start();
  test = clientWith(cluster.adminKubeconfig);
});

after(async () => {
  await test?.client.stop();
  await cluster?.stop();
});

describe("KubeClient and a real API server", () => {
  it("applies: makes, changes, removes what it owned, and writes nothing when nothing changed", async () => {
    const { client } = test;
    const apply = (data: Record<string, string>) =>
      client.apply<ConfigMap>(RESOURCES.ConfigMap, configMap("applied", data), { fieldManager: "a" });
    const first = await apply({ one: "1", two: "2" });
    assert.ok(first.metadata.uid);
    const second = await apply({ one: "1", two: "2" });
    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
    await client.merge(RESOURCES.ConfigMap, first.metadata, { data: { foreign: "3" } });
    assert.deepEqual((await apply({ one: "4" })).data, { one: "4", foreign: "3" });
  });

  it("does not take fields from another manager unless it is told to", async () => {
    const { client } = test;
    await client.apply(RESOURCES.ConfigMap, configMap("contested", { key: "a" }), { fieldManager: "a" });
    const other = configMap("contested", { key: "b" });
    const refused = client.apply(RESOURCES.ConfigMap, other, { fieldManager: "b", force: false });
    await assert.rejects(refused, (error) => isApiError(error, "Conflict"));
    const taken = await client.apply<ConfigMap>(RESOURCES.ConfigMap, other, { fieldManager: "b" });
    assert.equal(taken.data?.key, "b");
  });

  it("applies a status apart from the object, and only to one that there is", async () => {
    const { client } = test;
    const budget = {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { namespace: NAMESPACE, name: "status" },
      spec: { minAvailable: 1, selector: { matchLabels: { app: "nothing" } } },
    };
    const status = { currentHealthy: 0, desiredHealthy: 1, disruptionsAllowed: 0, expectedPods: 7 };
    const { spec: _spec, ...bare } = budget;
    const missing = client.applyStatus(RESOURCES.PodDisruptionBudget, { ...bare, status } as KubeObject, { fieldManager: "a" });
    await assert.rejects(missing, (error) => isApiError(error, "NotFound"));
    await client.apply(RESOURCES.PodDisruptionBudget, budget, { fieldManager: "a" });
    type Budget = KubeObject & { readonly status: { readonly expectedPods: number }; readonly spec: { readonly minAvailable: number } };
    const changed = await client.applyStatus<Budget>(RESOURCES.PodDisruptionBudget, { ...bare, status } as KubeObject, {
      fieldManager: "a",
    });
    assert.deepEqual([changed.status.expectedPods, changed.spec.minAvailable], [7, 1]);
  });

  it("creates once, replaces only what it has read, deletes only what it means", async () => {
    const { client } = test;
    const created = await client.create<ConfigMap>(RESOURCES.ConfigMap, configMap("once", { key: "1" }));
    const again = client.create(RESOURCES.ConfigMap, configMap("once", { key: "2" }));
    await assert.rejects(again, (error) => isApiError(error, "AlreadyExists"));
    const replaced = await client.replace<ConfigMap>(RESOURCES.ConfigMap, { ...created, data: { key: "3" } } as ConfigMap);
    assert.equal(replaced.data?.key, "3");
    const stale = client.replace(RESOURCES.ConfigMap, { ...created, data: { key: "4" } } as ConfigMap);
    await assert.rejects(stale, (error) => isApiError(error, "Conflict"));
    const wrong = client.delete(RESOURCES.ConfigMap, created.metadata, { uid: "00000000-0000-0000-0000-000000000000" });
    await assert.rejects(wrong, (error) => isApiError(error, "Conflict"));
    assert.equal(await client.delete(RESOURCES.ConfigMap, created.metadata, { uid: created.metadata.uid }), true);
    assert.equal(await client.delete(RESOURCES.ConfigMap, created.metadata), false);
    assert.equal(await client.find(RESOURCES.ConfigMap, created.metadata), undefined);
  });

  it("lists what does not fit into one page, by selector and by field", async () => {
    const { client } = test;
    const count = 250;
    for (let start = 0; start < count; start += 50) {
      await Promise.all(
        Array.from({ length: 50 }, (_, index) => {
          const object = configMap(`many-${start + index}`, {});
          return client.create(RESOURCES.ConfigMap, { ...object, metadata: { ...object.metadata, labels: { many: "yes" } } });
        }),
      );
    }
    const sizes: number[] = [];
    for await (const { items } of client.pages(RESOURCES.ConfigMap, { labelSelector: "many=yes" })) sizes.push(items.length);
    assert.deepEqual(sizes, [100, 100, 50]);
    const [one, ...others] = await client.list(RESOURCES.ConfigMap, { namespace: NAMESPACE, fieldSelector: "metadata.name=many-7" });
    assert.deepEqual([one?.kind, one?.metadata.name, others.length], ["ConfigMap", "many-7", 0]);
  });

  it("evicts a pod, unless a disruption budget forbids it", async () => {
    const { client } = test;
    const pod = (name: string) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { namespace: NAMESPACE, name, labels: { app: name } },
      spec: { containers: [{ name: "c", image: "none" }], nodeName: "nowhere", terminationGracePeriodSeconds: 0 },
    });
    for (const name of ["free", "guarded"]) {
      await client.create(RESOURCES.Pod, pod(name));
      const status = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };
      const { spec: _spec, ...bare } = pod(name);
      await client.applyStatus(RESOURCES.Pod, { ...bare, status } as KubeObject, { fieldManager: "kubelet" });
    }
    const budget = {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { namespace: NAMESPACE, name: "guard" },
      spec: { minAvailable: 1, selector: { matchLabels: { app: "guarded" } } },
    };
    await client.create(RESOURCES.PodDisruptionBudget, budget);
    assert.equal(await client.evict({ namespace: NAMESPACE, name: "free" }), true);
    await assert.rejects(client.evict({ namespace: NAMESPACE, name: "guarded" }), EvictionBlockedError);
    assert.equal(await client.evict({ namespace: NAMESPACE, name: "nobody" }), false);
  });

  it("tells a kind that the server does not know from an object that is not there", async () => {
    const ref = { namespace: NAMESPACE, name: "one" };
    await assert.rejects(test.client.find(resource("example.com/v1", "Shop", "shops"), ref), { statusCode: 404, reason: "" });
    assert.equal(await test.client.find(RESOURCES.ConfigMap, ref), undefined);
  });

  it("is a service account with its rights, and no more", async () => {
    const kubeconfig = await cluster.serviceAccountKubeconfig(NAMESPACE, "reader");
    await cluster.kubectl("create", "role", "reader", "--verb=get", "--resource=configmaps", "--namespace", NAMESPACE);
    await cluster.kubectl("create", "rolebinding", "reader", "--role=reader", `--serviceaccount=${NAMESPACE}:reader`, "-n", NAMESPACE);
    await test.client.create(RESOURCES.ConfigMap, configMap("readable", { key: "1" }));
    const { client } = clientWith(kubeconfig);
    const read = await client.get<ConfigMap>(RESOURCES.ConfigMap, { namespace: NAMESPACE, name: "readable" });
    assert.equal(read.data?.key, "1");
    await assert.rejects(client.list(RESOURCES.Secret, { namespace: NAMESPACE }), (error) => isApiError(error, "Forbidden"));
    await client.stop();
  });

  it("becomes who its certificate on disk says, when that was replaced", async () => {
    const review = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview", metadata: { name: "" } };
    const reviews = resource(review.apiVersion, review.kind, "selfsubjectreviews");
    const kubeconfig = cluster.file("rotated.kubeconfig");
    writeFileSync(kubeconfig, readFileSync(cluster.adminKubeconfig, "utf8").replace("admin.crt", "me.crt").replace("admin.key", "me.key"));
    cluster.signClientCertificate("me", "/CN=first");
    const clock = new ManualClock();
    const { client } = new KubeTestClient(new KubeConfigCredentials({ clock }, { kubeconfig }));
    const whoAmI = async () => {
      const { status } = await client.create<KubeObject & { status: { userInfo: { username: string } } }>(reviews, review);
      return status.userInfo.username;
    };
    assert.equal(await whoAmI(), "first");
    cluster.signClientCertificate("me", "/CN=second");
    await clock.advance(10_000);
    assert.equal(await whoAmI(), "second");
    await client.stop();
  });

  it("does not speak to a server whose certificate it cannot check", async () => {
    const other = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=other"];
    execFileSync("openssl", [...other, "-keyout", cluster.file("other.key"), "-out", cluster.file("other.crt")], { stdio: "ignore" });
    const kubeconfig = cluster.file("other.kubeconfig");
    writeFileSync(kubeconfig, readFileSync(cluster.adminKubeconfig, "utf8").replace("ca.crt", "other.crt"));
    const { client } = clientWith(kubeconfig);
    await assert.rejects(client.list(RESOURCES.Namespace, {}, { retries: 0 }), ConnectionError);
    await client.stop();
  });

  it("tells Prometheus how often it asked", async () => {
    assert.ok((await test.metric("rest_client_requests_total", { code: "201", method: "POST" })) >= 250);
    assert.ok((await test.metric("rest_client_request_duration_seconds_count", { verb: "PATCH" })) >= 6);
  });
});
