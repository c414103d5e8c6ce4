import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  DELTA_TYPES,
  DeltaRequest,
  decodeDelta,
  MAX_INTERVAL_NAME,
  PRINCIPAL_NAME,
} from "../../../../src/replication/session/delta-request.ts";
import { javaBoolean, javaInteger, ObjectOutputStream, toJava, toJavaScript } from "../../../../src/serialization/index.ts";
import { tribesVector } from "../../../support/tribes-vectors.ts";

const ID = "0123456789ABCDEF0123456789ABCDEF.node1";
const MAP = new Map<string, unknown>([
  ["k", "v"],
  ["n", 7],
]);
const { Attribute, AuthType, IsNew, MaxInterval, Note } = DELTA_TYPES;

describe("DeltaRequest", () => {
  for (const name of ["deltarequest-attributes", "deltarequest-all-types", "deltarequest-collapsed", "deltarequest-empty"]) {
    it(`reads and writes ${name} as Tomcat wrote it`, () => {
      const { bytes } = tribesVector(name);
      const decoded = decodeDelta(bytes);
      const again = new DeltaRequest(decoded.recordAllActions);
      for (const action of decoded.actions) again.add(action);
      assert.deepEqual(again.encode(decoded.sessionId), bytes);
    });
  }

  it("writes attributes set in JavaScript as Tomcat writes the same values", () => {
    const record = new DeltaRequest();
    record.set(Attribute, "str", toJava("value"));
    record.set(Attribute, "int", toJava(42));
    record.set(Attribute, "bool", toJava(true));
    record.remove(Attribute, "gone");
    record.set(Attribute, "list", toJava(["a", 1, true]));
    record.set(Attribute, "map", toJava(MAP));
    assert.deepEqual(record.encode(ID), tribesVector("deltarequest-attributes").bytes);
  });

  it("reads the values and removals of a Tomcat", () => {
    const { sessionId, recordAllActions, actions } = decodeDelta(tribesVector("deltarequest-attributes").bytes);
    assert.equal(sessionId, ID);
    assert.equal(recordAllActions, false);
    assert.deepEqual(
      actions.map(({ remove, name, value }) => [remove ? "remove" : "set", name, value === undefined ? undefined : toJavaScript(value)]),
      [
        ["set", "str", "value"],
        ["set", "int", 42],
        ["set", "bool", true],
        ["remove", "gone", undefined],
        ["set", "list", ["a", 1, true]],
        ["set", "map", MAP],
      ],
    );
  });

  it("reads every type of action in order", () => {
    const { actions, recordAllActions } = decodeDelta(tribesVector("deltarequest-all-types").bytes);
    assert.equal(recordAllActions, true);
    assert.deepEqual(
      actions.map(({ type, remove, name }) => `${type}/${remove ? 1 : 0} ${name}`),
      [
        "0/0 x",
        "0/0 x",
        "0/1 x",
        `3/0 ${MAX_INTERVAL_NAME}`,
        "2/0 __SET__ISNEW__",
        "4/0 __SET__AUTHTYPE__",
        "6/0 note.name",
        `1/0 ${PRINCIPAL_NAME}`,
        `1/1 ${PRINCIPAL_NAME}`,
        "4/1 __SET__AUTHTYPE__",
      ],
    );
  });

  it("drops an earlier action of the same name whatever its type, and puts the new one at the end", () => {
    const record = new DeltaRequest();
    record.set(Attribute, "x", "1");
    record.set(Attribute, "y", "9");
    record.set(Attribute, "x", "2");
    record.set(Note, "y", "a note");
    assert.deepEqual(record.encode(ID), tribesVector("deltarequest-collapsed").bytes);
    assert.equal(record.size, 2);
  });

  it("keeps every action in order when it records all of them", () => {
    const record = new DeltaRequest(true);
    record.set(Attribute, "x", "1");
    record.set(Attribute, "x", "2");
    record.remove(Attribute, "x");
    record.set(MaxInterval, MAX_INTERVAL_NAME, javaInteger(600));
    record.set(IsNew, "__SET__ISNEW__", javaBoolean(false));
    record.set(AuthType, "__SET__AUTHTYPE__", "BASIC");
    record.set(Note, "note.name", "note value");
    const decoded = decodeDelta(tribesVector("deltarequest-all-types").bytes);
    record.add(decoded.actions[7]!);
    record.remove(DELTA_TYPES.Principal, PRINCIPAL_NAME);
    record.remove(AuthType, "__SET__AUTHTYPE__");
    assert.deepEqual(record.encode(ID), tribesVector("deltarequest-all-types").bytes);
  });

  it("is empty after clear, in both modes", () => {
    for (const all of [false, true]) {
      const record = new DeltaRequest(all);
      record.set(Attribute, "x", "1");
      record.clear();
      assert.equal(record.size, 0);
      assert.equal(record.has("x"), false);
      assert.deepEqual([...record.actions], []);
    }
  });

  it("carries types that a later Tomcat invents", () => {
    const record = new DeltaRequest();
    record.set(42, "later", "value");
    assert.deepEqual(decodeDelta(record.encode(ID)).actions, [{ type: 42, remove: false, name: "later", value: "value" }]);
  });

  it("refuses a count that the bytes cannot hold", () => {
    const output = new ObjectOutputStream();
    output.writeUTF(ID);
    output.writeBoolean(false);
    output.writeInt(1_000_000);
    assert.throws(() => decodeDelta(output.toBuffer()), { code: "INVALID_SESSION_MESSAGE" });
  });

  it("refuses data that ends anywhere too early", () => {
    const { bytes } = tribesVector("deltarequest-all-types");
    for (let length = 0; length < bytes.length; length++) assert.throws(() => decodeDelta(bytes.subarray(0, length)));
  });
});
