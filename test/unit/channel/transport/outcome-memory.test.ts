import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ChannelMessage } from "../../../../src/channel/channel.ts";
import { OutcomeMemory } from "../../../../src/channel/transport/outcome-memory.ts";
import { messageOf } from "../../../support/raw-member.ts";

/** Ids that fall into one bucket, and others. */
function idOf(number: number): Buffer {
  const id = Buffer.alloc(16);
  id.writeInt32BE(number, 4);
  if (number % 3 === 0) id.writeInt32BE(number, 0);
  return id;
}

describe("OutcomeMemory", () => {
  it("tells messages apart by unique id and bytes, and by nothing else", () => {
    const memory = new OutcomeMemory(8);
    const message = messageOf("body");
    const recall = (other: ChannelMessage) => memory.recall(other.uniqueId, memory.checksumOf(other));
    memory.remember(message.uniqueId, memory.checksumOf(message), true);
    assert.equal(recall({ ...message, body: Buffer.from("body"), uniqueId: Buffer.from(message.uniqueId), timestamp: 5 }), true);
    assert.equal(recall({ ...message, body: Buffer.from("bodz") }), undefined);
    assert.equal(recall({ ...message, uniqueId: Buffer.alloc(16, 1) }), undefined);
  });

  it("tells large messages with one unique id apart by what fragments of one message differ in: their ends, and their lengths", () => {
    const memory = new OutcomeMemory(8);
    const large = { ...messageOf("x".repeat(100_000)), uniqueId: Buffer.alloc(16, 3) };
    memory.remember(large.uniqueId, memory.checksumOf(large), true);
    const recall = (body: Buffer) => memory.recall(large.uniqueId, memory.checksumOf({ ...large, body }));
    const changedAt = (index: number) => {
      const body = Buffer.from(large.body);
      body[index] = 0;
      return body;
    };
    assert.equal(recall(Buffer.from(large.body)), true);
    for (const body of [changedAt(0), changedAt(99_999), changedAt(99_992), large.body.subarray(1)]) assert.equal(recall(body), undefined);
  });

  it("tells unique ids of other lengths apart too", () => {
    const memory = new OutcomeMemory(8);
    const ids = [Buffer.alloc(0), Buffer.alloc(4), Buffer.alloc(24, 7), Buffer.concat([Buffer.alloc(23, 7), Buffer.of(8)])];
    const messages = ids.map((uniqueId) => ({ ...messageOf("body"), uniqueId }));
    messages.forEach((message, index) => void memory.remember(message.uniqueId, memory.checksumOf(message), index % 2 === 0));
    assert.deepEqual(
      messages.map((message) => memory.recall(message.uniqueId, memory.checksumOf(message))),
      [true, false, true, false],
    );
  });

  it("holds the last outcomes and forgets the oldest first, wherever it stands in its bucket", () => {
    for (const capacity of [1, 3, 8, 50]) {
      const memory = new OutcomeMemory(capacity);
      for (let number = 0; number < 200; number++) {
        memory.remember(idOf(number), 0, number % 2 === 0);
        for (let other = 0; other <= number; other++) {
          const expected = other > number - capacity ? other % 2 === 0 : undefined;
          assert.equal(memory.recall(idOf(other), 0), expected, `${other} of ${number} at capacity ${capacity}`);
        }
      }
    }
  });

  it("remembering a message that is held replaces its outcome and pushes nothing out", () => {
    const memory = new OutcomeMemory(2);
    memory.remember(idOf(1), 0, true);
    memory.remember(idOf(2), 0, true);
    memory.remember(idOf(1), 0, false);
    memory.remember(idOf(2), 0, false);
    assert.deepEqual([memory.recall(idOf(1), 0), memory.recall(idOf(2), 0)], [false, false]);
  });

  it("settling replaces a pending outcome, and brings no forgotten one back", () => {
    const memory = new OutcomeMemory(2);
    const pending = Promise.resolve(true);
    memory.remember(idOf(1), 0, pending);
    memory.remember(idOf(2), 0, true);
    assert.equal(memory.recall(idOf(1), 0), pending);
    memory.settle(idOf(1), 0, false);
    assert.equal(memory.recall(idOf(1), 0), false);
    memory.remember(idOf(3), 0, true);
    memory.settle(idOf(1), 0, true);
    assert.equal(memory.recall(idOf(1), 0), undefined);
    assert.equal(memory.recall(idOf(2), 0), true);
  });
});
