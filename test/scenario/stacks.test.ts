// Every interceptor that may stand in a stack, between the manager and the wire.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { countImmediates } from "../support/pending-immediates.ts";
import { runSeeds } from "./model/run-seeds.ts";

countImmediates();

describe("Nothing that was answered is lost or done twice, and all copies are equal after quiet", () => {
  it("with compressed, fragmented, numbered, confirmed, encrypted, filtered and counted messages, in any legal order", async () => {
    assert.ok((await runSeeds({ family: "stacks" }, 80)) > 10_000);
  });
});
