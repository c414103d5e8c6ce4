import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeRpcMessage, encodeRpcMessage, isRpcClass, type RpcMessage } from "../../../src/channel/rpc-message.ts";
import { ChannelDataDecoder } from "../../../src/channel/wire/channel-data.ts";
import { FrameDecoder } from "../../../src/channel/wire/frame.ts";
import {
  AnnotationOutput,
  JavaObject,
  ObjectInputStream,
  ObjectOutputStream,
  peekClassName,
  SuidTable,
  TOMCAT,
} from "../../../src/serialization/index.ts";
import { tribesVector, tribesVectors } from "../../support/tribes-vectors.ts";

const uuid = Buffer.from("aaaaaaaaaaaa4aaa8aaaaaaaaaaaaaaa", "hex");

const cases: { vector: string; rpc: RpcMessage }[] = [
  { vector: "rpc-request", rpc: { kind: "Request", uuid, rpcId: "test-rpc", message: "ask" } },
  { vector: "rpc-reply", rpc: { kind: "Reply", uuid, rpcId: "test-rpc", message: "answer" } },
  { vector: "rpc-reply-null", rpc: { kind: "Reply", uuid, rpcId: "test-rpc", message: null } },
  { vector: "rpc-norpcchannel", rpc: { kind: "NoRpcChannel", uuid, rpcId: "test-rpc", message: null } },
];

describe("RpcMessage", () => {
  for (const { vector, rpc } of cases) {
    it(`is written as Tomcat writes it, and read: ${vector}`, () => {
      const { bytes } = tribesVector(vector);
      assert.deepEqual(encodeRpcMessage(rpc, new SuidTable()), bytes);
      assert.deepEqual(decodeRpcMessage(new ObjectInputStream(bytes).readObject()), rpc);
      assert.equal(isRpcClass(peekClassName(bytes)), true);
    });
  }

  const captures = tribesVectors.filter(({ name }) => name.startsWith("capture-rpc-"));
  for (const { name, expected } of captures) {
    it(`is read from a running Tomcat's frame, and written with the same bytes: ${name}`, () => {
      const frames = new FrameDecoder(1_000_000);
      frames.push(tribesVector(name).bytes);
      const { body } = new ChannelDataDecoder().decode(frames.next()!);
      const rpc = decodeRpcMessage(new ObjectInputStream(body).readObject());
      const object = expected.object as { reply: boolean; rpcId: string; uuid: string };
      assert.equal(rpc.kind, object.reply ? "Reply" : "Request");
      assert.equal(rpc.rpcId, object.rpcId);
      assert.equal(rpc.uuid.toString("hex"), object.uuid);
      assert.deepEqual(encodeRpcMessage(rpc, new SuidTable()), body);
    });
  }

  it("has captures to be read", () => assert.ok(captures.length >= 10));

  it("is written with the SUID that the group's peers use", () => {
    const suids = new SuidTable({ [TOMCAT.rpcMessage.name]: 5n });
    const body = encodeRpcMessage(cases[0]!.rpc, suids);
    assert.equal((new ObjectInputStream(body).readObject() as JavaObject).descriptor.suid, 5n);
  });

  it("refuses what is none, or has lengths that cannot be", () => {
    const rpcObject = (uuidBytes: number, rpcIdBytes: number) => {
      const output = new AnnotationOutput();
      output.writeBoolean(false);
      output.writeInt(uuidBytes);
      output.writeBytes(Buffer.alloc(16));
      output.writeInt(rpcIdBytes);
      output.writeObject(null);
      const stream = new ObjectOutputStream();
      stream.writeObject(new JavaObject(TOMCAT.rpcMessage, [], [output.toItems()]));
      return new ObjectInputStream(stream.toBuffer()).readObject();
    };
    for (const value of [null, "text", rpcObject(15, 0), rpcObject(-1, 0), rpcObject(16, -1), rpcObject(16, 70_000)]) {
      assert.throws(() => decodeRpcMessage(value), { code: "MALFORMED_RPC_MESSAGE" });
    }
    assert.throws(() => decodeRpcMessage(rpcObject(16, 8)), { code: "UNEXPECTED_SHAPE" });
  });
});
