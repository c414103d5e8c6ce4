import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { LOG_LEVELS } from "../../../src/base/index.ts";
import { generatedFiles, ROOT } from "../../support/generated-files.ts";
import { chartValues } from "../../support/values-table.ts";

interface Schema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: unknown;
}

const read = (path: string) => readFileSync(resolve(ROOT, path), "utf8");
const values = read("charts/tomcat-cluster/values.yaml");
const schema = JSON.parse(read("charts/tomcat-cluster/values.schema.json")) as Schema;

function keysOf(schemaPart: Schema, prefix = ""): readonly string[] {
  if (schemaPart.properties === undefined) return [prefix];
  return Object.entries(schemaPart.properties).flatMap(([key, part]) => keysOf(part, prefix === "" ? key : `${prefix}.${key}`));
}

describe("the chart", () => {
  for (const [path, text] of generatedFiles()) {
    it(`${path} is what "npm run generate" makes it`, () => assert.equal(read(path), text));
  }

  it("has the version of the program, also where kustomize names the image", () => {
    const { version } = JSON.parse(read("package.json")) as { version: string };
    const chart = parse(read("charts/tomcat-cluster/Chart.yaml")) as { version: string; appVersion: string };
    const { images } = parse(read("deploy/kustomization.yaml")) as { images: readonly { newTag: string }[] };
    assert.deepEqual([chart.version, chart.appVersion, images[0]!.newTag], [version, version, version]);
  });

  it("has a schema of its values, each of them and no others", () => {
    // Helm gives every chart "global".
    const keys = keysOf(schema).filter((key) => key !== "global");
    assert.deepEqual(
      keys.toSorted(),
      chartValues(values)
        .map(({ key }) => key)
        .toSorted(),
    );
  });

  it("knows the log levels that the operator knows", () => {
    assert.deepEqual(schema.properties?.logLevel?.enum, LOG_LEVELS);
  });

  it("refuses values that it does not have, at every level", () => {
    const open = (part: Schema): boolean =>
      part.properties !== undefined && (part.additionalProperties !== false || Object.values(part.properties).some(open));
    assert.equal(open(schema), false);
  });
});
