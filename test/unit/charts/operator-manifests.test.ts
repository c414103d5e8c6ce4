import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import { parseAllDocuments } from "yaml";
import { NODE_FLAGS } from "../../../src/base/index.ts";
import { operatorCommand } from "../../../src/cli/operator.ts";
import { RESOURCES, type Resource } from "../../../src/kube/index.ts";
import { ADDED_KINDS, TOMCAT_CLUSTERS, USUAL_KINDS } from "../../../src/operator/apply/owned-kinds.ts";
import { MANIFESTS, ROOT } from "../../support/generated-files.ts";

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

const GOLDEN = resolve(ROOT, "test/golden/chart");
const OWN = ["get", "list", "watch", "create", "patch", "delete"];

// biome-ignore lint/suspicious/noExplicitAny: objects whose types are Kubernetes' own
function objectsOf(file: string): readonly any[] {
  return parseAllDocuments(readFileSync(file, "utf8"))
    .map((document) => document.toJS())
    .filter((object) => object !== null);
}

const objects = objectsOf(resolve(ROOT, MANIFESTS));
const name = "tomcat-cluster-operator";
const role = objects.find(({ kind, metadata }) => kind === "ClusterRole" && metadata.name === name);
const rules: readonly Rule[] = role.rules;

function verbsOf({ group, plural }: Resource, subresource = ""): readonly string[] {
  const fitting = rules.filter(({ apiGroups, resources }) => apiGroups.includes(group) && resources.includes(`${plural}${subresource}`));
  return fitting.flatMap(({ verbs }) => verbs);
}

describe("the role of the operator", () => {
  for (const [kind, resource] of Object.entries({ ...USUAL_KINDS, ...ADDED_KINDS })) {
    it(`lets it keep each ${kind} that it makes`, () => assert.deepEqual(verbsOf(resource), OWN));
  }

  it("lets it read TomcatClusters and write their status, and change none", () => {
    assert.deepEqual(verbsOf(TOMCAT_CLUSTERS), ["list", "watch"]);
    assert.deepEqual(verbsOf(TOMCAT_CLUSTERS, "/status"), ["patch"]);
  });

  it("names each resource once, and none that the operator has nothing to do with", () => {
    const known = [...Object.values(USUAL_KINDS), ...Object.values(ADDED_KINDS), ...Object.values(RESOURCES), TOMCAT_CLUSTERS];
    const named = rules.flatMap(({ apiGroups, resources }) => resources.map((resource) => `${apiGroups.join()}/${resource}`));
    assert.equal(new Set(named).size, named.length);
    for (const each of named)
      assert.ok(
        known.some(({ group, plural }) => [group, plural].join("/") === each.split("/").slice(0, 2).join("/")),
        each,
      );
  });
});

describe("the Deployment of the operator", () => {
  for (const file of readdirSync(GOLDEN).filter((entry) => entry.endsWith(".out.yaml"))) {
    it(`has options that the operator knows: ${file}`, () => {
      const { spec } = objectsOf(join(GOLDEN, file)).find(({ kind }) => kind === "Deployment");
      const [{ args, ports }] = spec.template.spec.containers;
      const command = operatorCommand()
        .exitOverride()
        .action(() => undefined);
      command.parse(["--image", "x", ...args.slice(1)], { from: "user" });
      assert.equal(args[0], "operator");
      assert.equal(command.opts().leaderElect, true);
      assert.equal(command.opts().metricsAddress.port, ports[0].containerPort);
    });
  }

  it("has the flags of Node with which its memory is measured", () => {
    const { spec } = objects.find(({ kind }) => kind === "Deployment");
    const [{ env }] = spec.template.spec.containers;
    // biome-ignore lint/suspicious/noExplicitAny: as above
    assert.equal(env.find((variable: any) => variable.name === "NODE_OPTIONS").value, NODE_FLAGS.join(" "));
  });
});
