// The chart with the real Helm: what it renders, and install, upgrade and uninstall on a real API server.
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { parse, parseAllDocuments, stringify } from "yaml";
import { CHART, helm, KUBE_VERSION, RELEASE, renderChart } from "../support/helm.ts";
import { KubeApiServer } from "../support/kube-api-server.ts";
import { admits } from "../support/network-policy.ts";
import { RunningOperator } from "../support/running-operator.ts";
import { chartValues } from "../support/values-table.ts";

const GOLDEN = new URL("../golden/chart/", import.meta.url).pathname;
const INPUT = ".in.yaml";
const DASHBOARD = readFileSync(new URL("../../deploy/dashboards/tomcat-cluster.json", import.meta.url), "utf8");
const SMALLEST = new URL("../../deploy/samples/smallest.yaml", import.meta.url).pathname;
const README = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
const OPERATOR = `${RELEASE}-operator`;
const CRD = "tomcatclusters.tribes.dev";

const CASES = readdirSync(GOLDEN)
  .filter((file) => file.endsWith(INPUT))
  .map((file) => ({ name: file.slice(0, -INPUT.length), values: parse(readFileSync(join(GOLDEN, file), "utf8")) as object }));

// biome-ignore lint/suspicious/noExplicitAny: objects whose types are Kubernetes' own
function objectsOf(rendered: string): readonly any[] {
  return parseAllDocuments(rendered)
    .map((document) => document.toJS())
    .filter((object) => object !== null);
}

/** The dashboard is a file of its own: a golden one would be most of it. */
function withoutDashboard(rendered: string): string {
  const indented = DASHBOARD.trimEnd().replace(/^(?=.)/gm, "    ");
  return rendered.replace(indented, "    (deploy/dashboards/tomcat-cluster.json)");
}

