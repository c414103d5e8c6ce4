import assert from "node:assert/strict";
import { test } from "node:test";
import { ManifestError, parseTomcatCluster } from "../../../src/api/index.ts";
import { fieldName } from "../../../src/api/manifest-error.ts";

function manifest(spec: object, metadata: object = { name: "shop" }): object {
  return { apiVersion: "tribes.dev/v1alpha1", kind: "TomcatCluster", metadata, spec };
}

function problemsOf(document: unknown): readonly string[] {
  try {
    parseTomcatCluster(document);
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    assert.equal(error.code, "INVALID_MANIFEST");
    return error.problems.map(({ path, message }) => `${fieldName(path)}: ${message}`);
  }
  return [];
}

const NAME_RULE = 'must be 1 to 40 of the characters a-z 0-9 "-", begin with a letter and not end with "-"';

for (const [name, document, expected] of [
  ["nothing", undefined, [": it is missing, expected an object with the fields apiVersion, kind, metadata, spec"]],
  ["a list", [1], [": found a list of 1 entries, expected an object with the fields apiVersion, kind, metadata, spec"]],
  [
    "another kind",
    { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "shop" } },
    ['apiVersion: found "apps/v1", expected "tribes.dev/v1alpha1"', 'kind: found "Deployment", expected "TomcatCluster"'],
  ],
  ["a name in upper case", manifest({}, { name: "Shop" }), [`metadata.name: found "Shop", ${NAME_RULE}`]],
  ["a name that is too long", manifest({}, { name: "a".repeat(41) }), [`metadata.name: found "${"a".repeat(41)}", ${NAME_RULE}`]],
  ["no name", manifest({}, {}), [`metadata.name: it is missing, expected text`]],
  [
    "a misspelt field of metadata",
    manifest({}, { name: "shop", lables: {} }),
    [/^metadata\.lables: unknown field \(did you mean "labels"\?\); known: annotations, /],
  ],
  ["a word for a number", manifest({ replicas: "three" }), ['spec.replicas: found "three", expected a whole number from 0 to 100']],
  ["a fraction", manifest({ replicas: 1.5 }), ["spec.replicas: found 1.5, expected a whole number from 0 to 100"]],
  ["too many", manifest({ replicas: 101 }), ["spec.replicas: found 101, expected a whole number from 0 to 100"]],
  ["null", manifest({ drain: null }), ["spec.drain: found null, expected an object with the fields quietSeconds, deadlineSeconds"]],
  [
    "an unknown field",
    manifest({ sesions: {} }),
    [
      'spec.sesions: unknown field (did you mean "sessions"?); known: replicas, image, group, membership, replication, sessions, hosts, applications, configuration, drain, updatePolicy, template, balancer, disruptionBudget, networkPolicy, monitoring',
    ],
  ],
  [
    "an unknown field in a list",
    manifest({ applications: [{ path: "/shop", distributeable: true }] }),
    ['spec.applications[0].distributeable: unknown field (did you mean "distributable"?); known: host, path, distributable, source'],
  ],
  [
    "a value in the wrong case",
    manifest({ replication: { mode: "synchronous" } }),
    [
      'spec.replication.mode: found "synchronous", expected one of Synchronous, Asynchronous, AsynchronousAcknowledged; did you mean "Synchronous"?',
    ],
  ],
  [
    "another manager",
    manifest({ group: { manager: { type: "Persistent" } } }),
    ['spec.group.manager.type: "Persistent" is not supported in this version: use Delta'],
  ],
  [
    "a manager that nobody knows",
    manifest({ group: { manager: { type: "Magic" } } }),
    ['spec.group.manager.type: found "Magic", expected one of Delta, Backup'],
  ],
  ["pools", manifest({ pools: [] }), ["spec.pools: the field is not supported in this version"]],
  [
    "an application from two places",
    manifest({ applications: [{ path: "/" }, { path: "/shop", source: { configMap: { name: "a" }, claim: { name: "b" } } }] }),
    ["spec.applications[1].source: at most one of image, url, configMap, claim may be given"],
  ],
  [
    "a quantity of nothing known",
    manifest({ template: { resources: { limits: { memory: "1 GB" } } } }),
    ['spec.template.resources.limits.memory: found "1 GB", must be a quantity such as 500m, 2 or 1Gi'],
  ],
  [
    "a quantity that Kubernetes wants as text",
    manifest({ template: { resources: { limits: { cpu: 0.5 } } } }),
    ["spec.template.resources.limits.cpu: found 0.5, expected a quantity such as 500m, 2 or 1Gi"],
  ],
  [
    "a free-form part of no fields",
    manifest({ template: { podOverlay: [] } }),
    ["spec.template.podOverlay: found a list of 0 entries, expected an object of at most 64 fields"],
  ],
  [
    "a path with a slash at its end",
    manifest({ applications: [{ path: "/shop/" }] }),
    [/^spec\.applications\[0\]\.path: found "\/shop\/", must be "\/", or a path such as "\/shop"/],
  ],
  [
    "an application twice, once with the default host",
    manifest({ applications: [{ path: "/shop" }, { path: "/x" }, { host: "localhost", path: "/shop" }] }),
    ['spec.applications[2]: host "localhost", path "/shop" stands in entry 0 already'],
  ],
  [
    "an alias twice",
    manifest({ hosts: [{ name: "localhost", aliases: ["a", "a"] }] }),
    ['spec.hosts[0].aliases[1]: "a" stands in entry 0 already'],
  ],
  ["no host at all", manifest({ hosts: [] }), ["spec.hosts: found a list of 0 entries, expected a list of 1 to 16 entries"]],
  [
    "a filter that is no regular expression",
    manifest({ replication: { filter: [".*", "("] } }),
    [/^spec\.replication\.filter\[1\]: found "\(", which is not a regular expression: .*Unterminated group/],
  ],
  [
    "a filter that closes a group it does not open",
    manifest({ replication: { filter: ["a)(b"] } }),
    [/^spec\.replication\.filter\[0\]: .*not a regular expression/],
  ],
  [
    "a filter that looks like a placeholder of server.xml",
    manifest({ replication: { filter: [`\${file:/etc/passwd}`] } }),
    [/^spec\.replication\.filter\[0\]: .*which contains "\$\{"/],
  ],
  ["a broken rule", manifest({ drain: { deadlineSeconds: 1 } }), ["spec.drain: deadlineSeconds must not be shorter than quietSeconds"]],
] as const) {
  test(`${name} is refused with path, finding and what is known`, () => {
    const problems = problemsOf(document);
    assert.equal(problems.length, expected.length, problems.join("\n"));
    for (const [index, wanted] of expected.entries()) {
      if (typeof wanted === "string") assert.equal(problems[index], wanted);
      else assert.match(problems[index]!, wanted);
    }
  });
}

test("all problems are told at once, under the manifest's name", () => {
  assert.throws(() => parseTomcatCluster(manifest({ replicas: -1, sesions: {}, pools: [] })), {
    message: /^The manifest "shop" is not a valid TomcatCluster:\n- spec\.replicas: .*\n- spec\.sesions: .*\n- spec\.pools: /,
  });
});

test("the number of problems is bounded", () => {
  const spec = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`unknown${index}`, 1]));
  assert.equal(problemsOf(manifest(spec)).length, 50);
});

test("what the API server adds is accepted: metadata of its own and a status", () => {
  const metadata = {
    name: "shop",
    namespace: "web",
    uid: "1-2",
    generation: 4,
    labels: { a: "b" },
    managedFields: [{ manager: "kubectl" }],
  };
  const cluster = parseTomcatCluster({ ...manifest({}, metadata), status: { replicas: 3 } });
  assert.deepEqual(cluster.metadata, { name: "shop", namespace: "web" });
});

test("a field called __proto__ is an unknown field", () => {
  assert.match(
    problemsOf(JSON.parse(JSON.stringify(manifest({ replicas: 1 })).replace('"spec":{', '"spec":{"__proto__":{"x":1},')))[0]!,
    /^spec\.__proto__: unknown field/,
  );
});
