// A balancer with the service account that the operator gives it, against a real API server. Its workers are servers of this process; the
// EndpointSlices, which a controller would write, are the test's. Their addresses must not be loopback ones: the API server refuses those.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { systemClock } from "../../src/base/index.ts";
import { KubeConfigCredentials, type KubeObject, RESOURCES } from "../../src/kube/index.ts";
import { desiredObjects } from "../../src/operator/desired/index.ts";
import { ask, FakeWorker, type RunningBalancer, startBalancer } from "../support/balancer-harness.ts";
import { clusterOf, DESIRED_INPUTS, objectOf } from "../support/desired-inputs.ts";
import { parseExposition, sampleValue } from "../support/exposition.ts";
import { KubeApiServer } from "../support/kube-api-server.ts";
import { KubeTestClient } from "../support/kube-test-client.ts";
import { NamespaceNetwork, namespacesMissing } from "../support/process-networks.ts";
import { eventually } from "../support/session-requests.ts";

const NAMESPACE = "web";
const SERVICE = "shop-workers";
const ACCOUNT = "shop-balancer";
const ACCESS = ["ServiceAccount", "Role", "RoleBinding"] as const;
/** Of the balancer's settings: longer than any test looks at a draining worker. */
const QUIET_SECONDS = 300;

const missing = namespacesMissing();
let cluster: KubeApiServer;
let network: NamespaceNetwork;
let admin: KubeTestClient;
/** As a kubelet would mount it. */
let accountDirectory: string;

interface Conditions {
  readonly ready?: boolean;
  readonly serving?: boolean;
  readonly terminating?: boolean;
}

const SERVING: Conditions = { ready: true, serving: true, terminating: false };
const TERMINATING: Conditions = { ready: false, serving: true, terminating: true };
const UNREADY: Conditions = { ready: false, serving: false, terminating: false };

/** One slice, of one port as all slices are. */
async function writeSlice(name: string, pods: readonly (readonly [FakeWorker, Conditions])[], service = SERVICE): Promise<void> {
  const slice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { namespace: NAMESPACE, name, labels: { "kubernetes.io/service-name": service } },
    addressType: pods[0]?.[0].address.includes(":") ? "IPv6" : "IPv4",
    ports: [{ name: "http", port: pods[0]?.[0].port ?? 1, protocol: "TCP" }],
    endpoints: pods.map(([worker, conditions]) => ({
      addresses: [worker.address],
      conditions,
      targetRef: { kind: "Pod", namespace: NAMESPACE, name: worker.name },
    })),
  };
  await admin.client.apply(RESOURCES.EndpointSlice, slice as KubeObject, { fieldManager: "test" });
}

const removeSlice = (name: string) => admin.client.delete(RESOURCES.EndpointSlice, { namespace: NAMESPACE, name });

async function startWorkers(context: TestContext, ...names: string[]): Promise<FakeWorker[]> {
  const workers = names.map((name) => new FakeWorker(name));
  for (const worker of workers) {
    worker.address = network.hostAddress;
    await worker.start();
    context.after(() => worker.kill());
  }
  return workers;
}

/** Its health checks all ask the first worker, since all have one address. */
function startDiscovering(context: TestContext, [first]: readonly FakeWorker[]): Promise<RunningBalancer> {
  return startBalancer(context, [], {
    health: true,
    settings: {
      discovery: {
        type: "EndpointSlice",
        service: SERVICE,
        apiServer: cluster.url,
        serviceAccountDirectory: accountDirectory,
        removeAfterSeconds: 1,
      },
      healthCheck: { port: first!.managementPort, intervalMilliseconds: 50 },
      drain: { quietSeconds: QUIET_SECONDS },
    },
  });
}

function workersAre(balancer: RunningBalancer, wanted: Readonly<Record<string, string>>): Promise<unknown> {
  const states = () =>
    Object.fromEntries(
      balancer
        .status()
        .workers.map(({ name, state }) => [name, state])
        .sort(),
    );
  return eventually(states, (found) => JSON.stringify(found) === JSON.stringify(wanted), 30_000);
}

function discoveryUp(balancer: RunningBalancer, wanted: 0 | 1): Promise<unknown> {
  const sample = async () => sampleValue(parseExposition(await balancer.metrics()), "tomcatcluster_balancer_discovery_up", {});
  return eventually(sample, (value) => value === wanted, 30_000);
}

before(async () => {
  if (missing !== undefined) return;
  network = NamespaceNetwork.create(0);
  cluster = await KubeApiServer.start();
  admin = new KubeTestClient(new KubeConfigCredentials({ clock: systemClock }, { kubeconfig: cluster.adminKubeconfig }));
  await cluster.kubectl("create", "namespace", NAMESPACE);
  const objects = desiredObjects(clusterOf({}), DESIRED_INPUTS);
  for (const kind of ACCESS) {
    await admin.client.apply(RESOURCES[kind], objectOf(objects, kind, ACCOUNT) as KubeObject, { fieldManager: "test" });
  }
  accountDirectory = cluster.file("account");
  mkdirSync(accountDirectory);
  writeFileSync(join(accountDirectory, "token"), await cluster.kubectl("create", "token", ACCOUNT, "--namespace", NAMESPACE));
  writeFileSync(join(accountDirectory, "ca.crt"), readFileSync(cluster.file("ca.crt")));
  writeFileSync(join(accountDirectory, "namespace"), NAMESPACE);
});

after(async () => {
  await admin?.client.stop();
  await cluster?.stop();
  await network?.release();
});

