import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { API_SERVER_RULES, customResourceDefinitionYaml, TOMCAT_CLUSTER_RULES } from "../../../src/api/index.ts";
import { structuralSchema, withValidations } from "../../../src/api/structural-schema.ts";

interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly "x-kubernetes-validations"?: readonly { readonly rule: string; readonly message: string }[];
}

const FILE = new URL("../../../crds/tribes.dev_tomcatclusters.yaml", import.meta.url);
const definition = parse(customResourceDefinitionYaml());
const [version] = definition.spec.versions;

function validations(node: Node): readonly string[] {
  const children = [...Object.values(node.properties ?? {}), ...(node.items === undefined ? [] : [node.items])];
  return [...(node["x-kubernetes-validations"] ?? []).map(({ message }) => message), ...children.flatMap(validations)];
}

test("crds/ holds what the schema says: npm run generate", () => {
  assert.equal(readFileSync(FILE, "utf8"), customResourceDefinitionYaml());
});

test("it has no anchors, which not every tool that carries CRDs reads", () => {
  assert.doesNotMatch(customResourceDefinitionYaml(), /^[^#"']*: [&*]\w+/m);
});

test("every rule stands in it, at its place", () => {
  const expected = [...TOMCAT_CLUSTER_RULES, ...API_SERVER_RULES].map(({ message }) => message);
  assert.deepEqual(validations(version.schema.openAPIV3Schema).toSorted(), expected.toSorted());
});

test("scale and printer columns lead to fields that exist", () => {
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = version.subresources.scale;
  const columns = version.additionalPrinterColumns.map((column: { jsonPath: string }) => column.jsonPath);
  for (const path of [specReplicasPath, statusReplicasPath, labelSelectorPath, ...columns] as string[]) {
    if (path.startsWith(".metadata.")) continue;
    const steps = path
      .replace(/\[.*?\)\]/, ".[]")
      .split(".")
      .slice(1);
    const found = steps.reduce<Node | undefined>(
      (node, step) => (step === "[]" ? node?.items : node?.properties?.[step]),
      version.schema.openAPIV3Schema,
    );
    assert.ok(found, path);
  }
});

test("a rule for a place that the schema does not have is a mistake", () => {
  const wrong = { path: ["spec", "nothing"], cel: "true", message: "never" };
  assert.throws(() => withValidations({ type: "object", properties: { spec: { type: "object" } } }, [wrong]), /no such place/);
});

test("free-form parts keep what they hold, quantities may be numbers or texts", () => {
  assert.deepEqual(
    structuralSchema({
      type: "object",
      properties: {
        free: { type: "object", additionalProperties: {}, maxProperties: 3, "x-kubernetes-preserve-unknown-fields": true },
        size: { anyOf: [{ type: "integer" }, { type: "string", pattern: "^1$", maxLength: 1 }], "x-kubernetes-int-or-string": true },
      },
    }),
    {
      type: "object",
      properties: {
        free: { type: "object", maxProperties: 3, "x-kubernetes-preserve-unknown-fields": true },
        size: { maxLength: 1, pattern: "^1$", "x-kubernetes-int-or-string": true },
      },
    },
  );
});

test("the default of an object has the defaults of its fields in it, or rules could not be checked against it", () => {
  const field = { type: "object", default: {}, properties: { on: { type: "boolean", default: true }, name: { type: "string" } } };
  assert.deepEqual(structuralSchema({ type: "object", default: {}, properties: { field } }).default, { field: { on: true } });
  assert.equal(version.schema.openAPIV3Schema.properties.spec.default.balancer.service.port, 80);
});
