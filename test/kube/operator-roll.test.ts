// What moves workers, on a real API server: references that change, workers that stop working, rolls that do not get on, keys and updates.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type KubeObject, RESOURCES } from "../../src/kube/index.ts";
import { DEFAULTS } from "../../src/operator/desired/index.ts";
import { clusterPage, has, OperatorOnServer } from "../support/operator-on-server.ts";
import { type ClusterOnServer, RunningOperator } from "../support/running-operator.ts";
import { eventually } from "../support/session-requests.ts";
import { SkippingClock } from "../support/skipping-clock.ts";

const TEN_MINUTES_MS = 600_000;
const THIRTY_DAYS_MS = 30 * 24 * 3_600_000;

const clock = new SkippingClock();
let kube: OperatorOnServer;

before(async () => {
  kube = await OperatorOnServer.start({ clock });
});

after(() => kube?.stop());

/** Of the workers' template: what they read when they start. */
function configuration(name: string): Promise<string> {
  return kube.server.kubectl("get", "statefulset", name, "-o", "jsonpath={.spec.template.metadata.annotations.tribes\\.dev/configuration}");
}

function put(kind: "ConfigMap" | "Secret", name: string, data: Record<string, string>): Promise<unknown> {
  const object = { apiVersion: "v1", kind, metadata: { namespace: "default", name }, data };
  return kube.test.client.apply(RESOURCES[kind], object as KubeObject, { fieldManager: "test" });
}

async function evicted(cluster: ClusterOnServer, ordinal: number): Promise<void> {
  await eventually(
    () => cluster.hasPod(ordinal),
    (isThere) => !isThere,
  );
}

function annotate(name: string, annotation: string): Promise<string> {
  return kube.server.kubectl("annotate", "tomcat", name, annotation, "--overwrite");
}

async function messageOf(cluster: ClusterOnServer, type: string): Promise<string> {
  return (await cluster.get()).status?.conditions?.find((condition) => condition.type === type)?.message ?? "";
}

describe("references", () => {
  it("wait for a ConfigMap, go on as soon as it is there, and roll as soon as it changes", async () => {
    const serverXml = { configMapKeyRef: { name: "own", key: "server.xml" } };
    const env = [{ name: "MOOD", valueFrom: { configMapKeyRef: { name: "mood", key: "mood" } } }];
    const cluster = await kube.create("refers", { configuration: { serverXml }, template: { env } });
    await has(() => cluster.condition("Stalled"), "True ReferenceMissing");
    await put("ConfigMap", "own", { "server.xml": "<Server/>" });
    await has(() => cluster.condition("Stalled"), "False NotStalled");
    let before = await configuration("refers");
    for (const change of [
      () => put("ConfigMap", "own", { "server.xml": "<Server shutdown='X'/>" }),
      () => put("ConfigMap", "mood", { mood: "good" }),
      () => kube.test.client.delete(RESOURCES.ConfigMap, { namespace: "default", name: "mood" }),
    ]) {
      await change();
      // Well before half a minute, when everything is looked at again.
      before = await eventually(
        () => configuration("refers"),
        (now) => now !== before,
      );
    }
  });

  it("read Secrets again with every look, and never ask for all of them", async () => {
    await put("Secret", "password", { password: "b25l" });
    await kube.create("secretive", {
      template: { env: [{ name: "P", valueFrom: { secretKeyRef: { name: "password", key: "password" } } }] },
    });
    const before = await eventually(
      () => configuration("secretive").catch(() => ""),
      (now) => now !== "",
    );
    await put("Secret", "password", { password: "dHdv" });
    await annotate("secretive", "look=again");
    await eventually(
      () => configuration("secretive"),
      (now) => now !== before,
    );
  });
});

describe("rolls", () => {
  it("replace at once what never was ready, and then what is not ready any more, when it has nothing of its own", async () => {
    const cluster = await kube.settled("broken", "192.0.2");
    for (const [ordinal, state] of [
      [0, "faltering"],
      [1, "starting"],
    ] as const) {
      await kube.test.client.delete(RESOURCES.Pod, { namespace: "default", name: `broken-${ordinal}` });
      await cluster.startPod(ordinal, "r1", `192.0.2.${ordinal}`, state);
    }
    kube.operator.pages.set("192.0.2.0", clusterPage({ sessionsAtRisk: 1 }));
    await cluster.allowDisruptions(3);
    const { generation } = (await cluster.statefulSet()).metadata;
    await annotate("broken", "tribes.dev/restart=now");
    await eventually(
      async () => (await cluster.statefulSet()).metadata.generation!,
      (now) => now > generation!,
    );
    await cluster.see("r2");
    await evicted(cluster, 1);
    await cluster.startPod(1, "r2", "192.0.2.1", "starting");
    await eventually(
      () => messageOf(cluster, "Reconciling"),
      (message) => message.endsWith("now a session is on one worker only"),
    );
    assert.ok(await cluster.hasPod(0));
    kube.operator.pages.set("192.0.2.0", clusterPage());
    await evicted(cluster, 0);
    assert.ok(await cluster.hasPod(2));
  });

  it("are stuck after ten minutes without getting on, say so, and go on by force", async () => {
    const cluster = await kube.settled("stuck", "198.51.100");
    kube.operator.pages.set("198.51.100.1", clusterPage({ sessionsAtRisk: 1 }));
    await annotate("stuck", "tribes.dev/restart=now");
    await has(() => cluster.condition("Reconciling"), "True Starting");
    await cluster.allowDisruptions(3);
    await cluster.see("r2");
    await has(() => cluster.condition("Reconciling"), "True Rolling");
    assert.equal(await cluster.condition("Degraded"), "False AsExpected");
    clock.skip(TEN_MINUTES_MS);
    await has(() => cluster.condition("Degraded"), "True RollStuck");
    const [command] = /kubectl annotate .*$/.exec(await messageOf(cluster, "Degraded"))!;
    assert.ok(await cluster.hasPod(2));
    // The command that the condition prints is one that can be typed.
    await kube.server.kubectl(...command.split(" ").slice(1));
    for (const ordinal of [2, 1, 0]) {
      await evicted(cluster, ordinal);
      await cluster.startPod(ordinal, "r2", `198.51.100.${ordinal}`);
    }
    await has(() => cluster.condition("Degraded"), "False AsExpected");
    await has(() => cluster.condition("Reconciling"), "False UpToDate");
    const events = await kube.server.kubectl(
      "get",
      "events",
      "--field-selector=involvedObject.name=stuck",
      "-o",
      "jsonpath={.items[*].reason}",
    );
    assert.ok(events.split(" ").includes("RollStuck"), events);
  });
});

