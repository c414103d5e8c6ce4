import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Lifecycle, LifecycleGroup } from "../../../src/base/index.ts";

function member(name: string, journal: string[], failAt?: "start" | "stop"): Lifecycle {
  const step = (verb: "start" | "stop") => async () => {
    journal.push(`${verb} ${name}`);
    if (failAt === verb) throw new Error(`${name} cannot ${verb}`);
  };
  return { start: step("start"), stop: step("stop") };
}

describe("LifecycleGroup", () => {
  it("starts in order and stops in reverse", async () => {
    const journal: string[] = [];
    const group = new LifecycleGroup([member("a", journal), member("b", journal)]);
    await group.start();
    await group.stop();
    assert.deepEqual(journal, ["start a", "start b", "stop b", "stop a"]);
  });

  it("stops what had started when one fails to start", async () => {
    const journal: string[] = [];
    const group = new LifecycleGroup([member("a", journal), member("b", journal, "start"), member("c", journal)]);
    await assert.rejects(group.start(), /b cannot start/);
    assert.deepEqual(journal, ["start a", "start b", "stop a"]);
  });

  it("stops every member also when one of them fails to stop", async () => {
    const journal: string[] = [];
    const group = new LifecycleGroup([member("a", journal), member("b", journal, "stop")]);
    await group.start();
    await assert.rejects(group.stop(), /b cannot stop/);
    assert.deepEqual(journal, ["start a", "start b", "stop b", "stop a"]);
  });
});
