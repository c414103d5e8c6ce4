import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SendOptions } from "../../../../src/channel/channel.ts";
import { acknowledgeOf, fromOptionBits, toOptionBits } from "../../../../src/channel/wire/options.ts";

describe("option bits", () => {
  const rows: [number, SendOptions][] = [
    [0, { acknowledge: "None", asynchronous: false }],
    [2, { acknowledge: "Received", asynchronous: false }],
    [6, { acknowledge: "Processed", asynchronous: false }],
    [8, { acknowledge: "None", asynchronous: true }],
    [10, { acknowledge: "Received", asynchronous: true }],
    [14, { acknowledge: "Processed", asynchronous: true }],
  ];
  for (const [bits, options] of rows) {
    it(`${bits} means ${JSON.stringify(options)}, both ways`, () => {
      assert.equal(toOptionBits(options), bits);
      assert.deepEqual(fromOptionBits(bits), options);
    });
  }

  it("an order key is not on the wire and comes from outside", () => {
    assert.equal(toOptionBits({ acknowledge: "Processed", asynchronous: false, orderKey: "k" }), 6);
    assert.deepEqual(fromOptionBits(6, "k"), { acknowledge: "Processed", asynchronous: false, orderKey: "k" });
  });

  it("synchronized acknowledgement without use_ack asks for nothing (tribes.md 3)", () => {
    assert.equal(acknowledgeOf(4), "None");
    assert.equal(acknowledgeOf(4 | 8), "None");
  });

  it("other bits change nothing", () => {
    assert.equal(acknowledgeOf(0x100 | 0x01 | 0x06), "Processed");
    assert.equal(acknowledgeOf(0x100 | 0x01 | 0x20), "None");
  });
});