describe("the channel's key", () => {
  let cluster: ClusterOnServer;

  async function rotation(expected: string): Promise<void> {
    const look = async () => {
      const { keyGeneration, keyRotation } = (await cluster.get()).status ?? {};
      return `${keyGeneration} ${keyRotation?.phase ?? "-"}`;
    };
    await has(look, expected);
  }

  function report(...keys: number[]): void {
    for (const ordinal of [0, 1]) kube.operator.pages.set(`203.0.113.${ordinal}`, clusterPage({ keys }));
  }

  const secrets = () =>
    kube.server.kubectl("get", "secrets", "-l", "app.kubernetes.io/instance=locked", "-o", "jsonpath={.items[*].metadata.name}");
  const sending = () => kube.server.kubectl("get", "configmap", "locked-workers", "-o", "jsonpath={.data.sending-key}");

  /** From the oldest key `from` to the one after it, as the workers report. `look` makes the operator look, where nothing has changed. */
  async function replaced(from: number): Promise<void> {
    const to = from + 1;
    await rotation(`${from} Accepting`);
    await has(secrets, `locked-channel-${from} locked-channel-${to}`);
    assert.equal(await sending(), `${from}.key`);
    report(from, to);
    await annotate("locked", `look=accepting-${to}`);
    await rotation(`${from} Sending`);
    await has(sending, `${to}.key`);
    report(to, from);
    await annotate("locked", `look=sending-${to}`);
    await rotation(`${to} Dropping`);
    await has(() => cluster.condition("Reconciling"), "True Starting");
    await cluster.see(`r${to}`);
    for (const ordinal of [1, 0]) {
      await cluster.allowDisruptions(1);
      await evicted(cluster, ordinal);
      kube.operator.pages.set(`203.0.113.${ordinal}`, clusterPage({ keys: [to] }));
      await cluster.startPod(ordinal, `r${to}`, `203.0.113.${ordinal}`);
    }
    await rotation(`${to} -`);
    await has(secrets, `locked-channel-${to}`);
  }

  it("is replaced by annotation: accept new, send new, drop old, each when every worker says so", async () => {
    cluster = await kube.settled("locked", "203.0.113", { replicas: 2 });
    await annotate("locked", "tribes.dev/rotate-key=2");
    await replaced(1);
    assert.deepEqual(await kube.writesOfOneMore("locked"), []);
  });

  it("is replaced after thirty days", async () => {
    clock.skip(THIRTY_DAYS_MS);
    await annotate("locked", "look=30-days");
    await replaced(2);
  });
});

describe("another version of the operator", () => {
  it("rolls nobody, and brings its own to one cluster at a time that wants it", async () => {
    for (const name of ["first", "second"]) await kube.create(name, { replicas: 1, updatePolicy: { image: "Automatic" } });
    const keeps = await kube.create("keeps", { replicas: 1 });
    await has(() => keeps.condition("Reconciling"), "True Starting");
    await kube.operator.stop();
    const image = "registry.example/tomcat-cluster:2";
    const next = new RunningOperator(kube.kubeconfig, { image, defaults: [...DEFAULTS, { ...DEFAULTS[0]!, heapShare: 0.5 }] });
    await next.start();
    const updates = async () => {
      const statuses = await Promise.all(["first", "second"].map(async (name) => (await kube.cluster(name).get()).status));
      return statuses.map((status) => `${status?.image?.split(":")[1]} ${status?.update?.phase}`).toSorted();
    };
    await eventually(updates, (found) => found.join() === "1 Waiting,2 Rolling", 30_000);
    const [one, other] =
      (await kube.cluster("first").get()).status?.update?.phase === "Rolling" ? ["first", "second"] : ["second", "first"];
    const imageOf = (name: string) =>
      kube.server.kubectl("get", "statefulset", name, "-o", "jsonpath={.spec.template.spec.containers[0].image}");
    await has(() => imageOf(one!), image);
    assert.equal(await imageOf(other!), "registry.example/tomcat-cluster:1");
    const cluster = kube.cluster(one!);
    await cluster.see("r2");
    next.pages.set("192.0.2.200", clusterPage());
    await cluster.startPod(0, "r2", "192.0.2.200");
    await has(() => cluster.condition("Reconciling"), "False UpToDate");
    await annotate(other!, "look=again");
    await has(() => imageOf(other!), image);
    assert.equal((await cluster.get()).status?.update, undefined);
    assert.equal(await imageOf("keeps"), "registry.example/tomcat-cluster:1");
    assert.deepEqual([(await keeps.get()).status?.defaultsRevision, (await cluster.get()).status?.defaultsRevision], [1, 2]);
    assert.deepEqual(
      next.writes.filter((write) => write.includes("keeps")),
      [],
    );
    await next.stop();
    assert.deepEqual([...next.failures, ...kube.operator.failures], []);
  });
});
