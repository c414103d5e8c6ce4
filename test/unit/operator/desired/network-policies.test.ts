import assert from "node:assert/strict";
import { test } from "node:test";
import type { TomcatClusterManifest } from "../../../../src/api/index.ts";
import { desiredObjects, poolSelectorLabels, selectorLabels } from "../../../../src/operator/desired/index.ts";
import { clusterOf, DESIRED_INPUTS } from "../../../support/desired-inputs.ts";
import { admits, type Peer } from "../../../support/network-policy.ts";

const shop = clusterOf({});
const pod = (namespace: string, labels: Readonly<Record<string, string>>): Peer => ({
  namespace,
  namespaceLabels: { "kubernetes.io/metadata.name": namespace },
  labels,
});
const WORKER = pod("web", poolSelectorLabels(shop));
const BALANCER = pod("web", selectorLabels(shop, "balancer"));
const PEERS: Readonly<Record<string, Peer>> = {
  worker: WORKER,
  balancer: BALANCER,
  "worker of another cluster": pod("web", poolSelectorLabels(clusterOf({}, "other"))),
  "worker of a cluster of that name elsewhere": pod("other", WORKER.labels),
  operator: pod("tomcat-cluster", { "app.kubernetes.io/name": "tomcat-cluster-operator" }),
  Prometheus: pod("monitoring", {}),
  neighbour: pod("web", {}),
  stranger: pod("other", {}),
};

function admitted(target: Peer, port: number, spec: TomcatClusterManifest["spec"] = {}): readonly string[] {
  const policies = desiredObjects(clusterOf(spec), DESIRED_INPUTS).filter(({ kind }) => kind === "NetworkPolicy");
  return Object.keys(PEERS).filter((name) => admits(policies, PEERS[name]!, target, port));
}

test("only workers reach the receivers of workers", () => {
  assert.deepEqual(admitted(WORKER, 4000), ["worker"]);
  assert.deepEqual(admitted(WORKER, 4100, { group: { receiver: { port: 4100 } } }), ["worker"]);
});

test("only balancers reach the connectors of workers", () => {
  assert.deepEqual(admitted(WORKER, 8080), ["balancer"]);
});

test("balancers, the operator and monitoring reach the management ports of workers, the latter two those of balancers", () => {
  assert.deepEqual(admitted(WORKER, 9090), ["balancer", "operator", "Prometheus"]);
  assert.deepEqual(admitted(BALANCER, 9090), ["operator", "Prometheus"]);
});

test("everybody reaches the balancers' HTTP, and no other port of anybody", () => {
  assert.deepEqual(admitted(BALANCER, 8080), Object.keys(PEERS));
  assert.deepEqual([...admitted(BALANCER, 22), ...admitted(WORKER, 22)], []);
});

test("HTTPS is open to everybody where it is served, and else to nobody", () => {
  assert.deepEqual(admitted(BALANCER, 8443, { balancer: { tls: { enabled: true, secretName: "x" } } }), Object.keys(PEERS));
  assert.deepEqual(admitted(BALANCER, 8443), []);
});

test("which namespaces watch can be chosen, and be all", () => {
  const watched = (namespaceLabels: Record<string, string>) =>
    admitted(BALANCER, 9090, { networkPolicy: { monitoring: { namespaceLabels } } });
  assert.deepEqual(watched({ "kubernetes.io/metadata.name": "other" }), [
    "worker of a cluster of that name elsewhere",
    "operator",
    "stranger",
  ]);
  assert.deepEqual(watched({}), Object.keys(PEERS));
});

test("without policies everybody reaches everything", () => {
  assert.deepEqual(admitted(WORKER, 4000, { networkPolicy: { enabled: false } }), Object.keys(PEERS));
});
