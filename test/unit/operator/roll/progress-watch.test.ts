import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ProgressWatch, STUCK_MS } from "../../../../src/operator/roll/progress-watch.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

function at(reached: number, goal = "3 of r2") {
  return { goal, reached };
}

describe("ProgressWatch", () => {
  it("counts from the last time that something got on", async () => {
    const clock = new ManualClock();
    const watch = new ProgressWatch(clock);
    assert.equal(watch.isStuck("uid", at(1), false), false);
    await clock.advance(STUCK_MS - 1);
    assert.equal(watch.isStuck("uid", at(2), false), false);
    await clock.advance(STUCK_MS - 1);
    assert.equal(watch.isStuck("uid", at(2), false), false);
    await clock.advance(1);
    assert.equal(watch.isStuck("uid", at(2), false), true);
    assert.equal(watch.isStuck("uid", at(3), true), false);
    assert.equal(watch.isStuck("uid", undefined, false), false);
  });

  it("takes nothing for progress that was reached before: a worker that is ready, and then not, again and again", async () => {
    const clock = new ManualClock();
    const watch = new ProgressWatch(clock);
    watch.isStuck("uid", at(2), false);
    for (const reached of [1, 2, 1]) {
      await clock.advance(STUCK_MS / 3);
      watch.isStuck("uid", at(reached), false);
    }
    assert.equal(watch.isStuck("uid", at(2), false), true);
  });

  it("begins anew with another goal", async () => {
    const clock = new ManualClock();
    const watch = new ProgressWatch(clock);
    watch.isStuck("uid", at(2), false);
    await clock.advance(STUCK_MS);
    assert.equal(watch.isStuck("uid", at(0, "3 of r3"), true), false);
  });

  it("takes the status's word in a new process, until something gets on", () => {
    const watch = new ProgressWatch(new ManualClock());
    assert.equal(watch.isStuck("uid", at(1), true), true);
    assert.equal(watch.isStuck("uid", at(1), true), true);
    assert.equal(watch.isStuck("uid", at(2), true), false);
  });
});
