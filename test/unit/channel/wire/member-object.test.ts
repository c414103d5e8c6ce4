import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { memberFromJava, memberToJava } from "../../../../src/channel/wire/member-object.ts";
import { JavaObject, ObjectInputStream, ObjectOutputStream, TOMCAT } from "../../../../src/serialization/index.ts";
import { tribesVector } from "../../../support/tribes-vectors.ts";

describe("a member as a Java object", () => {
  for (const name of ["member-java-object", "member-java-object-90", "staticmember-java-object"]) {
    it(`is read, and written with the class that it came with: ${name}`, () => {
      const { bytes } = tribesVector(name);
      const object = new ObjectInputStream(bytes).readObject() as JavaObject;
      const member = memberFromJava(object);
      const stream = new ObjectOutputStream();
      stream.writeObject(memberToJava(member, object.descriptor));
      assert.deepEqual(stream.toBuffer(), bytes);
    });
  }

  it("is refused when it is none, or its block is cut", () => {
    for (const value of [null, "10.1.2.3", new JavaObject(TOMCAT.byteMessage, [], [[]])]) {
      assert.throws(() => memberFromJava(value), { code: "MALFORMED_MESSAGE" });
    }
    assert.throws(() => memberFromJava(new JavaObject(TOMCAT.memberImpl, [], [[Buffer.from([0, 0, 0, 9, 1])]])), {
      code: "UNEXPECTED_SHAPE",
    });
  });
});
