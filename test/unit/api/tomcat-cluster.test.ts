import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { parseTomcatCluster, tomcatClusterSchema } from "../../../src/api/index.ts";
import { type SchemaNode, structuralSchema } from "../../../src/api/structural-schema.ts";

interface Node {
  readonly [key: string]: unknown;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly additionalProperties?: Node;
}

/** Every schema node with its path. */
function walk(node: Node, path: string): readonly (readonly [string, Node])[] {
  const entries = node.items ?? node.additionalProperties;
  const children = [...Object.entries(node.properties ?? {}), ...(entries === undefined ? [] : ([["[]", entries]] as const))];
  return [[path, node], ...children.flatMap(([name, child]) => walk(child, `${path}.${name}`))];
}

const nodes = walk(structuralSchema(z.toJSONSchema(tomcatClusterSchema, { target: "openapi-3.0", io: "input" }) as SchemaNode), "");

test("the schema says nothing that a structural schema cannot", () => {
  const forbidden = ["oneOf", "anyOf", "allOf", "not", "$ref", "nullable", "patternProperties"];
  for (const [path, node] of nodes) {
    assert.deepEqual(
      forbidden.filter((keyword) => keyword in node),
      [],
      path,
    );
    assert.ok(typeof node.type === "string" || node["x-kubernetes-int-or-string"] === true, path);
    const contents = [node.properties, node.additionalProperties, node["x-kubernetes-preserve-unknown-fields"]];
    if (node.type === "object")
      assert.equal(contents.filter((content) => content !== undefined).length, 1, `${path} has fields or is a map`);
  }
});

test("every list, text and number is bounded", () => {
  for (const [path, node] of nodes) {
    if (node.type === "array") assert.ok("maxItems" in node && "x-kubernetes-list-type" in node, path);
    if (node.type === "object" && node.properties === undefined) assert.ok("maxProperties" in node, path);
    if (node.type === "string") assert.ok("maxLength" in node || "enum" in node || "pattern" in node, path);
    if (node.type === "integer") assert.ok(Math.abs(Number(node.minimum)) < 2 ** 31 && Number(node.maximum) < 2 ** 31, path);
  }
});

test("every field of the specification explains itself, and a default is never without its parent's", () => {
  const byPath = new Map(nodes);
  for (const [path, node] of nodes) {
    if (!path.startsWith(".spec") || path.endsWith("[]")) continue;
    assert.equal(typeof node.description, "string", path);
    const parent = byPath.get(path.slice(0, path.lastIndexOf(".")))!;
    if ("default" in node && path !== ".spec" && !path.includes("[]"))
      assert.ok("default" in parent, `${path}: the API server fills in defaults only where the parent exists`);
  }
});

test("the shortest manifest has the defaults of the Kubernetes side, and leaves those of the data plane to it", () => {
  const cluster = parseTomcatCluster({ apiVersion: "tribes.dev/v1alpha1", kind: "TomcatCluster", metadata: { name: "shop" } });
  assert.deepEqual(cluster, {
    apiVersion: "tribes.dev/v1alpha1",
    kind: "TomcatCluster",
    metadata: { name: "shop" },
    spec: {
      replicas: 3,
      group: { manager: { type: "Delta" }, receiver: { port: 4000 }, encryption: { mode: "SharedKey" } },
      membership: { type: "DNS" },
      replication: { mode: "Synchronous", ackTimeoutMilliseconds: 1000 },
      sessions: { cookie: {} },
      hosts: [{ name: "localhost", aliases: [] }],
      configuration: {},
      drain: { quietSeconds: 2, deadlineSeconds: 20 },
      updatePolicy: { image: "Manual", paused: false },
      template: {},
      balancer: {
        stickySession: {},
        healthCheck: {},
        timeouts: {},
        service: { type: "ClusterIP", port: 80 },
        tls: { enabled: false, port: 443 },
        ingress: { enabled: false, hosts: [] },
        httpRoute: { enabled: false, parentRefs: [], hostnames: [] },
        template: {},
      },
      disruptionBudget: { enabled: true, maxUnavailable: 1 },
      networkPolicy: { enabled: true, monitoring: { namespaceLabels: { "kubernetes.io/metadata.name": "monitoring" } } },
      monitoring: { podMonitor: { enabled: false }, prometheusRule: { enabled: false } },
    },
  });
});
