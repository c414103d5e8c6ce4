// Each rule of the promise has tests that bear its number ("rule 8", "rules 8 and 11"), so that one finds what proves it: the numbers
// in sources, tests and documentation are the same.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const FOLDER = import.meta.dirname;
const LAST_RULE = 22;
/** Names of tests and of groups of them, as they stand in the source. */
const NAME = /\b(?:describe|it|test)\(\s*(?:"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/g;
const NUMBERS = /\brules? (\d+(?:(?:, | and | to )\d+)*)/gi;

function rulesOf(name: string): number[] {
  return [...name.matchAll(NUMBERS)].flatMap(([, numbers]) => numbers!.match(/\d+/g)!.map(Number));
}

/** By rule: the names that bear its number. */
function namesByRule(): Map<number, string[]> {
  const byRule = new Map<number, string[]>();
  for (const file of globSync("**/*.test.ts", { cwd: FOLDER })) {
    for (const [, quoted, template] of readFileSync(join(FOLDER, file), "utf8").matchAll(NAME)) {
      const name = quoted ?? template ?? "";
      for (const rule of rulesOf(name)) byRule.set(rule, [...(byRule.get(rule) ?? []), `${file}: ${name}`]);
    }
  }
  return byRule;
}

test("every rule from 1 to 22 has a test that bears its number, and no test bears another one", () => {
  const byRule = namesByRule();
  const rules = Array.from({ length: LAST_RULE }, (_, index) => index + 1);
  assert.deepEqual(
    rules.filter((rule) => !byRule.has(rule)),
    [],
    "rules without a test",
  );
  assert.deepEqual(
    [...byRule].filter(([rule]) => !rules.includes(rule)),
    [],
    "rules that there are not",
  );
});
