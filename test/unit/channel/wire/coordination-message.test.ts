import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  decodeCoordinationMessage,
  encodeCoordinationMessage,
  isAliveMessage,
  isCoordinationMessage,
} from "../../../../src/channel/wire/coordination-message.ts";
import { createMember, decodeMember } from "../../../../src/channel/wire/member-block.ts";
import { tribesVector } from "../../../support/tribes-vectors.ts";

const { bytes } = tribesVector("coord-request");

describe("coordination messages", () => {
  it("are read as a Tomcat writes them, and written the same", () => {
    const message = decodeCoordinationMessage(bytes);
    const [plain, full] = ["member-plain", "member-full"].map((name) => ({
      ...decodeMember(tribesVector(name).bytes),
      aliveTimeMs: 123_456,
    }));
    assert.deepEqual(message, {
      kind: "Request",
      leader: plain,
      source: plain,
      view: [plain, full],
      id: Buffer.from("000102030405460788090a0b0c0d0e0f", "hex"),
    });
    assert.deepEqual(encodeCoordinationMessage(message), bytes);
    const confirmation = encodeCoordinationMessage({ ...message, kind: "Confirmation" });
    assert.equal(confirmation.subarray(-16).toString("hex"), "43586baa45174cbaa5e9a9e783564b14");
    assert.equal(decodeCoordinationMessage(confirmation).kind, "Confirmation");
  });

  it("are told from others by their first bytes", () => {
    assert.deepEqual([isCoordinationMessage(bytes), isAliveMessage(bytes)], [true, false]);
    assert.deepEqual([isCoordinationMessage(bytes.subarray(1)), isCoordinationMessage(Buffer.alloc(0))], [false, false]);
    const alive = Buffer.from("4f87e7f1c505405eb37189a83472c8d2ee660a2281f74773ba489b5848847f6f", "hex");
    assert.equal(isAliveMessage(alive), false, "half of it");
  });

  it("cut at any byte, of no member, of too many and of another type, are refused", () => {
    for (let end = 16; end < bytes.length; end++) {
      assert.throws(() => decodeCoordinationMessage(bytes.subarray(0, end)), { code: "MALFORMED_MESSAGE" }, `cut at ${end}`);
    }
    const one = decodeCoordinationMessage(bytes);
    const empty = encodeCoordinationMessage({ ...one, view: [] });
    assert.throws(() => decodeCoordinationMessage(empty), { code: "MALFORMED_MESSAGE" });
    const view = Array.from({ length: 1001 }, (_, port) => createMember({ address: "10.0.0.1", port }));
    assert.throws(() => decodeCoordinationMessage(encodeCoordinationMessage({ ...one, view })), { message: "A view of 1001 members" });
    const odd = Buffer.from(bytes);
    odd[odd.length - 1]! ^= 1;
    assert.throws(() => decodeCoordinationMessage(odd), { message: /^There is no coordination message of type 68a1/ });
  });
});
