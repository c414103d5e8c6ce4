import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SendOptions } from "../../../../src/channel/channel.ts";
import { IllegalSendOptionsError } from "../../../../src/channel/errors.ts";
import { acknowledgeOf, fromOptionBits, toOptionBits } from "../../../../src/channel/wire/options.ts";

describe("option bits", () => {
  const rows: [number, SendOptions][] = [
    [0, { acknowledge: "None", asynchronous: false }],
    [2, { acknowledge: "Received", asynchronous: false }],
    [6, { acknowledge: "Processed", asynchronous: false }],
    [8, { acknowledge: "None", asynchronous: true }],
    [10, { acknowledge: "Received", asynchronous: true }],
    [14, { acknowledge: "Processed", asynchronous: true }],
    [0x10 | 6, { acknowledge: "Processed", asynchronous: false, secure: true }],
    [0x20, { acknowledge: "None", asynchronous: false, carrier: "Datagram" }],
    [0x20 | 6, { acknowledge: "Processed", asynchronous: false, carrier: "Datagram" }],
    [0x20 | 10, { acknowledge: "Received", asynchronous: true, carrier: "Datagram" }],
    [0x40, { acknowledge: "None", asynchronous: false, carrier: "Multicast" }],
    [0x40 | 0x18, { acknowledge: "None", asynchronous: true, carrier: "Multicast", secure: true }],
    [0x300 | 2, { acknowledge: "Received", asynchronous: false, interceptorBits: 0x300 }],
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

  it("every sum of bits means something that has the same effect on the wire, or is refused", () => {
    let legal = 0;
    for (let bits = 0; bits < 0x80; bits++) {
      const contradicts = (bits & 0x60) === 0x60 || ((bits & 0x40) !== 0 && (bits & 0x02) !== 0);
      if (contradicts) assert.throws(() => fromOptionBits(bits), IllegalSendOptionsError, `options ${bits}`);
      else {
        legal++;
        // BYTE_MESSAGE follows from the message, and 4 without 2 asks for nothing.
        const without = bits & 0x02 ? bits & ~0x01 : bits & ~0x05;
        assert.equal(toOptionBits(fromOptionBits(bits)), without, `options ${bits}`);
      }
    }
    assert.equal(legal, 80);
  });

  it("what is no sum of bits, and bits of interceptors that mean something else, are refused", () => {
    for (const bits of [-1, 2 ** 31, 1.5, Number.NaN]) assert.throws(() => fromOptionBits(bits), /no sum of option bits/);
    for (const interceptorBits of [0x40, 0x101, -256, 2 ** 31]) {
      assert.throws(() => toOptionBits({ acknowledge: "None", asynchronous: false, interceptorBits }), /bits from 128 up/);
    }
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
