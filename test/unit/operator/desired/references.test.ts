import assert from "node:assert/strict";
import { test } from "node:test";
import { balancerReferences, workerReferences } from "../../../../src/operator/desired/index.ts";
import { clusterOf } from "../../../support/desired-inputs.ts";

test("what a manifest names is known, each once, for workers and balancers apart", () => {
  const cluster = clusterOf({
    configuration: { serverXml: { configMapKeyRef: { name: "own", key: "server.xml" } } },
    applications: [
      { path: "/", source: { configMap: { name: "files" } } },
      { path: "/a", source: { claim: { name: "data" } } },
    ],
    template: {
      env: [
        { name: "A", valueFrom: { configMapKeyRef: { name: "own", key: "a" } } },
        { name: "B", valueFrom: { secretKeyRef: { name: "own", key: "b" } } },
        { name: "C", value: "plain" },
      ],
      volumes: [
        { name: "v", mountPath: "/v", secret: { secretName: "passwords" } },
        { name: "w", mountPath: "/w", configMap: { name: "more" } },
      ],
    },
    balancer: { template: { volumes: [{ name: "x", mountPath: "/x", configMap: { name: "front" } }] } },
  });
  const names = (references: readonly { kind: string; name: string }[]) => references.map(({ kind, name }) => `${kind}/${name}`);
  assert.deepEqual(names(workerReferences(cluster)), [
    "ConfigMap/files",
    "ConfigMap/more",
    "ConfigMap/own",
    "Secret/own",
    "Secret/passwords",
  ]);
  assert.deepEqual(names(balancerReferences(cluster)), ["ConfigMap/front"]);
});

test("the shortest manifest names nothing", () => {
  assert.deepEqual([...workerReferences(clusterOf({})), ...balancerReferences(clusterOf({}))], []);
});
