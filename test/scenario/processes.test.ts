// Workers that die, restart, join and leave. Together with networks.test.ts a thousand seeds.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { countImmediates } from "../support/pending-immediates.ts";
import { runSeeds } from "./model/run-seeds.ts";

countImmediates();

describe("Nothing that was answered is lost or done twice, and all copies are equal after quiet", () => {
  it("when processes and machines die, new ones come, and some are told to stop (rules 5, 8, 11, 18)", async () => {
    assert.ok((await runSeeds({ family: "kills" }, 110)) > 10_000);
  });

  it("when every worker is restarted, one after the other (rule 18)", async () => {
    assert.ok((await runSeeds({ family: "rolls" }, 40)) > 10_000);
  });

  it("when donors die during the transfer of a state in many blocks (rules 4, 6)", async () => {
    assert.ok((await runSeeds({ family: "transfers" }, 90)) > 10_000);
  });

  it("when processes die whose answers did not wait for acknowledgements (rule 9)", async () => {
    assert.ok((await runSeeds({ family: "asynchronous" }, 100)) > 10_000);
  });

  it('with durability "Required", whose answers say that another worker has the change (rule 8)', async () => {
    assert.ok((await runSeeds({ family: "required" }, 90)) > 10_000);
  });
});
