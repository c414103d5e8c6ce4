import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  decodeSessionStates,
  encodeSessionStates,
  readSessionState,
  type SessionState,
  writeSessionState,
} from "../../../../src/replication/session/session-state.ts";
import {
  AnnotationInput,
  AnnotationOutput,
  JavaObject,
  javaBoolean,
  javaInteger,
  javaLong,
  javaObject,
  ObjectInputStream,
  ObjectOutputStream,
  TOMCAT,
  toJava,
  toJavaScript,
} from "../../../../src/serialization/index.ts";
import { tribesVector } from "../../../support/tribes-vectors.ts";

const FIRST: SessionState = {
  id: "0123456789ABCDEF0123456789ABCDEF.node1",
  creationTime: 1_700_000_000_000,
  lastAccessedTime: 1_700_000_001_000,
  thisAccessedTime: 1_700_000_002_000,
  maxInactiveInterval: 1800,
  isNew: false,
  isValid: true,
  version: 0,
  principal: null,
  expectedSessionId: null,
  savedRequest: null,
  attributes: [
    ["count", toJava(3)],
    ["list", toJava(["a", 1, true])],
    ["user", "alice"],
  ],
  listeners: [],
};
const SECOND: SessionState = {
  ...FIRST,
  id: "FEDCBA9876543210FEDCBA9876543210.node2",
  creationTime: 1_700_000_000_005,
  lastAccessedTime: 1_700_000_001_005,
  thisAccessedTime: 1_700_000_002_005,
  attributes: [],
};

describe("session state", () => {
  it("is written as Tomcat writes two sessions", () => {
    assert.deepEqual(encodeSessionStates([FIRST, SECOND]), tribesVector("allsessions-payload").bytes);
  });

  it("is read as Tomcat wrote two sessions", () => {
    const states = decodeSessionStates(tribesVector("allsessions-payload").bytes);
    const plain = states.map((state) => ({ ...state, attributes: state.attributes.map(([name, value]) => [name, toJavaScript(value)]) }));
    assert.deepEqual(plain, [
      {
        ...FIRST,
        attributes: [
          ["count", 3],
          ["list", ["a", 1, true]],
          ["user", "alice"],
        ],
      },
      SECOND,
    ]);
  });

  it("is written and read without sessions", () => {
    assert.deepEqual(encodeSessionStates([]), tribesVector("allsessions-empty").bytes);
    assert.deepEqual(decodeSessionStates(tribesVector("allsessions-empty").bytes), []);
  });

  it("of a running Tomcat is read", () => {
    const { expected } = tribesVector("capture-session-12");
    const data = Buffer.from((expected.object as { mSessionHex: string }).mSessionHex, "hex");
    const [state, ...more] = decodeSessionStates(data);
    assert.deepEqual(more, []);
    assert.equal(state?.id, "FE1034ABB3A198740040561468D09CD5.nodeA");
    assert.deepEqual(state.attributes, [["color", "red"]]);
    assert.deepEqual(encodeSessionStates([state]), data);
  });

  it("is the custom data of a DeltaSession object", () => {
    const { bytes } = tribesVector("deltasession-object");
    const object = new ObjectInputStream(bytes).readObject();
    assert.ok(object instanceof JavaObject);
    const state = readSessionState(new AnnotationInput(object.annotation()));
    assert.equal(state.id, FIRST.id);
    assert.deepEqual(state.attributes, [["user", "alice"]]);
    const annotation = new AnnotationOutput();
    writeSessionState(annotation, state);
    const output = new ObjectOutputStream();
    output.writeObject(javaObject(TOMCAT.deltaSession, {}, annotation.toItems()));
    assert.deepEqual(output.toBuffer(), bytes);
  });

  it("carries version, principal, notes and listeners", () => {
    const principal = new ObjectInputStream(tribesVector("principal").bytes).readObject();
    const listener = new ObjectInputStream(tribesVector("sso-listener").bytes).readObject();
    const state: SessionState = {
      ...FIRST,
      version: 12,
      isNew: true,
      principal,
      expectedSessionId: FIRST.id,
      savedRequest: javaObject(TOMCAT.serializablePrincipal, { name: "stands for a saved request" }),
      listeners: [listener],
    };
    const [back] = decodeSessionStates(encodeSessionStates([state]));
    assert.ok(back);
    assert.equal(back.version, 12);
    assert.equal(back.isNew, true);
    assert.equal((back.principal as JavaObject).string("name"), "alice");
    assert.equal(back.expectedSessionId, FIRST.id);
    assert.equal((back.savedRequest as JavaObject).string("name"), "stands for a saved request");
    assert.equal((back.listeners[0] as JavaObject).string("ssoId"), "SSOID");
  });

  it("of a Tomcat before 9.0.66 has no notes behind the id", () => {
    const output = new ObjectOutputStream();
    output.writeObject(javaInteger(1));
    for (const value of [javaLong(1), javaLong(2), javaInteger(60), javaBoolean(false), javaBoolean(true), javaLong(3), javaLong(0)]) {
      output.writeObject(value);
    }
    output.writeBoolean(false);
    for (const value of ["OLD.a", javaInteger(1), "name", "value", javaInteger(0)]) output.writeObject(value);
    const [state] = decodeSessionStates(output.toBuffer());
    assert.equal(state?.expectedSessionId, null);
    assert.deepEqual(state.attributes, [["name", "value"]]);
  });

  it("leaves out an attribute that its sender failed to write", () => {
    const whole = encodeSessionStates([
      {
        ...FIRST,
        attributes: [
          ["lost", "@@"],
          ["kept", "value"],
        ],
      },
    ]);
    // An exception marker in place of the value: an exception object, a string here, between two resets.
    const at = whole.indexOf(Buffer.from(`740002${Buffer.from("@@").toString("hex")}`, "hex"));
    const aborted = Buffer.concat([
      whole.subarray(0, at),
      Buffer.from(`7b740001${Buffer.from("!").toString("hex")}`, "hex"),
      // Handles start anew behind the exception, so what follows is written in full.
      Buffer.from(`740004${Buffer.from("kept").toString("hex")}740005${Buffer.from("value").toString("hex")}`, "hex"),
      encodeInteger(0),
    ]);
    const [state] = decodeSessionStates(aborted);
    assert.deepEqual(state?.attributes, [["kept", "value"]]);
  });

  it("is refused when it is cut anywhere, or announces more sessions than it can hold", () => {
    const { bytes } = tribesVector("allsessions-payload");
    for (let length = 0; length < bytes.length; length++) assert.throws(() => decodeSessionStates(bytes.subarray(0, length)));
    const many = new ObjectOutputStream();
    many.writeObject(javaInteger(2_000_000_000));
    assert.throws(() => decodeSessionStates(many.toBuffer()), { code: "UNEXPECTED_SHAPE" });
  });
});

function encodeInteger(value: number): Buffer {
  const output = new ObjectOutputStream();
  output.writeObject(javaInteger(value));
  return output.toBuffer().subarray(4);
}
