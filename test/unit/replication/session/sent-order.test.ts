import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { DELTA_TYPES, type DeltaAction } from "../../../../src/replication/session/delta-request.ts";
import { SentOrder } from "../../../../src/replication/session/sent-order.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

let clock: ManualClock;
let order: SentOrder;

beforeEach(() => {
  clock = new ManualClock();
  order = new SentOrder(clock);
});

const sets = (...names: string[]): DeltaAction[] => names.map((name) => ({ type: DELTA_TYPES.Attribute, remove: false, name, value: "v" }));
const taken = (stem: string, sender: string, sentMs: number, ...names: string[]) =>
  order.unsurpassed(stem, sender, sentMs, sets(...names)).map(({ name }) => name);

describe("SentOrder (rule 10)", () => {
  it("takes what comes in order, also with one time stamp", () => {
    assert.deepEqual(taken("S", "tomcat", 100, "a", "b"), ["a", "b"]);
    assert.deepEqual(taken("S", "tomcat", 100, "a"), ["a"]);
    assert.deepEqual(taken("S", "tomcat", 101, "b"), ["b"]);
  });

  it("takes of a delta that was overtaken only what no later one has changed", () => {
    taken("S", "tomcat", 105, "a");
    assert.deepEqual(taken("S", "tomcat", 103, "a", "b"), ["b"]);
    assert.deepEqual(taken("S", "tomcat", 102, "a", "b", "c"), ["c"]);
    assert.deepEqual(taken("S", "tomcat", 106, "a", "b", "c"), ["a", "b", "c"]);
  });

  it("compares neither two sessions nor the clocks of two senders", () => {
    taken("S", "tomcat", 105, "a");
    assert.deepEqual(taken("T", "tomcat", 100, "a"), ["a"]);
    assert.deepEqual(taken("S", "other", 100, "a"), ["a"]);
  });

  it("takes everything after ten seconds, and when the sender's clock was set back", async () => {
    taken("S", "tomcat", 20_000, "a");
    assert.deepEqual(taken("S", "tomcat", 9_000, "a"), ["a"]);
    taken("S", "tomcat", 20_000, "a");
    await clock.advance(10_000);
    assert.deepEqual(taken("S", "tomcat", 19_000, "a"), ["a"]);
  });

  it("remembers a bounded number of sessions", () => {
    for (let index = 0; index < 10_001; index++) taken(`S${index}`, "tomcat", 105, "a");
    assert.deepEqual(taken("S10000", "tomcat", 104, "a"), []);
    assert.deepEqual(taken("S0", "tomcat", 104, "a"), ["a"]);
  });
});
