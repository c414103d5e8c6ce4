import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ProgressWatch, STUCK_MS } from "../../../../src/operator/roll/progress-watch.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

describe("ProgressWatch", () => {
  it("counts from the last time that something got on", async () => {
    const clock = new ManualClock();
    const watch = new ProgressWatch(clock);
    assert.equal(watch.isStuck("uid", "1 of 3", false), false);
    await clock.advance(STUCK_MS - 1);
    assert.equal(watch.isStuck("uid", "2 of 3", false), false);
    await clock.advance(STUCK_MS - 1);
    assert.equal(watch.isStuck("uid", "2 of 3", false), false);
    await clock.advance(1);
    assert.equal(watch.isStuck("uid", "2 of 3", false), true);
    assert.equal(watch.isStuck("uid", "3 of 3", true), false);
    assert.equal(watch.isStuck("uid", undefined, false), false);
  });

  it("takes the status's word in a new process, until something gets on", () => {
    const watch = new ProgressWatch(new ManualClock());
    assert.equal(watch.isStuck("uid", "1 of 3", true), true);
    assert.equal(watch.isStuck("uid", "1 of 3", true), true);
    assert.equal(watch.isStuck("uid", "2 of 3", true), false);
  });
});
