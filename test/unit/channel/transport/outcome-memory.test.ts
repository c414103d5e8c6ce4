import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OutcomeMemory } from "../../../../src/channel/transport/outcome-memory.ts";
import { messageOf } from "../../../support/raw-member.ts";

describe("OutcomeMemory", () => {
  it("a key stands for unique id and bytes", () => {
    const memory = new OutcomeMemory(8);
    const message = messageOf("body");
    const key = memory.keyOf(message);
    assert.equal(memory.keyOf({ ...message, body: Buffer.from("body"), uniqueId: Buffer.from(message.uniqueId), timestamp: 5 }), key);
    assert.notEqual(memory.keyOf({ ...message, body: Buffer.from("bodz") }), key);
    assert.notEqual(memory.keyOf({ ...message, uniqueId: Buffer.alloc(16, 1) }), key);
  });

  it("holds the last outcomes and forgets the oldest first", () => {
    const memory = new OutcomeMemory(3);
    for (let round = 0; round < 10; round++) memory.remember(`${round}`, round % 2 === 0);
    assert.deepEqual(
      ["6", "7", "8", "9"].map((key) => memory.recall(key)),
      [undefined, false, true, false],
    );
  });

  it("settling replaces a pending outcome, and brings no forgotten one back", () => {
    const memory = new OutcomeMemory(2);
    const pending = Promise.resolve(true);
    memory.remember("a", pending);
    memory.remember("b", true);
    assert.equal(memory.recall("a"), pending);
    memory.settle("a", false);
    assert.equal(memory.recall("a"), false);
    memory.remember("c", true);
    memory.settle("a", true);
    assert.equal(memory.recall("a"), undefined);
    assert.equal(memory.recall("b"), true);
  });
});
