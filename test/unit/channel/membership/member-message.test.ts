import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { memberMessageFromJava, memberMessageToJava } from "../../../../src/channel/membership/member-message.ts";
import { decodeRpcMessage, encodeRpcMessage } from "../../../../src/channel/rpc-message.ts";
import { createMember } from "../../../../src/channel/wire/member-block.ts";
import {
  JAVA,
  JavaArray,
  javaObject,
  ObjectInputStream,
  ObjectOutputStream,
  SuidTable,
  TOMCAT,
} from "../../../../src/serialization/index.ts";
import { defineClass } from "../../../../src/serialization/known-classes.ts";
import { messageOfVector, tribesVector } from "../../../support/tribes-vectors.ts";

function read(body: Buffer) {
  return new ObjectInputStream(body).readObject();
}

function write(value: ReturnType<typeof memberMessageToJava>): Buffer {
  const stream = new ObjectOutputStream();
  stream.writeObject(value);
  return stream.toBuffer();
}

describe("messages between configured members", () => {
  for (const [name, kind] of [
    ["membermessage-start", "Start"],
    ["membermessage-stop", "Stop"],
    ["membermessage-ping", "Ping"],
  ] as const) {
    it(`are read as a Tomcat writes them, and written the same: ${name}`, () => {
      const { bytes } = tribesVector(name);
      const message = memberMessageFromJava(read(bytes));
      assert.deepEqual([message.kind, message.membershipId], [kind, "Catalina-Channel-StaticMembership"]);
      assert.equal(message.member.name, "tcp://10.9.8.7:4100");
      assert.deepEqual(write(memberMessageToJava(message)), bytes);
    });
  }

  it("are written as a running Tomcat 10.1.60 asks, answers and says good-bye", () => {
    for (const kind of ["request", "reply"]) {
      for (const type of [1, 3]) {
        const { body } = messageOfVector(`capture-rpc-${kind}-membermessage-${type}`);
        const rpc = decodeRpcMessage(read(body));
        const message = memberMessageToJava(memberMessageFromJava(rpc.message));
        assert.deepEqual(encodeRpcMessage({ ...rpc, message }, new SuidTable()), body);
      }
    }
    const { body } = messageOfVector("capture-membermessage-2");
    const goodbye = memberMessageFromJava(read(body));
    assert.equal(goodbye.member.command.toString(), "BABY-ALEX");
    assert.deepEqual(write(memberMessageToJava(goodbye)), body);
  });

  it("of an unknown type, and what is none, are refused", () => {
    const good = memberMessageToJava({ kind: "Ping", member: createMember({ address: "10.0.0.1", port: 4000 }), membershipId: "x" });
    const odd = javaObject(TOMCAT.memberMessage, {
      msgtype: 4,
      member: good.field("member") as never,
      membershipId: new JavaArray(JAVA.byteArray, Buffer.from("x")),
    });
    assert.throws(() => memberMessageFromJava(odd), { code: "MALFORMED_MESSAGE", message: "There is no MemberMessage of type 4" });
    const stranger = defineClass(TOMCAT.memberMessage.name, 1n, 2, { msgtype: "I" });
    assert.throws(() => memberMessageFromJava(javaObject(stranger, { msgtype: 1 })), { message: "A MemberMessage has no member" });
    for (const value of ["text", null]) assert.throws(() => memberMessageFromJava(value), { code: "MALFORMED_MESSAGE" });
  });
});
