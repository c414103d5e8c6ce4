import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { UnderWay } from "../../../../src/replication/peers/under-way.ts";

async function isSettled(promise: Promise<void>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

describe("what is under way", () => {
  it("is nothing at first", async () => {
    assert.equal(await isSettled(new UnderWay().soFar()), true);
  });

  it("ends for who waits when everything has ended that had begun before, whatever began meanwhile", async () => {
    const underWay = new UnderWay();
    const [first, second] = [underWay.begin(), underWay.begin()];
    const waiting = underWay.soFar();
    const third = underWay.begin();
    const later = underWay.soFar();
    underWay.begin();
    underWay.end(second);
    assert.deepEqual([await isSettled(waiting), await isSettled(later)], [false, false]);
    underWay.end(first);
    assert.deepEqual([await isSettled(waiting), await isSettled(later)], [true, false]);
    underWay.end(third);
    assert.equal(await isSettled(later), true);
  });

  it("includes what an earlier one still waits for", async () => {
    const underWay = new UnderWay();
    const period = underWay.begin();
    const waiting = [underWay.soFar(), underWay.soFar()];
    assert.deepEqual(await Promise.all(waiting.map(isSettled)), [false, false]);
    underWay.end(period);
    assert.deepEqual(await Promise.all(waiting.map(isSettled)), [true, true]);
  });
});