describe("the chart", () => {
  for (const { name, values } of CASES) {
    it(`${name}: makes the expected objects`, () => {
      const file = join(GOLDEN, `${name}.out.yaml`);
      const rendered = withoutDashboard(renderChart(values));
      if (process.env.UPDATE_GOLDEN === "1") writeFileSync(file, rendered);
      else assert.equal(rendered, readFileSync(file, "utf8"), `${file} differs: write it with UPDATE_GOLDEN=1, and look at the difference`);
    });

    it(`${name}: helm lint finds nothing`, async () => {
      const found = await helm(["lint", "--strict", CHART, "--values", join(GOLDEN, `${name}${INPUT}`)]);
      assert.match(found, /1 chart\(s\) linted, 0 chart\(s\) failed/);
      assert.doesNotMatch(found, /WARNING|ERROR/);
    });
  }

  it("refuses values that it does not know, and those that cannot be meant, by name", () => {
    for (const [values, message] of [
      [{ replica: 2 }, /'replica'/],
      [{ metrics: { podmonitor: { enabled: true } } }, /'podmonitor'/],
      [{ image: { pullPolicy: "Sometimes" } }, /pullPolicy/],
      [{ watchNamespaces: "web" }, /watchNamespaces/],
    ] as const) {
      assert.throws(() => renderChart(values), message);
    }
  });

  it("renders with each of its switches the other way", () => {
    const text = readFileSync(join(CHART, "values.yaml"), "utf8");
    const switches = chartValues(text).filter(({ default: value }) => value === "true" || value === "false");
    assert.ok(switches.length > 8);
    for (const { key, default: value } of switches) {
      const other = key.split(".").reduceRight<unknown>((inner, part) => ({ [part]: inner }), value === "false");
      assert.ok(objectsOf(renderChart(other as object)).length > 4, key);
    }
  });

  it("has one name for release and operator where they are the same, and a short one where they are long", () => {
    const nameOf = (release: string, values = {}) =>
      objectsOf(renderChart(values, release)).find(({ kind }) => kind === "Deployment").metadata.name;
    assert.equal(nameOf("tomcat-cluster"), "tomcat-cluster-operator");
    assert.equal(nameOf("prod"), "prod-tomcat-cluster-operator");
    assert.equal(nameOf("prod", { fullnameOverride: "sessions" }), "sessions");
    assert.equal(nameOf("a".repeat(53)).length, 52);
  });

  it("without names of namespaces gives the operator one ClusterRole, and with names no right outside of them", () => {
    const kinds = (values: object) => objectsOf(renderChart(values)).map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ""}`);
    assert.ok(kinds({}).includes("ClusterRoleBinding "));
    const namespaced = kinds({ watchNamespaces: ["web"], rbac: { aggregateClusterRoles: false } });
    assert.deepEqual(
      namespaced.filter((kind) => /Role/.test(kind)),
      ["Role web", `Role ${RELEASE}`, "RoleBinding web", `RoleBinding ${RELEASE}`],
    );
  });

  it("lets the operator get, create and delete Secrets, and neither list nor change them", () => {
    const rules = objectsOf(renderChart({ rbac: { aggregateClusterRoles: false } }))
      .filter(({ kind }) => kind === "ClusterRole" || kind === "Role")
      .flatMap((role) => role.rules);
    const ofSecrets = rules.filter(({ resources }) => resources.includes("secrets") || resources.includes("*"));
    assert.deepEqual(
      ofSecrets.map(({ verbs }) => verbs),
      [["get", "create", "delete"]],
    );
    assert.ok(rules.every(({ verbs, apiGroups }) => !verbs.includes("*") && !apiGroups.includes("*")));
  });

  it("lets everybody in to the management port and nobody anywhere else, or those alone that are named, and helm test", async () => {
    const policies = (from: readonly object[]) =>
      objectsOf(renderChart({ networkPolicy: { from } })).filter(({ kind }) => kind === "NetworkPolicy");
    const source = (namespace: string, labels = {}) => ({
      namespace,
      namespaceLabels: { "kubernetes.io/metadata.name": namespace },
      labels,
    });
    const [open] = policies([]);
    const operator = { ...source(RELEASE), labels: open.spec.podSelector.matchLabels };
    const monitoring = policies([{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } } }]);
    assert.equal(admits([open], source("web"), operator, 9090), true);
    assert.equal(admits([open], source("web"), operator, 8080), false);
    assert.equal(admits(monitoring, source("monitoring"), operator, 9090), true);
    assert.equal(admits(monitoring, source("web"), operator, 9090), false);
    const [test] = objectsOf(await helm(["template", RELEASE, CHART, KUBE_VERSION, "--show-only=templates/tests/readiness.yaml"]));
    assert.equal(admits(monitoring, source(RELEASE, test.metadata.labels), operator, 9090), true);
  });

  it("gives Grafana the dashboard as it is", () => {
    const [dashboards] = objectsOf(renderChart({ dashboards: { enabled: true } })).filter(({ kind }) => kind === "ConfigMap");
    assert.deepEqual(JSON.parse(dashboards.data["tomcat-cluster.json"]), JSON.parse(DASHBOARD));
    assert.equal(dashboards.metadata.labels.grafana_dashboard, "1");
  });
});

describe("the chart on a real API server", () => {
  let server: KubeApiServer;
  const namespace = ["--namespace", RELEASE];
  const run = (...args: string[]) => helm(args, server.adminKubeconfig);
  const upgrade = (chart: string, ...args: string[]) =>
    run("upgrade", "--install", RELEASE, chart, ...namespace, "--create-namespace", ...args);
  const names = async (kind: string, ...args: string[]) =>
    (await server.kubectl("get", kind, "--output=name", ...args)).split("\n").filter((line) => line !== "");
  const field = (path: string, ...args: string[]) => server.kubectl("get", ...args, `--output=jsonpath={${path}}`);
  /** Of the operator's own account. */
  const may = (verb: string, resource: string, ...args: string[]) =>
    server
      .kubectl("auth", "can-i", verb, resource, `--as=system:serviceaccount:${RELEASE}:${OPERATOR}`, ...args)
      .then((answer) => answer.trim() === "yes")
      // "no" is an exit code, too.
      .catch(() => false);

  before(async () => {
    server = await KubeApiServer.start();
  });

  after(async () => {
    await server?.stop();
  });

  it("installs the operator, its rights and the kind TomcatCluster, with the command that README.md shows", async () => {
    const [, command] = /^helm (upgrade .*)$/m.exec(README)!;
    await run(...command!.split(" ").map((argument) => (argument === "charts/tomcat-cluster" ? CHART : argument)));
    assert.match(await field(".spec.template.spec.containers[0].image", "deployment", OPERATOR, ...namespace), /^registry\.example\//);
    await server.kubectl("wait", "--for=condition=Established", `crd/${CRD}`);
    await server.kubectl("apply", "-f", SMALLEST);
    assert.equal(await may("list", "tomcatclusters", "--all-namespaces"), true);
    assert.equal(await may("get", "secrets", "--namespace=default"), true);
    assert.equal(await may("list", "secrets", "--namespace=default"), false);
    assert.equal(await may("update", "secrets", "--namespace=default"), false);
    assert.equal(await may("update", "leases", ...namespace), true);
    assert.equal(await may("update", "leases", "--namespace=default"), false);
  });

  it('makes pods that Pod Security "restricted" admits, the one of helm test, too', async () => {
    await server.kubectl("create", "namespace", "strict");
    await server.kubectl("label", "namespace", "strict", "pod-security.kubernetes.io/enforce=restricted");
    const template = await field(".spec.template.spec", "deployment", OPERATOR, ...namespace);
    const hooks = objectsOf(await run("get", "hooks", RELEASE, ...namespace));
    const pods = [
      { name: "operator", spec: JSON.parse(template) as object },
      ...hooks.map(({ spec }) => ({ name: "test", spec: spec as object })),
    ];
    assert.equal(pods.length, 2);
    for (const { name, spec } of pods) {
      writeFileSync(
        server.file(`${name}.json`),
        JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "strict" }, spec }),
      );
      await server.kubectl("create", "--validate=strict", "-f", server.file(`${name}.json`));
    }
  });

  it("upgrades the CustomResourceDefinition with the chart, and leaves clusters and the running operator alone", async () => {
    const older = mkdtempSync(join(tmpdir(), "chart-"));
    try {
      cpSync(CHART, older, { recursive: true });
      const file = join(older, "files/tribes.dev_tomcatclusters.yaml");
      const crd = parse(readFileSync(file, "utf8"));
      delete crd.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.sessions.properties.maxActive;
      writeFileSync(file, stringify(crd, { aliasDuplicateObjects: false }));
      const isNew = async () => (await server.kubectl("get", "crd", CRD, "--output=json")).includes('"maxActive"');
      await upgrade(older);
      assert.equal(await isNew(), false);
      const { uid } = JSON.parse(await field(".metadata", "tomcatcluster", "smallest"));
      const generation = await field(".metadata.generation", "deployment", OPERATOR, ...namespace);
      await upgrade(CHART);
      assert.equal(await isNew(), true);
      assert.equal(await field(".metadata.uid", "tomcatcluster", "smallest"), uid);
      assert.equal(await field(".metadata.generation", "deployment", OPERATOR, ...namespace), generation);
    } finally {
      rmSync(older, { recursive: true, force: true });
    }
  });

  it("lets those who may edit a namespace edit TomcatClusters, and those who may view it view them", async () => {
    const aggregated = (role: string) => field(".rules", "clusterrole", `${OPERATOR}-${role}`);
    assert.match(await aggregated("edit"), /"deletecollection"/);
    assert.doesNotMatch(await aggregated("view"), /"delete"|"patch"|"update"|"create"/);
    assert.match(
      await server.kubectl("get", "clusterrole", "--selector=rbac.authorization.k8s.io/aggregate-to-view=true"),
      new RegExp(`${OPERATOR}-view`),
    );
  });

  it("makes every object of every golden case as the API server wants it, with no field that it does not know", async () => {
    for (const { name, values } of CASES) {
      const objects = objectsOf(renderChart(values)).filter(({ kind }) => kind !== "PodMonitor");
      for (const namespaceName of new Set(objects.map(({ metadata }) => metadata.namespace ?? "default")))
        await server.kubectl("create", "namespace", namespaceName).catch((error: Error) => assert.match(error.message, /already exists/));
      writeFileSync(server.file(`${name}.yaml`), objects.map((object) => stringify(object)).join("---\n"));
      await server.kubectl(
        "apply",
        "--server-side",
        "--force-conflicts",
        "--dry-run=server",
        "--validate=strict",
        "-f",
        server.file(`${name}.yaml`),
      );
    }
  });

  it("gives an operator of some namespaces all rights that it needs there", async () => {
    await server.kubectl("create", "namespace", "web").catch((error: Error) => assert.match(error.message, /already exists/));
    await upgrade(CHART, "--set=watchNamespaces={web}");
    const kubeconfig = await server.serviceAccountKubeconfig(RELEASE, OPERATOR);
    const operator = new RunningOperator(kubeconfig, { watchNamespaces: ["web"], electsLeader: true });
    await operator.start();
    try {
      await server.kubectl("apply", "--namespace=web", "-f", SMALLEST);
      await server.kubectl("wait", "--namespace=web", "--for=condition=Reconciling", "tomcatcluster/smallest", "--timeout=60s");
      assert.equal(await field(".status.conditions[?(@.type=='Stalled')].status", "tomcatcluster", "smallest", "--namespace=web"), "False");
      assert.deepEqual(operator.failures, []);
    } finally {
      await operator.stop();
    }
    assert.equal(await field(".status", "tomcatcluster", "smallest"), "");
    assert.equal(await may("get", "configmaps", "--namespace=default"), false);
    await server.kubectl("delete", "tomcatcluster", "smallest", "--namespace=web");
    await upgrade(CHART);
  });

  it("uninstalled, leaves the CustomResourceDefinition and every TomcatCluster, and takes them over when it is installed again", async () => {
    await run("uninstall", RELEASE, ...namespace);
    const left = await names("all,serviceaccount,role,rolebinding,networkpolicy,poddisruptionbudget,configmap", ...namespace);
    assert.deepEqual(left, []);
    assert.deepEqual(await names("clusterrole,clusterrolebinding", "--selector=app.kubernetes.io/part-of=tomcat-cluster"), []);
    assert.deepEqual(await names("tomcatcluster"), ["tomcatcluster.tribes.dev/smallest"]);
    await upgrade(CHART);
    assert.deepEqual(await names("tomcatcluster"), ["tomcatcluster.tribes.dev/smallest"]);
  });

  it("takes over what another release has left, when it is told to, and with crds.keep=false takes all of it away when it is uninstalled", async () => {
    await run("uninstall", RELEASE, ...namespace);
    const other = ["--namespace", "other", "--create-namespace"];
    await assert.rejects(run("install", "other", CHART, ...other), /invalid ownership metadata/);
    await run("upgrade", "--install", "other", CHART, ...other, "--take-ownership", "--set=crds.keep=false");
    assert.deepEqual(await names("tomcatcluster"), ["tomcatcluster.tribes.dev/smallest"]);
    await run("uninstall", "other", "--namespace", "other");
    await server.kubectl("wait", "--for=delete", `crd/${CRD}`, "--timeout=60s");
    assert.deepEqual(await names("crd"), []);
  });
});
