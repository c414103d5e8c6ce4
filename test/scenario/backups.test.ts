// Each session on two workers in place of all: a BackupManager.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { countImmediates } from "../support/pending-immediates.ts";
import { runSeeds } from "./model/run-seeds.ts";

countImmediates();

describe("Nothing that was answered is lost or done twice, and each session is on two workers after quiet", () => {
  it("when one worker at a time dies, leaves, stands still or is slow, or connections break (rules 3, 8, 10 to 13, 16 to 18)", async () => {
    assert.ok((await runSeeds({ family: "backups" }, 90)) > 10_000);
  });
});
