import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Fifo } from "../../../../src/channel/transport/fifo.ts";

describe("Fifo", () => {
  it("gives items in the order of their coming, through any mix of pushes and shifts", () => {
    const fifo = new Fifo<number>();
    let pushed = 0;
    let shifted = 0;
    for (let round = 0; round < 500; round++) {
      for (let count = 0; count < (round * 7) % 5; count++) fifo.push(pushed++);
      for (let count = 0; count < (round * 3) % 5 && fifo.length > 0; count++) {
        assert.equal(fifo.peek(), shifted);
        assert.equal(fifo.shift(), shifted++);
      }
      assert.equal(fifo.length, pushed - shifted);
      const rest = Array.from({ length: pushed - shifted }, (_, index) => shifted + index);
      assert.deepEqual([...fifo], rest);
    }
    assert.ok(pushed > 500);
  });

  it("is empty when all is taken", () => {
    const fifo = new Fifo<string>();
    fifo.push("a");
    assert.deepEqual([fifo.shift(), fifo.shift(), fifo.peek(), fifo.length], ["a", undefined, undefined, 0]);
  });

  it("unshiftAll puts items before the others in their own order", () => {
    const fifo = new Fifo<string>();
    for (const item of ["gone", "c", "d"]) fifo.push(item);
    fifo.shift();
    fifo.unshiftAll(["a", "b"]);
    fifo.unshiftAll([]);
    fifo.push("e");
    assert.deepEqual(fifo.takeAll(), ["a", "b", "c", "d", "e"]);
    assert.equal(fifo.length, 0);
  });
});
