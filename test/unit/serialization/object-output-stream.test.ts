import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AnnotationOutput,
  defineClass,
  JAVA,
  JavaArray,
  type JavaObject,
  type JavaValue,
  javaArrayList,
  javaBoolean,
  javaByteArray,
  javaInteger,
  javaLong,
  javaObject,
  javaStringArray,
  ObjectInputStream,
  ObjectOutputStream,
  StreamLimitError,
  SuidTable,
  TOMCAT,
  toJava,
  UnexpectedShapeError,
  UnsupportedValueError,
  WriteAbortedError,
} from "../../../src/serialization/index.ts";
import { javaStream } from "../../support/java-values.ts";
import { tribesVector } from "../../support/tribes-vectors.ts";

const SESSION_ID = "0123456789ABCDEF0123456789ABCDEF.node1";

function bytesOf(value: JavaValue): Buffer {
  const stream = new ObjectOutputStream();
  stream.writeObject(value);
  return stream.toBuffer();
}

function rejectionOf(read: () => unknown): WriteAbortedError {
  try {
    read();
  } catch (error) {
    if (error instanceof WriteAbortedError) return error;
    throw error;
  }
  throw new Error("It can be read");
}

describe("ObjectOutputStream", () => {
  it("writes a reset as Java does: what came before is written again", () => {
    const output = new ObjectOutputStream();
    output.writeObject("first");
    output.writeReset();
    output.writeObject("first");
    output.writeObject("first");
    assert.deepEqual(output.toBuffer(), javaStream("stream-reset"));
  });

  it("writes an exception in place of an object as Java does, with handles of its own", () => {
    const input = new ObjectInputStream(javaStream("stream-aborted"));
    const output = new ObjectOutputStream();
    output.writeObject(input.readObject());
    const begin = output.toBuffer().length;
    const aborted = rejectionOf(() => input.readObject());
    output.writeException(aborted.exception as JavaObject);
    output.writeInt(input.readInt());
    output.writeObject(input.readObject());
    // Java's stream holds what it had written of the object before it failed.
    const behind = output.toBuffer().subarray(begin);
    assert.deepEqual(behind, javaStream("stream-aborted").subarray(-behind.length));
    const again = new ObjectInputStream(output.toBuffer());
    again.readObject();
    assert.match(rejectionOf(() => again.readObject()).message, /NotSerializableException/);
    assert.equal(again.readInt(), 7);
  });

  it("writes primitives, objects and records of 1024 bytes as Java does", () => {
    const output = new ObjectOutputStream();
    output.writeBoolean(true);
    output.writeByte(-2);
    output.writeShort(-3);
    output.writeInt(-4);
    output.writeLong(-(2n ** 63n));
    output.writeLong(1700000000000);
    output.writeFloat(1.5);
    output.writeDouble(-0.25);
    output.writeUTF("h\u00e9");
    output.writeObject("between");
    output.writeBytes(Buffer.alloc(1021));
    output.writeInt(0x01020304);
    output.writeUTF("over the edge");
    assert.deepEqual(output.toBuffer(), javaStream("stream-primitives"));
  });

  it("writes what it read of a stream of Java as the same bytes", () => {
    for (const name of ["stream-primitives", "stream-unshared"]) {
      const input = new ObjectInputStream(javaStream(name));
      const output = new ObjectOutputStream();
      while (!input.atEnd) {
        if (input.objectFollows) output.writeObject(input.readObject());
        else output.writeByte(input.readByte());
      }
      assert.deepEqual(output.toBuffer(), javaStream(name));
    }
  });

  it("makes the session message of a real Tomcat, byte for byte, from values", () => {
    const delta = new ObjectOutputStream();
    delta.writeUTF(SESSION_ID);
    delta.writeBoolean(false);
    const actions: readonly (readonly [string, JavaValue])[] = [
      ["str", "value"],
      ["int", toJava(42)],
      ["bool", toJava(true)],
      ["gone", null],
      ["list", toJava(["a", 1, true])],
      [
        "map",
        toJava(
          new Map<string, unknown>([
            ["k", "v"],
            ["n", 7],
          ]),
        ),
      ],
    ];
    delta.writeInt(actions.length);
    for (const [name, value] of actions) {
      delta.writeInt(0);
      delta.writeInt(value === null ? 1 : 0);
      delta.writeUTF(name);
      delta.writeBoolean(value !== null);
      if (value !== null) delta.writeObject(value);
    }
    const message = javaObject(TOMCAT.sessionMessage, {
      mEvtType: 13,
      serializationTimestamp: 1700000000000,
      timestampSet: true,
      mContextName: "localhost#/app",
      mSession: javaByteArray(delta.toBuffer()),
      mSessionID: SESSION_ID,
      uniqueId: `${SESSION_ID}-1700000000000`,
    });
    for (let again = 0; again < 2; again++) assert.deepEqual(bytesOf(message), tribesVector("session-delta").bytes);
  });

  it("makes an RPC message of a real Tomcat from its external form", () => {
    const form = new AnnotationOutput();
    form.writeBoolean(false);
    form.writeInt(16);
    form.writeBytes(Buffer.from("aaaaaaaaaaaa4aaa8aaaaaaaaaaaaaaa", "hex"));
    form.writeInt(8);
    form.writeBytes(Buffer.from("test-rpc"));
    form.writeObject("ask");
    assert.deepEqual(bytesOf(javaObject(TOMCAT.rpcMessage, {}, form.toItems())), tribesVector("rpc-request").bytes);
  });

  it("makes a principal of a real Tomcat", () => {
    const principal = javaObject(TOMCAT.serializablePrincipal, { name: "alice", roles: javaStringArray(["admin", "user"]) });
    assert.deepEqual(bytesOf(principal), tribesVector("principal").bytes);
  });

  it("makes session state of a real Tomcat, where small boxed numbers are one object", () => {
    const output = new ObjectOutputStream();
    const session = (created: number, id: string, attributes: Readonly<Record<string, unknown>>) => {
      for (const time of [created, created + 1000]) output.writeObject(javaLong(time));
      output.writeObject(timeout);
      output.writeObject(javaBoolean(false));
      output.writeObject(javaBoolean(true));
      output.writeObject(javaLong(created + 2000));
      output.writeObject(javaLong(0));
      output.writeBoolean(false);
      for (const value of [id, null, null, javaInteger(Object.keys(attributes).length)]) output.writeObject(value);
      for (const [name, value] of Object.entries(attributes)) {
        output.writeObject(name);
        output.writeObject(toJava(value));
      }
      output.writeObject(javaInteger(0));
    };
    const timeout = javaInteger(1800);
    output.writeObject(javaInteger(2));
    session(1700000000000, SESSION_ID, { count: 3, list: ["a", 1, true], user: "alice" });
    const first = output.toBuffer();
    const expected = tribesVector("allsessions-payload").bytes;
    assert.deepEqual(first, expected.subarray(0, first.length));
  });

  it("writes one handle for a node and for equal strings, and a new object for a new node", () => {
    const large = javaInteger(1000);
    const handles = (value: JavaValue) =>
      [
        ...bytesOf(value)
          .toString("hex")
          .matchAll(/71007e00../g),
      ].map(([reference]) => reference.slice(-2));
    const once = handles(javaArrayList([large, large, "s", "s"]));
    assert.deepEqual(once, ["04", "05"]);
    assert.deepEqual(handles(javaArrayList([javaInteger(1000), javaInteger(1000)])), ["02"], "the class only");
    assert.equal(javaInteger(127), javaInteger(127));
    assert.equal(javaLong(-128), javaLong(-128));
  });

  it("writes a type string as reference when the stream holds it already", () => {
    const one = defineClass("One", 1n, 2, { a: "Ljava/lang/Shared;" });
    const two = defineClass("Two", 1n, 2, { b: "Ljava/lang/Shared;" });
    for (const order of [
      [one, two],
      [two, one],
      [one, two],
    ]) {
      const bytes = bytesOf(javaArrayList(order.map((descriptor) => javaObject(descriptor))));
      assert.equal(bytes.toString("latin1").split("Ljava/lang/Shared;").length, 2);
      assert.deepEqual(bytesOf(new ObjectInputStream(bytes).readObject()), bytes);
    }
  });

  it("writes SUIDs of the table in place of its own", () => {
    const suids = new SuidTable({ [TOMCAT.byteMessage.name]: 0x0102030405060708n });
    const output = new ObjectOutputStream({ suids });
    output.writeObject(javaObject(TOMCAT.byteMessage, {}, []));
    const back = new ObjectInputStream(output.toBuffer()).readObject() as JavaObject;
    assert.equal(back.descriptor.suid, 0x0102030405060708n);
    assert.equal(new SuidTable().get(TOMCAT.byteMessage.name), undefined);
  });

  it("writes strings of more than 65535 bytes as long strings", () => {
    for (const text of ["x".repeat(65_535), "x".repeat(65_536), "\u00e9".repeat(40_000)]) {
      const bytes = bytesOf(text);
      const length = Buffer.byteLength(text);
      const head = length > 65_535 ? `7c${length.toString(16).padStart(16, "0")}` : `74${length.toString(16).padStart(4, "0")}`;
      assert.deepEqual(bytes.subarray(4), Buffer.concat([Buffer.from(head, "hex"), Buffer.from(text)]));
      assert.equal(new ObjectInputStream(bytes).readObject(), text);
    }
  });

  it("writes a long string once, and refers to it like to any other", () => {
    const long = "x".repeat(70_000);
    const bytes = bytesOf(javaArrayList([long, "a", long, "a"]));
    assert.ok(bytes.toString("hex").endsWith("7400016171007e000271007e000378"));
    assert.deepEqual(bytesOf(new ObjectInputStream(bytes).readObject()), bytes);
  });

  it("can be read off in between, and written on", () => {
    const output = new ObjectOutputStream();
    output.writeObject("a");
    const first = output.toBuffer();
    output.writeObject("a");
    assert.equal(output.toBuffer().toString("hex"), `${first.toString("hex")}71007e0000`);
  });

  it("refuses text of more than 65535 bytes in writeUTF", () => {
    assert.throws(() => new ObjectOutputStream().writeUTF("x".repeat(65_536)), UnsupportedValueError);
  });

  it("refuses graphs that are too deep, however they came about", () => {
    let list = javaArrayList([]);
    for (let level = 0; level < 100_000; level++) list = javaArrayList([list]);
    assert.throws(() => bytesOf(list), StreamLimitError);
    let array = new JavaArray(JAVA.objectArray, [null]);
    for (let level = 0; level < 999; level++) array = new JavaArray(JAVA.objectArray, [array]);
    assert.deepEqual(bytesOf(new ObjectInputStream(bytesOf(array)).readObject()), bytesOf(array), "1000 levels are not too deep");
  });

  it("refuses an object with a field that its class lacks", () => {
    assert.throws(() => javaObject(JAVA.integer, { valu: 1 }), UnexpectedShapeError);
    assert.throws(() => javaInteger(2 ** 31), UnsupportedValueError);
    assert.throws(() => javaInteger(1.5), UnsupportedValueError);
    assert.throws(() => javaLong(1.5), UnsupportedValueError);
    assert.throws(() => javaLong(2n ** 63n), UnsupportedValueError);
  });
});