describe("A balancer that finds its workers by EndpointSlices", { skip: missing ?? false }, () => {
  it("takes all slices of its Service together, and nobody who does not serve", async (context) => {
    const workers = await startWorkers(context, "shop-0", "shop-1", "shop-2", "cart-0");
    const [one, two, three, other] = workers as [FakeWorker, FakeWorker, FakeWorker, FakeWorker];
    await writeSlice("one", [[one, SERVING]]);
    await writeSlice("other", [[other, SERVING]], "cart-workers");
    const balancer = await startDiscovering(context, workers);
    await workersAre(balancer, { "shop-0": "Serving" });
    await writeSlice("two", [[two, SERVING]]);
    await writeSlice("three", [[three, UNREADY]]);
    await workersAre(balancer, { "shop-0": "Serving", "shop-1": "Serving" });
    assert.equal((await ask(balancer.port, { cookie: "JSESSIONID=s.shop-1" })).body, "shop-1");
    await writeSlice("three", [[three, SERVING]]);
    await workersAre(balancer, { "shop-0": "Serving", "shop-1": "Serving", "shop-2": "Serving" });
    await discoveryUp(balancer, 1);
  });

  it("finds workers that have IPv6 addresses alone", async (context) => {
    const worker = new FakeWorker("six-0");
    worker.address = network.hostAddress6;
    await worker.start();
    context.after(() => worker.kill());
    for (const name of ["one", "two", "three"]) await removeSlice(name);
    await writeSlice("six", [[worker, SERVING]]);
    const balancer = await startDiscovering(context, [worker]);
    await workersAre(balancer, { "six-0": "Serving" });
    assert.equal((await ask(balancer.port, { cookie: "JSESSIONID=s.six-0" })).body, "six-0");
    await removeSlice("six");
  });

  it("leaves a terminating pod its sessions and gives it nothing new (rule 18), and lets it go when it is no longer listed", async (context) => {
    const workers = await startWorkers(context, "shop-0", "shop-1");
    const [one, two] = workers as [FakeWorker, FakeWorker];
    await removeSlice("other");
    await writeSlice("one", [[one, SERVING]]);
    await writeSlice("two", [[two, SERVING]]);
    const balancer = await startDiscovering(context, workers);
    await workersAre(balancer, { "shop-0": "Serving", "shop-1": "Serving" });
    await writeSlice("two", [[two, TERMINATING]]);
    await workersAre(balancer, { "shop-0": "Serving", "shop-1": "Draining" });
    assert.equal((await ask(balancer.port, { cookie: "JSESSIONID=s.shop-1" })).body, "shop-1");
    for (let request = 0; request < 6; request++) assert.equal((await ask(balancer.port)).body, "shop-0");
    await removeSlice("two");
    await workersAre(balancer, { "shop-0": "Serving" });
    assert.equal((await ask(balancer.port, { cookie: "JSESSIONID=s.shop-1" })).body, "shop-0");
  });

  it("has the same worker, with its connections, while its pod moves from one slice to another", async (context) => {
    const workers = await startWorkers(context, "shop-0");
    const [one] = workers as [FakeWorker];
    await writeSlice("one", [[one, SERVING]]);
    const balancer = await startDiscovering(context, workers);
    await workersAre(balancer, { "shop-0": "Serving" });
    assert.equal((await ask(balancer.port)).body, "shop-0");
    await writeSlice("moved", [[one, SERVING]]);
    await removeSlice("one");
    await writeSlice("one", []);
    // Nothing tells when that has been read; the next change does.
    const [next] = await startWorkers(context, "shop-1");
    await writeSlice("next", [[next!, SERVING]]);
    await workersAre(balancer, { "shop-0": "Serving", "shop-1": "Serving" });
    assert.equal((await ask(balancer.port, { cookie: "JSESSIONID=s.shop-0" })).body, "shop-0");
    assert.equal(one.connections, 1);
    for (const name of ["moved", "next"]) await removeSlice(name);
  });

  it("keeps its workers while there is no API server, tells, and takes what changed when it is back", async (context) => {
    const workers = await startWorkers(context, "shop-0", "shop-1");
    const [one, two] = workers as [FakeWorker, FakeWorker];
    await writeSlice("one", [[one, SERVING]]);
    const balancer = await startDiscovering(context, workers);
    await workersAre(balancer, { "shop-0": "Serving" });
    await cluster.stopServer();
    await discoveryUp(balancer, 0);
    assert.equal((await ask(balancer.port)).body, "shop-0");
    await cluster.compact();
    await cluster.startServer();
    await discoveryUp(balancer, 1);
    await writeSlice("two", [[two, SERVING]]);
    await workersAre(balancer, { "shop-0": "Serving", "shop-1": "Serving" });
  });

  it("may read EndpointSlices of its namespace, and nothing else", async () => {
    const may = (verb: string, what: string, namespace: string) =>
      cluster.kubectl("auth", "can-i", verb, what, "--namespace", namespace, "--as", `system:serviceaccount:${NAMESPACE}:${ACCOUNT}`);
    for (const verb of ["list", "watch"]) assert.equal((await may(verb, "endpointslices.discovery.k8s.io", NAMESPACE)).trim(), "yes");
    await assert.rejects(may("list", "endpointslices.discovery.k8s.io", "default"));
    await assert.rejects(may("update", "endpointslices.discovery.k8s.io", NAMESPACE));
    await assert.rejects(may("get", "secrets", NAMESPACE));
  });
});
