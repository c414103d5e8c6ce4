import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { describe, it } from "node:test";
import { countImmediates } from "../support/pending-immediates.ts";
import { FAMILIES, type Family } from "./model/families.ts";
import { FailedSeedError, runSeeds } from "./model/run-seeds.ts";
import { runScenario } from "./model/scenario.ts";

countImmediates();

describe("A seed", () => {
  for (const family of Object.keys(FAMILIES) as Family[]) {
    it(`of "${family}" runs the same way twice, to the last message`, async () => {
      const runs = [await runScenario({ family, seed: 7, traced: true }), await runScenario({ family, seed: 7, traced: true })];
      const [one, other] = runs.map((run) => ({
        events: run.events,
        lines: run.trace.length,
        trace: hash("sha256", run.trace.join("\n")),
      }));
      assert.deepEqual(one, other);
      assert.ok(one!.lines > 100);
    });
  }

  it("runs the same way whether it is traced or not", async () => {
    const [traced, plain] = [true, false];
    const runs = [await runScenario({ family: "mixed", seed: 3, traced }), await runScenario({ family: "mixed", seed: 3, traced: plain })];
    assert.deepEqual(runs[0]!.events, runs[1]!.events);
  });

  it("that fails is shown with its trace and the command that replays it", async () => {
    const error = await runSeeds({ family: "kills", off: { firstOne: true } }, 20).catch((failure: unknown) => failure);
    assert.ok(error instanceof FailedSeedError);
    assert.match(error.message, /^kills \d+: [\d.]+ s: /);
    assert.match(error.message, /CHECKER/);
    assert.match(error.message, /npm run simulate -- --family kills --seeds 1 --from \d+$/);
  });
});
