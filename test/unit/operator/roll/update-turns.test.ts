import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { UpdateTurns } from "../../../../src/operator/roll/update-turns.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

function setUp({ delayMs = 0, rolling = [] as readonly string[] } = {}) {
  const clock = new ManualClock();
  return { clock, turns: new UpdateTurns({ clock, rolling: () => rolling }, { delayMs }) };
}

describe("UpdateTurns", () => {
  it("gives one at a time the turn, who may ask again", () => {
    const { turns } = setUp();
    assert.deepEqual([turns.take("a"), turns.take("b"), turns.take("a")], [true, false, true]);
    turns.end("b", false);
    assert.equal(turns.take("b"), false);
    turns.end("a", true);
    assert.equal(turns.take("b"), true);
  });

  it("believes the statuses about who had the turn before the process began", () => {
    const { turns } = setUp({ rolling: ["a"] });
    assert.deepEqual([turns.take("b"), turns.take("a")], [false, true]);
  });

  it("waits after the end of one before the next begins, and after its own beginning", async () => {
    const { clock, turns } = setUp({ delayMs: 60_000 });
    assert.equal(turns.take("a"), false);
    await clock.advance(60_000);
    assert.equal(turns.take("a"), true);
    turns.end("a", true);
    turns.end("b", false);
    await clock.advance(59_999);
    assert.equal(turns.take("b"), false);
    await clock.advance(1);
    assert.equal(turns.take("b"), true);
  });

  it("waits also after one whose turn it did not give itself", async () => {
    const { clock, turns } = setUp({ delayMs: 60_000 });
    await clock.advance(60_000);
    turns.end("a", true);
    assert.equal(turns.take("b"), false);
  });
});
