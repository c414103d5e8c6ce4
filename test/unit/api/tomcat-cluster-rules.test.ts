import assert from "node:assert/strict";
import { test } from "node:test";
import { TOMCAT_CLUSTER_RULES, type TomcatCluster, type TomcatClusterRule, tomcatClusterSchema } from "../../../src/api/index.ts";
import { RULE_CASES, type Spec } from "../../support/rule-cases.ts";

/** With defaults, whatever rules it breaks. */
function clusterOf(spec: Spec): TomcatCluster {
  const document = { apiVersion: "tribes.dev/v1alpha1", kind: "TomcatCluster", metadata: { name: "shop" }, spec };
  return tomcatClusterSchema.parse(document);
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

for (const { what, spec, valid } of RULE_CASES) {
  test(`${what}: ${valid ? "valid" : "refused"}, and the API server's expression agrees`, () => {
    const found = clusterOf(spec);
    const selves = TOMCAT_CLUSTER_RULES.flatMap((rule) => selvesOf(rule, found).map((self) => ({ rule, self })));
    const broken = selves.filter(({ rule, self }) => !rule.holds(self));
    assert.equal(broken.length === 0, valid, broken.map(({ rule }) => rule.message).join("; "));
    for (const { rule, self } of selves) assert.equal(evaluate(rule.cel, self), rule.holds(self), rule.cel);
  });
}

test("every rule is broken by some case", () => {
  for (const rule of TOMCAT_CLUSTER_RULES) {
    const isBroken = RULE_CASES.some(({ spec }) => selvesOf(rule, clusterOf(spec)).some((self) => !rule.holds(self)));
    assert.ok(isBroken, `${rule.path.join(".")}: ${rule.message}`);
  }
});
