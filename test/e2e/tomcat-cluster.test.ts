// The whole product on a real Kubernetes of one node: the image, the chart, two clusters that differ in how they replicate, and what
// happens to them while clients use them. Each test begins where the one before has left the clusters.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { parse } from "yaml";
import { systemClock } from "../../src/base/index.ts";
import { KubeConfigCredentials } from "../../src/kube/index.ts";
import { brokenPromises } from "../reliability/promises.ts";
import type { Mode } from "../reliability/run-fault.ts";
import { tableRow } from "../reliability/table.ts";
import { KubeTestClient } from "../support/kube-test-client.ts";
import { ROOT } from "../support/local-cluster.ts";
import { until } from "../support/until.ts";
import { DeployedCluster, NAMESPACE } from "./support/deployed-cluster.ts";
import { InstalledOperator } from "./support/installed-operator.ts";
import { Prometheus } from "./support/prometheus.ts";
import { runScenario } from "./support/run-scenario.ts";
import { SCENARIOS } from "./support/scenarios.ts";
import { APPLICATION_IMAGES, makeShopImages } from "./support/shop-images.ts";
import { SingleNode } from "./support/single-node.ts";

const SAMPLE = join(ROOT, "deploy/samples/shop.yaml");
const MODES: Readonly<Record<string, Mode>> = { shop: "Synchronous", market: "Asynchronous" };
/** What people look at, and on how many pods it is. */
const METRICS = {
  tomcat_sessions_active_current_sessions: 6,
  tomcatcluster_sessions_at_risk: 6,
  "tomcatcluster_channel_members == 2": 6,
  "sum by (pod) (tomcatcluster_balancer_worker_up) == 3": 4,
  controller_runtime_reconcile_total: 1,
  process_cpu_seconds_total: 11,
  'tomcatcluster_status_condition{type="Ready",status="True"} == 1': 1,
};

/** The sample, with an image that has its application and the one that counts, and a mode of replication. */
function manifest(name: string): object {
  const { spec, ...sample } = parse(readFileSync(SAMPLE, "utf8")) as { spec: { applications: object[] } };
  const applications = [...spec.applications, { path: "/ledger", distributable: true }];
  const replication = { mode: MODES[name] };
  return { ...sample, metadata: { name }, spec: { ...spec, image: APPLICATION_IMAGES.first, replication, applications } };
}

describe("tomcat-cluster on Kubernetes", () => {
  let node: SingleNode;
  let kube: KubeTestClient;
  let operator: InstalledOperator;
  let clusters: readonly DeployedCluster[];

  before(async () => {
    node = await SingleNode.start();
    kube = new KubeTestClient(new KubeConfigCredentials({ clock: systemClock }, { kubeconfig: node.kubeconfig }));
    await kube.client.start();
    await Promise.all([node.startMetrics(), makeShopImages((archive) => node.importImage(archive))]);
    operator = await InstalledOperator.install(node, kube.client);
    clusters = Object.entries(MODES).map(([name, mode]) => new DeployedCluster(kube.client, name, mode));
  });
  after(async () => {
    await kube?.client.stop();
    await node?.stop();
  });

  it("is installed by the chart, whose helm test passes", async () => {
    await operator.check();
  });

  it("makes clusters of what kubectl applies, which kubectl waits for and shows in a line each", async () => {
    const file = join(node.logFolder, "clusters.json");
    writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "List", items: Object.keys(MODES).map(manifest) }));
    await node.kubectl("apply", "-f", file);
    await node.kubectl("wait", "--for=condition=Ready", "--timeout=240s", "tomcat", "--all");
    await Promise.all(clusters.map((cluster) => cluster.whole()));
    const [head, ...lines] = (await node.kubectl("get", "tomcat")).trimEnd().split("\n");
    assert.match(head!, /^NAME +READY +REASON +WORKERS +WANTED +ONE-GROUP +AGE$/);
    assert.match(lines[1]!, /^shop +True +AllServing +3 +3 +True +\w+$/);
  });

  it("serves the sample application, whose sessions last longer than a request", async () => {
    const url = await clusters[0]!.url();
    const first = await fetch(`${url}/shop/hit`);
    const cookie = first.headers.get("set-cookie")!.split(";")[0]!;
    const { n } = (await (await fetch(`${url}/shop/hit`, { headers: { cookie } })).json()) as { n: number };
    assert.equal(n, 2);
  });

  it("is closed to whom its NetworkPolicies do not name: the operator reaches workers' management port alone, and balancers", async () => {
    const [worker] = await clusters[0]!.workers();
    const [balancer] = await clusters[0]!.balancers();
    const urls = [worker!.management, worker!.url, balancer!.management, balancer!.url];
    const answers = await Promise.all(urls.map((url) => operator.request(url)));
    assert.deepEqual(answers, ["answers", "TimeoutError", "answers", "answers"]);
  });

  it("is scraped by a Prometheus: operator, balancers and workers", async () => {
    const prometheus = await Prometheus.start(kube.client);
    try {
      // Two clusters of three workers and two balancers, and the operator.
      await until("11 pods are scraped", async () => (await prometheus.query("up == 1")).length === 11, {
        patienceMs: 30_000,
        pollMs: 500,
      });
      assert.deepEqual(await prometheus.query("up != 1"), []);
      const pods = async (query: string) => new Set((await prometheus.query(query)).map(({ metric: { pod } }) => pod)).size;
      const found = await Promise.all(Object.keys(METRICS).map(async (query) => [query, await pods(query)]));
      assert.deepEqual(Object.fromEntries(found), METRICS);
    } finally {
      await prometheus.stop();
    }
  });

  for (const scenario of SCENARIOS) {
    it(`keeps its promise under load: ${scenario.title}`, async (context) => {
      const results = await runScenario(scenario, { node, operator, clusters });
      for (const result of results) context.diagnostic(tableRow(result));
      assert.deepEqual(
        results.map((result) => brokenPromises(result)),
        results.map(() => []),
      );
    });
  }

  it("leaves nothing behind of a cluster that is deleted", async () => {
    await node.kubectl("delete", "tomcat", "--all", "--wait");
    const kinds = "pods,services,statefulsets,deployments,configmaps,secrets,poddisruptionbudgets,networkpolicies,roles,rolebindings";
    await until("nothing is left", async () => {
      const left = await node.kubectl(
        "get",
        kinds,
        "--namespace",
        NAMESPACE,
        "--selector=app.kubernetes.io/name=tomcat-cluster",
        "--output=name",
      );
      if (left !== "") throw new Error(left);
      return true;
    });
    await operator.uninstall();
  });
});
