import assert from "node:assert/strict";
import { test } from "node:test";
import { ManifestError, parseManifest } from "../../../src/api/index.ts";

const HEAD = "apiVersion: tribes.dev/v1alpha1\nkind: TomcatCluster\nmetadata:\n  name: shop\n";

function placesOf(text: string): readonly string[] {
  try {
    parseManifest(text, "shop.yaml");
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    assert.match(error.message, /^The manifest "shop\.yaml" is not a valid TomcatCluster:\n- /);
    return error.problems.map(({ path, position }) => `${path.join(".")} ${position?.line}:${position?.column}`);
  }
  return [];
}

test("YAML and JSON are read", () => {
  assert.equal(parseManifest(`---\n${HEAD}spec: { replicas: 2 }\n`, "shop.yaml").spec.replicas, 2);
  const json = JSON.stringify({
    apiVersion: "tribes.dev/v1alpha1",
    kind: "TomcatCluster",
    metadata: { name: "shop" },
    spec: { replicas: 4 },
  });
  assert.equal(parseManifest(json, "shop.json").spec.replicas, 4);
});

for (const [name, text, expected] of [
  ["a wrong value", `${HEAD}spec:\n  replicas: three\n`, ["spec.replicas 6:3"]],
  ["an unknown field", `${HEAD}spec:\n  drain:\n    quiet: 2\n`, ["spec.drain.quiet 7:5"]],
  ["an entry of a list", `${HEAD}spec:\n  applications:\n  - path: /a\n  - path: /b/\n`, ["spec.applications.1.path 8:5"]],
  ["a repeated entry", `${HEAD}spec:\n  applications:\n  - path: /a\n  - path: /a\n`, ["spec.applications.1 8:5"]],
  [
    "a missing field, at what it is missing from",
    "apiVersion: tribes.dev/v1alpha1\nkind: TomcatCluster\nmetadata:\n  namespace: web\n",
    ["metadata.name 3:1"],
  ],
  ["a broken rule", `${HEAD}spec:\n  drain:\n    quietSeconds: 30\n`, ["spec.drain 6:3"]],
  ["a key that stands twice", `${HEAD}spec: {}\nspec: {}\n`, [" 6:1"]],
  ["YAML that ends too soon", `${HEAD}spec: {\n`, [" 6:1"]],
  ["a second document", `${HEAD}---\n${HEAD}`, [" 5:1"]],
] as const) {
  test(`${name} is refused with line and column`, () => {
    assert.deepEqual(placesOf(text), expected);
  });
}

test("an empty file is refused", () => {
  assert.throws(() => parseManifest("# nothing here\n", "shop.yaml"), { code: "INVALID_MANIFEST" });
  assert.throws(() => parseManifest("", "shop.yaml"), /it is empty/);
});

test("aliases that multiply are refused", () => {
  const lines = [
    "a0: &a0 [x, x, x, x, x, x, x, x, x, x]",
    ...Array.from({ length: 9 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(10).fill(`*a${n}`).join(", ")}]`),
  ];
  assert.throws(() => parseManifest(lines.join("\n"), "bomb.yaml"), { code: "INVALID_MANIFEST", message: /alias/ });
});

test("length is bounded", () => {
  assert.throws(() => parseManifest("#".repeat(4 * 1024 * 1024), "long.yaml"), /longer than/);
});
