// Workers that stand still, networks and name servers that fail. Together with processes.test.ts a thousand seeds.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { countImmediates } from "../support/pending-immediates.ts";
import { runSeeds } from "./model/run-seeds.ts";

countImmediates();

describe("Nothing that was answered is lost or done twice, and all copies are equal after quiet", () => {
  it("when workers stand still, from a moment to half a minute (rules 3, 8, 11, 13)", async () => {
    assert.ok((await runSeeds({ family: "freezes" }, 100)) > 10_000);
  });

  it("when the group is parted, both ways or one way, with the balancer on one side or on both (rules 11, 17)", async () => {
    assert.ok((await runSeeds({ family: "partitions" }, 110)) > 10_000);
  });

  it("when a member reads slowly, queues are full, or the network is slow and uneven (rules 8, 10, 11)", async () => {
    assert.ok((await runSeeds({ family: "slow" }, 100)) > 10_000);
  });

  it("when DNS is silent, refuses, lists nobody, some, or addresses of yesterday, and clocks jump (rules 1, 2, 4, 5)", async () => {
    assert.ok((await runSeeds({ family: "names" }, 100)) > 10_000);
  });

  it("when connections break, and frames are repeated whose acknowledgements got lost (rule 12)", async () => {
    assert.ok((await runSeeds({ family: "connections" }, 60)) > 1000);
  });

  it("when what nobody acknowledges is read too late to be taken, or never (rules 9, 11)", async () => {
    assert.ok((await runSeeds({ family: "unproven" }, 60)) > 10_000);
  });

  it("when any of this happens to up to seven workers, one after the other", async () => {
    assert.ok((await runSeeds({ family: "mixed" }, 100)) > 10_000);
  });
});
