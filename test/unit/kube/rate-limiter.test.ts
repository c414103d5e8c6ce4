import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RateLimiter } from "../../../src/kube/rate-limiter.ts";
import { ManualClock } from "../../support/manual-clock.ts";

describe("RateLimiter", () => {
  it("lets a burst through at once, then one after the other in order", async () => {
    const clock = new ManualClock();
    const limiter = new RateLimiter(clock, { perSecond: 10, burst: 3 });
    const passed: number[] = [];
    for (let index = 0; index < 6; index++) void limiter.take().then(() => passed.push(index));
    await clock.advance(0);
    assert.deepEqual(passed, [0, 1, 2]);
    await clock.advance(100);
    assert.deepEqual(passed, [0, 1, 2, 3]);
    await clock.advance(200);
    assert.deepEqual(passed, [0, 1, 2, 3, 4, 5]);
  });

  it("saves up no more than a burst", async () => {
    const clock = new ManualClock();
    const limiter = new RateLimiter(clock, { perSecond: 10, burst: 2 });
    await clock.advance(60_000);
    let passed = 0;
    for (let index = 0; index < 5; index++) void limiter.take().then(() => passed++);
    await clock.advance(0);
    assert.equal(passed, 2);
  });

  it("gives the place of a call that was aborted to the next one", async () => {
    const clock = new ManualClock();
    const limiter = new RateLimiter(clock, { perSecond: 10, burst: 1 });
    await limiter.take();
    const abort = new AbortController();
    const aborted = assert.rejects(limiter.take(abort.signal), /over/);
    abort.abort(new Error("over"));
    await aborted;
    let passed = false;
    void limiter.take().then(() => {
      passed = true;
    });
    await clock.advance(100);
    assert.ok(passed);
    await assert.rejects(limiter.take(abort.signal), /over/);
    assert.equal(clock.pendingTimers, 0);
  });
});
