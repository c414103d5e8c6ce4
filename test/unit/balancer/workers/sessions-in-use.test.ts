import assert from "node:assert/strict";
import { test } from "node:test";
import { SessionsInUse } from "../../../../src/balancer/workers/sessions-in-use.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

test("At first every session counts as in use, since nobody has looked before", async () => {
  const clock = new ManualClock();
  const uses = new SessionsInUse(clock, 2000);
  assert.equal(uses.isInUse("A"), true);
  await clock.advance(2000);
  assert.equal(uses.isInUse("A"), false);
});

test("A session stays while requests come, and moves when it has been quiet (rule 18)", async () => {
  const clock = new ManualClock();
  const uses = new SessionsInUse(clock, 2000);
  for (let round = 0; round < 5; round++) {
    uses.requestBegan("A");
    uses.requestEnded("A");
    await clock.advance(1500);
    assert.equal(uses.isInUse("A"), true);
  }
  await clock.advance(500);
  assert.equal(uses.isInUse("A"), false);
});

test("A session stays as long as one of its requests runs, however long", async () => {
  const clock = new ManualClock();
  const uses = new SessionsInUse(clock, 2000);
  uses.requestBegan("A");
  uses.requestBegan("A");
  uses.requestEnded("A");
  await clock.advance(60_000);
  assert.equal(uses.isInUse("A"), true);
  uses.requestEnded("A");
  await clock.advance(2000);
  assert.equal(uses.isInUse("A"), false);
});

test("Beyond 100 000 sessions the ones used longest ago are forgotten", async () => {
  const clock = new ManualClock();
  const uses = new SessionsInUse(clock, 2000);
  await clock.advance(2000);
  for (let index = 0; index <= 100_000; index++) uses.requestBegan(`S${index}`);
  assert.equal(uses.isInUse("S0"), false);
  assert.equal(uses.isInUse("S1"), true);
  assert.equal(uses.isInUse("S100000"), true);
});
