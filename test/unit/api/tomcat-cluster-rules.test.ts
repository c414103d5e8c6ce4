import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTomcatCluster, TOMCAT_CLUSTER_RULES, type TomcatCluster, type TomcatClusterManifest } from "../../../src/api/index.ts";

type Spec = NonNullable<TomcatClusterManifest["spec"]>;

function cluster(spec: Spec): TomcatCluster {
  return {
    ...parseTomcatCluster({ apiVersion: "tribes.dev/v1alpha1", kind: "TomcatCluster", metadata: { name: "shop" } }),
    spec: fill(spec),
  };
}

/** The specification with defaults, whatever rules it breaks. */
function fill(spec: Spec): TomcatCluster["spec"] {
  const defaults = parseTomcatCluster({ apiVersion: "tribes.dev/v1alpha1", kind: "TomcatCluster", metadata: { name: "shop" } }).spec;
  return { ...defaults, ...spec } as TomcatCluster["spec"];
}

/** Lists of CEL, as far as the rules use them. */
class CelList extends Array<unknown> {
  all(predicate: (entry: unknown) => boolean): boolean {
    return this.every(predicate);
  }

  exists(predicate: (entry: unknown) => boolean): boolean {
    return this.some(predicate);
  }

  exists_one(predicate: (entry: unknown) => boolean): boolean {
    return this.filter(predicate).length === 1;
  }
}

function toCel(value: unknown): unknown {
  if (Array.isArray(value)) return CelList.from(value.map(toCel));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, toCel(member)]));
  return value;
}

/** Runs an expression of the subset of CEL that the rules are written in, by rewriting it as JavaScript. */
function evaluate(cel: string, self: unknown): boolean {
  const script = cel
    .replaceAll("==", "===")
    .replace(/has\(([\w.]+)\)/g, "($1 !== undefined)")
    .replace(/\.(all|exists|exists_one)\((\w+), /g, ".$1(($2) => ")
    .replace(/([\w.]+) in ([\w.]+)/g, "$2.includes($1)");
  return new Function("self", `return ${script};`)(toCel(self)) as boolean;
}

const CASES: readonly (readonly [string, Spec, boolean])[] = [
  ["no membership times", {}, true],
  ["only a refresh", { membership: { refreshMilliseconds: 5000 } }, true],
  ["only an expiration", { membership: { expirationMilliseconds: 2000 } }, true],
  ["an expiration as long as the refresh", { membership: { refreshMilliseconds: 3000, expirationMilliseconds: 3000 } }, true],
  ["an expiration shorter than the refresh", { membership: { refreshMilliseconds: 3000, expirationMilliseconds: 2999 } }, false],
  ["durability Required of two", { replicas: 2, replication: { mode: "Synchronous", durability: "Required" } }, true],
  ["durability Required of one", { replicas: 1, replication: { mode: "Synchronous", durability: "Required" } }, false],
  ["durability Preferred of one", { replicas: 1, replication: { mode: "Asynchronous", durability: "Preferred" } }, true],
  ["durability Required without acknowledgements", { replicas: 2, replication: { mode: "Asynchronous", durability: "Required" } }, false],
  ["durability Required unawaited", { replicas: 2, replication: { mode: "AsynchronousAcknowledged", durability: "Required" } }, false],
  ["a deadline after the quiet time", { drain: { quietSeconds: 2, deadlineSeconds: 2 } }, true],
  ["a deadline before the quiet time", { drain: { quietSeconds: 2, deadlineSeconds: 1 } }, false],
  [
    "hosts with names and aliases of their own",
    {
      hosts: [
        { name: "a", aliases: ["b"] },
        { name: "c", aliases: ["d"] },
      ],
    },
    true,
  ],
  [
    "two hosts of one name",
    {
      hosts: [
        { name: "a", aliases: [] },
        { name: "a", aliases: [] },
      ],
    },
    false,
  ],
  [
    "an alias that is another host",
    {
      hosts: [
        { name: "a", aliases: ["c"] },
        { name: "c", aliases: [] },
      ],
    },
    false,
  ],
  ["an alias that is the host itself", { hosts: [{ name: "a", aliases: ["a"] }] }, true],
  [
    "an alias of two hosts",
    {
      hosts: [
        { name: "a", aliases: ["x"] },
        { name: "c", aliases: ["x"] },
      ],
    },
    false,
  ],
  ["an application of a host that is listed", { applications: [{ host: "localhost", path: "/" }] }, true],
  ["an application of a host that is not listed", { applications: [{ host: "shop", path: "/" }] }, false],
  ["no applications at all", { applications: [] }, true],
];

for (const [name, spec, valid] of CASES) {
  test(`${name}: ${valid ? "valid" : "refused"}, and the API server's expression agrees`, () => {
    const found = cluster(spec);
    const broken = TOMCAT_CLUSTER_RULES.filter((rule) => !rule.holds(found));
    assert.equal(broken.length === 0, valid, broken.map((rule) => rule.message).join("; "));
    for (const rule of TOMCAT_CLUSTER_RULES) {
      const self = rule.path.reduce<unknown>((value, step) => (value as Record<string, unknown>)[step], found);
      assert.equal(evaluate(rule.cel, self), rule.holds(found), rule.cel);
    }
  });
}

test("every rule is broken by some case", () => {
  for (const rule of TOMCAT_CLUSTER_RULES)
    assert.ok(
      CASES.some(([, spec]) => !rule.holds(cluster(spec))),
      rule.message,
    );
});
