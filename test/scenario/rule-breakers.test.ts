import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { countImmediates } from "../support/pending-immediates.ts";
import { RULE_BREAKERS, type RuleBreaker } from "./model/rule-breakers.ts";
import { type RunResult, runScenario } from "./model/scenario.ts";

countImmediates();

async function firstViolation({ family, seeds, off, replace }: RuleBreaker): Promise<RunResult | undefined> {
  const restore = replace?.();
  try {
    for (let seed = 1; seed <= seeds; seed++) {
      const result = await runScenario({ family, seed, ...(off ? { off } : {}) });
      if (result.violation !== undefined) return result;
    }
    return undefined;
  } finally {
    restore?.();
  }
}

describe("The checker", () => {
  for (const breaker of RULE_BREAKERS) {
    it(`finds within ${breaker.seeds} seeds that without rule ${breaker.rule} ${breaker.without}`, async () => {
      const result = await firstViolation(breaker);
      assert.match(result?.violation ?? "nothing", breaker.finds);
    });
  }
});
