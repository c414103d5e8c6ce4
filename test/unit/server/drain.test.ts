import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { untilQuiet } from "../../../src/server/drain.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const DRAIN = { quietMs: 2000, deadlineMs: 20_000 };

/** How long the drain takes when requests run at these times, in milliseconds from its beginning. */
async function drainMs(requestsAtMs: readonly number[], longIdle = false, lastCall: (atMs: number) => void = () => undefined) {
  const clock = new ManualClock();
  const beganMs = clock.monotonic();
  const source = {
    get quietMs() {
      const nowMs = clock.monotonic() - beganMs;
      const last = requestsAtMs.filter((atMs) => atMs <= nowMs).at(-1);
      return last === undefined ? (longIdle ? 3_600_000 : nowMs) : nowMs - last;
    },
  };
  let endedMs: number | undefined;
  const ended = untilQuiet(clock, [source], DRAIN, () => lastCall(clock.monotonic() - beganMs)).then(() => {
    endedMs = clock.monotonic() - beganMs;
  });
  await clock.advance(30_000);
  await ended;
  assert.equal(clock.pendingTimers, 0);
  return endedMs!;
}

describe("rule 18: a draining worker", () => {
  it("closes after 2 s without a request", async () => assert.equal(await drainMs([]), 2000));

  it("waits those 2 s also when it was idle for an hour, as balancers learn of the drain only now", async () => {
    assert.equal(await drainMs([], true), 2000);
  });

  it("counts them from the last request", async () => assert.equal(await drainMs([500, 1500, 3000]), 5000));

  it("closes at the deadline when requests never cease, and says so 2 s before", async () => {
    const calls: number[] = [];
    const endedMs = await drainMs(
      Array.from({ length: 100 }, (_, index) => index * 300),
      false,
      (atMs) => calls.push(atMs),
    );
    assert.deepEqual([endedMs, calls], [20_000, [18_000]]);
  });

  it("closes before the deadline when requests cease then, and needs no such word when they have ceased by themselves", async () => {
    const calls: number[] = [];
    const requests = Array.from({ length: 60 }, (_, index) => index * 300);
    assert.equal(await drainMs(requests, false, (atMs) => calls.push(atMs)), 19_700);
    assert.equal(await drainMs([500], false, (atMs) => calls.push(atMs)), 2500);
    assert.deepEqual(calls, [18_000]);
  });
});
