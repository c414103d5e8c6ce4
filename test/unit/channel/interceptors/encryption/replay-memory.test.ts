import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { IvTable } from "../../../../../src/channel/interceptors/encryption/iv-table.ts";
import { ReplayMemory } from "../../../../../src/channel/interceptors/encryption/replay-memory.ts";

const NOW = 1_700_000_000_000;

function iv(number: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(number, 8);
  return bytes;
}

describe("a table of IVs", () => {
  it("tells those that were added from all others, the one of zeros too, while it grows", () => {
    const table = new IvTable();
    const added = Array.from({ length: 5000 }, (_, index) => iv(index * 2));
    for (const one of added) {
      assert.equal(table.has(one), false);
      assert.equal(table.add(one), true);
    }
    assert.ok(added.every((one) => !table.add(one)));
    assert.equal(table.size, 5000);
    assert.ok(added.every((one) => table.has(one)));
    assert.ok(added.every((_, index) => !table.has(iv(index * 2 + 1))));
  });

  it("tells IVs apart that differ in any of the first twelve bytes", () => {
    const table = new IvTable();
    const base = Buffer.alloc(16, 0xff);
    table.add(base);
    for (let index = 0; index < 12; index++) {
      const other = Buffer.from(base);
      other[index] = 0;
      assert.equal(table.has(other), false, `byte ${index}`);
    }
    assert.equal(table.has(base), true);
  });
});

describe("the replay memory (rule 21)", () => {
  it("takes a message once", () => {
    const memory = new ReplayMemory({ windowMs: 10_000, maxMessages: 1000 });
    assert.equal(memory.check("a", iv(1), NOW, NOW), "Fresh");
    assert.equal(memory.check("a", iv(1), NOW, NOW), "Replay");
    assert.equal(memory.check("a", iv(2), NOW, NOW), "Fresh");
    assert.equal(memory.check("a", iv(1), NOW, NOW + 10_000), "Replay", "at the last moment");
  });

  it("takes no copy under another sender's name", () => {
    const memory = new ReplayMemory({ windowMs: 10_000, maxMessages: 1000 });
    assert.equal(memory.check("a", iv(1), NOW, NOW), "Fresh");
    assert.equal(memory.check("b", iv(1), NOW, NOW), "Replay");
  });

  for (const [skewMs, freshness] of [
    [-10_001, "Skewed"],
    [-10_000, "Fresh"],
    [0, "Fresh"],
    [10_000, "Fresh"],
    [10_001, "Skewed"],
    [Number.NaN, "Skewed"],
  ] as const) {
    it(`finds a time stamp ${skewMs} ms from the own clock ${freshness}`, () => {
      const memory = new ReplayMemory({ windowMs: 10_000, maxMessages: 1000 });
      assert.equal(memory.check("a", iv(1), NOW + skewMs, NOW), freshness);
    });
  }

  it("forgets by time, and takes nothing as old as that when the clock is set back", () => {
    const memory = new ReplayMemory({ windowMs: 10_000, maxMessages: 1000 });
    for (let n = 0; n < 100; n++) assert.equal(memory.check("a", iv(n), NOW + n * 10, NOW + n * 10), "Fresh");
    memory.forget(NOW + 5000);
    assert.equal(memory.size, 100);
    memory.forget(NOW + 30_000);
    assert.equal(memory.size, 0);
    assert.equal(memory.check("a", iv(1), NOW + 10, NOW + 5000), "Forgotten");
    assert.equal(memory.check("b", iv(1), NOW + 10, NOW + 5000), "Forgotten");
    assert.equal(memory.check("a", iv(200), NOW + 5000, NOW + 5000), "Fresh");
  });

  it("holds each sender to its number of messages, oldest first, and no other sender pays for it", () => {
    const memory = new ReplayMemory({ windowMs: 10_000, maxMessages: 100 });
    assert.equal(memory.check("quiet", iv(0), NOW, NOW + 4000), "Fresh");
    for (let n = 1; n <= 300; n++) {
      assert.equal(memory.check("busy", iv(n), NOW + n * 10, NOW + 4000), "Fresh");
      assert.ok(memory.size <= 101);
    }
    assert.equal(memory.check("busy", iv(1), NOW + 10, NOW + 4000), "Forgotten");
    assert.equal(memory.check("busy", iv(300), NOW + 3000, NOW + 4000), "Replay");
    assert.equal(memory.check("quiet", iv(0), NOW, NOW + 4000), "Replay");
    assert.equal(memory.check("quiet", iv(1000), NOW + 1, NOW + 4000), "Fresh");
  });
});
