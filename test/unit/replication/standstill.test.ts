import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Standstill } from "../../../src/replication/standstill.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { ProcessClock, VirtualTime } from "../../support/virtual-time.ts";

function running() {
  const time = new VirtualTime();
  const clock = new ProcessClock(time);
  const standstill = new Standstill(clock);
  standstill.start();
  return { time, clock, standstill };
}

describe("a process that was stopped (rules 11 and 13)", () => {
  it("lets requests go at once as a rule, also after a moment without a turn", async () => {
    const { time, clock, standstill } = running();
    await time.run(10_000);
    assert.equal(standstill.settled(), undefined);
    clock.freeze();
    await time.run(700);
    clock.thaw();
    await time.run(0);
    assert.equal(standstill.settled(), undefined);
    standstill.stop();
  });

  for (const first of ["its sockets", "its timers"]) {
    it(`has them wait until it has read what came meanwhile, whether it sees ${first} first`, async () => {
      const { time, clock, standstill } = running();
      await time.run(new SeededRandom(first).between(1000, 2000));
      clock.freeze();
      await time.run(5000);
      clock.thaw();
      if (first === "its timers") await time.run(0);
      let over = false;
      void standstill.settled()!.then(() => {
        over = true;
      });
      await time.run(199);
      assert.equal(over, false);
      await time.run(1);
      assert.deepEqual([over, standstill.settled()], [true, undefined]);
      standstill.stop();
    });
  }

  it("misses news for ten times as long as it stood still, and a minute at most", async () => {
    for (const [standstillMs, missesMs] of [
      [2000, 20_000],
      [120_000, 60_000],
    ] as const) {
      const { time, clock, standstill } = running();
      await time.run(1000);
      assert.equal(standstill.missesNews, false);
      clock.freeze();
      await time.run(standstillMs);
      clock.thaw();
      assert.equal(standstill.missesNews, true);
      await time.run(missesMs - 1000);
      assert.equal(standstill.missesNews, true);
      await time.run(5000);
      assert.equal(standstill.missesNews, false);
      standstill.stop();
    }
  });

  it("knows a pause of its machine by the time of day, where the monotonic time stood still", async () => {
    const { time, clock, standstill } = running();
    await time.run(1000);
    clock.offsetMs += 3_600_000;
    assert.equal(standstill.missesNews, true);
    assert.notEqual(standstill.settled(), undefined);
    standstill.stop();
  });

  it("is not looked for once the manager is gone", () => {
    const { standstill } = running();
    standstill.stop();
    assert.equal(standstill.settled(), undefined);
  });
});
