import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTomcatCluster, TOMCAT_CLUSTER_RULES, type TomcatCluster, type TomcatClusterRule } from "../../../src/api/index.ts";

type Spec = Record<string, unknown>;

/** The specification with defaults at its first level, whatever rules it breaks. */
function cluster(spec: Spec): TomcatCluster {
  const shortest = parseTomcatCluster({ apiVersion: "tribes.dev/v1alpha1", kind: "TomcatCluster", metadata: { name: "shop" } });
  return { ...shortest, spec: { ...shortest.spec, ...spec } as TomcatCluster["spec"] };
}

/** What lies at a rule's path: "[]" leads into every entry of a list. */
function selvesOf(rule: TomcatClusterRule, found: TomcatCluster): readonly unknown[] {
  return rule.path.reduce<readonly unknown[]>(
    (values, step) =>
      values
        .flatMap((value) => (step === "[]" ? (value as unknown[]) : [(value as Record<string, unknown>)[step]]))
        .filter((value) => value !== undefined),
    [found],
  );
}

/** Lists of CEL, as far as the rules use them. */
class CelList {
  readonly #entries: readonly unknown[];

  constructor(entries: readonly unknown[]) {
    this.#entries = entries;
  }

  all(predicate: (entry: unknown) => boolean): boolean {
    return this.#entries.every(predicate);
  }

  exists(predicate: (entry: unknown) => boolean): boolean {
    return this.#entries.some(predicate);
  }

  exists_one(predicate: (entry: unknown) => boolean): boolean {
    return this.filter(predicate).size() === 1;
  }

  filter(predicate: (entry: unknown) => boolean): CelList {
    return new CelList(this.#entries.filter(predicate));
  }

  includes(entry: unknown): boolean {
    return this.#entries.includes(entry);
  }

  size(): number {
    return this.#entries.length;
  }
}

function toCel(value: unknown): unknown {
  if (Array.isArray(value)) return new CelList(value.map(toCel));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, toCel(member)]));
  return value;
}

/** Runs an expression of the subset of CEL that the rules are written in, by rewriting it as JavaScript. */
function evaluate(cel: string, self: unknown): boolean {
  const script = cel
    .replaceAll("==", "===")
    .replace(/has\(([\w.]+)\)/g, "($1 !== undefined)")
    .replace(/\.(all|exists|exists_one|filter)\((\w+), /g, ".$1(($2) => ")
    .replace(/\[((?:\(self|').*?)\](?= *\)|\.)/g, "list($1)")
    .replace(/([\w.]+) in (list\([^()]*\)|[\w.]+)/g, "$2.includes($1)");
  return new Function("self", "list", `return ${script};`)(toCel(self), (...entries: unknown[]) => new CelList(entries)) as boolean;
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
  ["an application from an image", { applications: [{ host: "localhost", path: "/", source: { image: {} } }] }, true],
  ["an application without a source", { applications: [{ host: "localhost", path: "/", source: {} }] }, true],
  ["an application from two places", { applications: [{ host: "localhost", path: "/", source: { image: {}, claim: {} } }] }, false],
  ["a route of a Gateway", { balancer: { httpRoute: { enabled: true, parentRefs: [{ name: "public" }] } } }, true],
  ["a route of no Gateway", { balancer: { httpRoute: { enabled: true, parentRefs: [] } } }, false],
  ["no route and no Gateway", { balancer: { httpRoute: { enabled: false, parentRefs: [] } } }, true],
  ...[(template: object) => ({ template }), (template: object) => ({ balancer: { httpRoute: { enabled: false }, template } })].flatMap(
    templateCases,
  ),
];

function templateCases(within: (template: object) => Spec): readonly (readonly [string, Spec, boolean])[] {
  const where = Object.keys(within({}))[0]!;
  const env = (variable: object) => within({ env: [{ name: "A", ...variable }] });
  const volume = (fields: object) => within({ volumes: [{ name: "v", mountPath: "/v", ...fields }] });
  return [
    [`${where}: a variable with a value`, env({ value: "1" }), true],
    [`${where}: a variable from a Secret`, env({ valueFrom: { secretKeyRef: {} } }), true],
    [`${where}: a variable with a value from two places`, env({ valueFrom: { secretKeyRef: {}, configMapKeyRef: {} } }), false],
    [`${where}: a variable with a value from nowhere`, env({ valueFrom: {} }), false],
    [`${where}: a variable with two values`, env({ value: "1", valueFrom: { fieldRef: {} } }), false],
    [`${where}: a variable of the operator`, env({ name: "POD_IP", value: "1" }), false],
    [`${where}: a volume`, volume({ emptyDir: {} }), true],
    [`${where}: a volume of no kind`, volume({}), false],
    [`${where}: a volume of two kinds`, volume({ emptyDir: {}, secret: {} }), false],
    [`${where}: a volume with the name of one of the pod's own`, volume({ emptyDir: {}, name: "work" }), false],
    [`${where}: a volume with the name of an application's`, volume({ emptyDir: {}, name: "application-0" }), false],
    [`${where}: a volume over the whole base folder`, volume({ emptyDir: {}, mountPath: "/usr/local/tomcat" }), false],
  ];
}

for (const [name, spec, valid] of CASES) {
  test(`${name}: ${valid ? "valid" : "refused"}, and the API server's expression agrees`, () => {
    const found = cluster(spec);
    const selves = TOMCAT_CLUSTER_RULES.flatMap((rule) => selvesOf(rule, found).map((self) => ({ rule, self })));
    const broken = selves.filter(({ rule, self }) => !rule.holds(self));
    assert.equal(broken.length === 0, valid, broken.map(({ rule }) => rule.message).join("; "));
    for (const { rule, self } of selves) assert.equal(evaluate(rule.cel, self), rule.holds(self), rule.cel);
  });
}

test("every rule is broken by some case", () => {
  for (const rule of TOMCAT_CLUSTER_RULES) {
    const isBroken = CASES.some(([, spec]) => selvesOf(rule, cluster(spec)).some((self) => !rule.holds(self)));
    assert.ok(isBroken, `${rule.path.join(".")}: ${rule.message}`);
  }
});
