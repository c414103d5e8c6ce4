import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ChannelMessage } from "../../../../src/channel/channel.ts";
import { MalformedMessageError } from "../../../../src/channel/errors.ts";
import { ChannelDataDecoder, encodeChannelData } from "../../../../src/channel/wire/channel-data.ts";
import { FrameDecoder } from "../../../../src/channel/wire/frame.ts";
import { createMember } from "../../../../src/channel/wire/member-block.ts";
import { tribesVector, tribesVectors } from "../../../support/tribes-vectors.ts";

const ID = Buffer.from("000102030405460788090a0b0c0d0e0f", "hex");
const MEMBER = createMember({ address: "10.1.2.3", port: 4000, uniqueId: ID, aliveTimeMs: 123_456 });

function bodiesOf(bytes: Buffer): Buffer[] {
  const decoder = new FrameDecoder(1_000_000);
  decoder.push(bytes);
  const bodies: Buffer[] = [];
  for (let body = decoder.next(); body; body = decoder.next()) bodies.push(body);
  return bodies;
}

function messagesOf(bytes: Buffer): ChannelMessage[] {
  const decoder = new ChannelDataDecoder();
  return bodiesOf(bytes).map((body) => decoder.decode(body));
}

const frames = tribesVectors
  .filter(({ name }) => !name.includes("garbage") && !name.endsWith("ack"))
  .map((vector) => ({ ...vector, bytes: tribesVector(vector.name).bytes }))
  .filter(({ bytes }) => bytes.toString("latin1", 0, 7) === "FLT2002");

describe("ChannelData", () => {
  it("of the vectors is checked below", () => assert.ok(frames.length >= 30, `${frames.length} frames`));

  for (const { name, bytes, expected } of frames) {
    it(`${name}: decodes to what is expected and encodes to the same bytes`, () => {
      const messages = messagesOf(bytes);
      assert.ok(messages.length > 0);
      const encoded = Buffer.concat(messages.map(encodeChannelData));
      assert.deepEqual(encoded, bytes.subarray(0, encoded.length));
      assert.equal(bytes.length - encoded.length, expected.left ?? 0);
      const [message] = messages;
      if (expected.options !== undefined) assert.equal(message!.options, expected.options);
      if (expected.uniqueId !== undefined) assert.equal(message!.uniqueId.toString("hex"), expected.uniqueId);
      if (expected.senderPort !== undefined) assert.equal(message!.address.port, expected.senderPort);
      if (expected.payloadHex !== undefined) assert.equal(message!.body.toString("hex"), expected.payloadHex);
      if (typeof expected.body === "string") assert.equal(message!.body.toString("hex"), expected.body);
      if (typeof expected.bodyLength === "number") assert.equal(message!.body.length, expected.bodyLength);
    });
  }

  it("frame-bytemessage says hello", () => {
    assert.deepEqual(messagesOf(tribesVector("frame-bytemessage").bytes), [
      {
        options: 3,
        timestamp: 1_700_000_000_000,
        uniqueId: Buffer.from("f0f1f2f3f4f546f788f9fafbfcfdfeff", "hex"),
        address: MEMBER,
        body: Buffer.from("hello tribes"),
      },
    ]);
  });

  it("cut at any byte, or with a byte too many, is refused", () => {
    const [body] = bodiesOf(tribesVector("frame-bytemessage").bytes);
    const decoder = new ChannelDataDecoder();
    for (let length = 0; length < body!.length; length++) {
      assert.throws(() => decoder.decode(body!.subarray(0, length)), MalformedMessageError, `${length} bytes`);
    }
    assert.throws(() => decoder.decode(Buffer.concat([body!, Buffer.of(0)])), MalformedMessageError);
  });

  it("with any byte changed decodes or is refused, and never fails in another way", () => {
    const [body] = bodiesOf(tribesVector("frame-bytemessage").bytes);
    for (let index = 0; index < body!.length; index++) {
      for (const value of [0x00, 0x7f, 0xff]) {
        const damaged = Buffer.from(body!);
        damaged[index] = value;
        try {
          new ChannelDataDecoder().decode(damaged);
        } catch (error) {
          assert.ok(error instanceof MalformedMessageError, `byte ${index}: ${error}`);
        }
      }
    }
  });

  it("without a member block is refused, as Tomcat does", () => {
    const bytes = Buffer.alloc(24);
    assert.throws(() => new ChannelDataDecoder().decode(bytes), MalformedMessageError);
  });

  it("an unchanged sender is the same Member object, a changed one is another", () => {
    const decoder = new ChannelDataDecoder();
    const message = { options: 0, timestamp: 1, uniqueId: ID, body: Buffer.from("x") };
    const [first] = bodiesOf(encodeChannelData({ ...message, address: MEMBER }));
    const [second] = bodiesOf(encodeChannelData({ ...message, address: createMember({ ...MEMBER, port: 4001 }) }));
    const member = decoder.decode(first!).address;
    assert.equal(decoder.decode(first!).address, member);
    assert.equal(decoder.decode(second!).address.port, 4001);
  });

  it("the body is a view of the frame, the unique id is not", () => {
    const [body] = bodiesOf(Buffer.from(tribesVector("frame-bytemessage").bytes));
    const message = new ChannelDataDecoder().decode(body!);
    body!.fill(0);
    assert.deepEqual(message.body, Buffer.alloc(12));
    assert.equal(message.uniqueId.toString("hex"), "f0f1f2f3f4f546f788f9fafbfcfdfeff");
  });
});
