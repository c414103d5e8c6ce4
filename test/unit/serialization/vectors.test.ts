import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AnnotationInput,
  expectBoolean,
  expectNumber,
  expectString,
  type JavaArray,
  type JavaEnum,
  JavaObject,
  type JavaValue,
  MalformedStreamError,
  type ObjectInput,
  ObjectInputStream,
  ObjectOutputStream,
  peekClassName,
  toJavaScript,
  unboxNumber,
} from "../../../src/serialization/index.ts";
import { type TribesVector, tribesVector, tribesVectors } from "../../support/tribes-vectors.ts";

const FRAME_HEAD_BYTES = 11;
const MAGIC = Buffer.from("aced0005", "hex");
type Expected = Readonly<Record<string, unknown>>;

/** The Java object stream in a vector: the vector itself, or the message of its frame (tribes.md 1, 2); undefined: none. */
function javaStreamOf(name: string): Buffer | undefined {
  const { bytes } = tribesVector(name);
  if (isStream(bytes)) return bytes;
  if (bytes.toString("latin1", 0, 7) !== "FLT2002") return undefined;
  const body = bytes.subarray(FRAME_HEAD_BYTES, FRAME_HEAD_BYTES + bytes.readInt32BE(7));
  if (body.length < 40) return undefined;
  const uniqueIdLength = body.readInt32BE(12);
  const addressLength = body.readInt32BE(16 + uniqueIdLength);
  const message = body.subarray(24 + uniqueIdLength + addressLength);
  return isStream(message) ? message : undefined;
}

function isStream(bytes: Buffer): boolean {
  return bytes.subarray(0, MAGIC.length).equals(MAGIC);
}

interface DeltaAction {
  readonly type: number;
  readonly action: number;
  readonly name: string;
  readonly value: JavaValue;
}

/** ha.md 4.1 */
function readDeltaRequest(input: ObjectInput) {
  const sessionId = input.readUTF();
  const recordAllActions = input.readBoolean();
  const count = input.readInt();
  const actions: DeltaAction[] = [];
  for (let index = 0; index < count; index++) {
    const type = input.readInt();
    const action = input.readInt();
    const name = input.readUTF();
    actions.push({ type, action, name, value: input.readBoolean() ? input.readObject() : null });
  }
  return { sessionId, recordAllActions, actions };
}

/** ha.md 5, one session. */
function readSession(input: ObjectInput) {
  const creationTime = expectNumber(input.readObject());
  const lastAccessedTime = expectNumber(input.readObject());
  const maxInactiveInterval = expectNumber(input.readObject());
  const isNew = expectBoolean(input.readObject());
  const isValid = expectBoolean(input.readObject());
  const thisAccessedTime = expectNumber(input.readObject());
  const version = expectNumber(input.readObject());
  const principal = input.readBoolean() ? input.readObject() : null;
  const id = expectString(input.readObject());
  let next = input.readObject();
  if (unboxNumber(next) === undefined) {
    input.readObject();
    next = input.readObject();
  }
  const attributes: Record<string, unknown> = {};
  for (let left = expectNumber(next); left > 0; left--) attributes[expectString(input.readObject())] = toJavaScript(input.readObject());
  const listeners: JavaValue[] = [];
  for (let left = expectNumber(input.readObject()); left > 0; left--) listeners.push(input.readObject());
  const times = { creationTime, lastAccessedTime, thisAccessedTime, maxInactiveInterval };
  return { id, ...times, isNew, isValid, version, principal, attributes };
}

function readSessions(input: ObjectInput) {
  return Array.from({ length: expectNumber(input.readObject()) }, () => readSession(input));
}

function readIdChange(input: ObjectInput) {
  return { newId: input.readUTF() };
}

/** External forms that are written straight into a stream, and how they are read. */
const EXTERNAL_FORMS: readonly (readonly [string, (input: ObjectInput) => unknown])[] = [
  ["deltarequest-", readDeltaRequest],
  ["allsessions-", readSessions],
  ["session-id-payload", readIdChange],
];

function readerFor(name: string): (input: ObjectInput) => unknown {
  return EXTERNAL_FORMS.find(([prefix]) => name.startsWith(prefix))?.[1] ?? ((input) => input.readObject());
}

function object(name: string): JavaObject {
  const value = new ObjectInputStream(javaStreamOf(name)!).readObject();
  assert.ok(value instanceof JavaObject);
  return value;
}

const WITH_STREAM: readonly TribesVector[] = tribesVectors.filter((vector) => javaStreamOf(vector.name) !== undefined);

/** Streams in byte arrays of a stream: a length and the header. */
function streamsInside(bytes: Buffer): Buffer[] {
  const inside: Buffer[] = [];
  for (let at = bytes.indexOf(MAGIC, 4); at !== -1; at = bytes.indexOf(MAGIC, at + 4)) {
    inside.push(bytes.subarray(at, at + bytes.readInt32BE(at - 4)));
  }
  return inside;
}

function writtenAgain(bytes: Buffer): Buffer {
  const input = new ObjectInputStream(bytes);
  const output = new ObjectOutputStream();
  while (!input.atEnd) {
    if (input.objectFollows) output.writeObject(input.readObject());
    else output.writeByte(input.readUnsignedByte());
  }
  return output.toBuffer();
}

describe("every Java object of the recorded vectors", () => {
  it("is found in 75 of the 107 vectors, the others hold none; 28 more stand in byte arrays of these", () => {
    assert.equal(tribesVectors.length, 107);
    assert.equal(WITH_STREAM.length, 75);
    const others = tribesVectors.filter((vector) => !WITH_STREAM.includes(vector));
    assert.ok(others.every(({ name }) => !tribesVector(name).bytes.includes(MAGIC)));
    assert.equal(WITH_STREAM.flatMap(({ name }) => streamsInside(javaStreamOf(name)!)).length, 28);
  });

  for (const { name } of WITH_STREAM) {
    const bytes = javaStreamOf(name)!;
    it(`${name} is written again as the same bytes`, () => {
      assert.deepEqual(writtenAgain(bytes), bytes);
      for (const inside of streamsInside(bytes)) assert.deepEqual(writtenAgain(inside), inside);
    });

    it(`${name} cut at any byte gives an error`, () => {
      const read = readerFor(name);
      const input = new ObjectInputStream(bytes);
      read(input);
      assert.equal(input.atEnd, true);
      for (let length = 0; length < bytes.length; length++) {
        assert.throws(() => read(new ObjectInputStream(bytes.subarray(0, length))), MalformedStreamError, `cut at ${length}`);
      }
    });
  }
});

describe("values of the recorded vectors", () => {
  for (const vector of WITH_STREAM.filter((candidate) => candidate.expected.mEvtType !== undefined)) {
    it(`${vector.name} is the session message that was sent`, () => {
      const { expected } = vector;
      const message = object(vector.name);
      assert.equal(peekClassName(javaStreamOf(vector.name)!), message.className);
      assert.deepEqual(
        {
          mEvtType: message.number("mEvtType"),
          mContextName: message.string("mContextName"),
          mSessionID: message.string("mSessionID"),
          uniqueId: message.string("uniqueId"),
          serializationTimestamp: message.number("serializationTimestamp"),
          timestampSet: message.boolean("timestampSet"),
          mSessionLength: message.bytes("mSession")?.length ?? null,
        },
        pick(expected, ["mEvtType", "mContextName", "mSessionID", "uniqueId", "serializationTimestamp", "timestampSet", "mSessionLength"]),
      );
      assert.equal(message.number("timestamp"), 0);
      if (typeof expected.mSession === "string") assert.deepEqual(message.bytes("mSession"), tribesVector(expected.mSession).bytes);
      if (expected.newId !== undefined) assert.equal(new ObjectInputStream(message.bytes("mSession")!).readUTF(), expected.newId);
    });
  }

  for (const vector of WITH_STREAM.filter((candidate) => isRecord(candidate.expected.object))) {
    it(`${vector.name} is the object that was captured`, () => assertCaptured(object(vector.name), vector.expected.object as Expected));
  }

  it("deltarequest-attributes holds the actions in their order", () => {
    const { expected } = tribesVector("deltarequest-attributes");
    const { sessionId, recordAllActions, actions } = readDeltaRequest(new ObjectInputStream(javaStreamOf("deltarequest-attributes")!));
    const values = actions.map(({ value, ...action }) => {
      const plain = toJavaScript(value);
      return { ...action, value: plain instanceof Map ? Object.fromEntries(plain) : plain };
    });
    assert.deepEqual({ sessionId, recordAllActions, actions: values }, expected);
  });

  for (const [name, list] of [
    ["deltarequest-all-types", "actionsInOrder"],
    ["deltarequest-collapsed", "actions"],
    ["deltarequest-empty", "actions"],
  ] as const) {
    it(`${name} holds the actions in their order`, () => {
      const { actions } = readDeltaRequest(new ObjectInputStream(javaStreamOf(name)!));
      assert.deepEqual(actions.map(describeAction), tribesVector(name).expected[list]);
    });
  }

  it("allsessions-payload holds both sessions", () => {
    const sessions = readSessions(new ObjectInputStream(javaStreamOf("allsessions-payload")!));
    const expected = tribesVector("allsessions-payload").expected.sessions as Expected[];
    assert.equal(sessions.length, 2);
    sessions.forEach((session, index) => {
      assert.deepEqual(pick(session, Object.keys(expected[index]!)), expected[index]);
    });
    assert.deepEqual(readSessions(new ObjectInputStream(javaStreamOf("allsessions-empty")!)), []);
  });

  it("deltasession-object holds the session as custom data", () => {
    const { class: className, suid, ...session } = tribesVector("deltasession-object").expected;
    const node = object("deltasession-object");
    assert.equal(node.className, className);
    assert.equal(String(node.descriptor.suid), suid);
    const input = new AnnotationInput(node.annotation());
    assert.deepEqual(pick(readSession(input), Object.keys(session)), session);
    assert.equal(input.atEnd, true);
  });

  for (const name of ["rpc-request", "rpc-reply", "rpc-reply-null"]) {
    it(`${name} holds the RPC message (tribes.md 13)`, () => {
      const { expected } = tribesVector(name);
      const { message, ...rest } = readRpc(object(name));
      assert.deepEqual(pick({ ...rest, message }, Object.keys(expected)), expected);
    });
  }

  it("rpc-norpcchannel holds call and channel", () => {
    const input = new AnnotationInput(object("rpc-norpcchannel").annotation());
    const uuid = input.readBytes(input.readInt()).toString("hex");
    const rpcId = input.readBytes(input.readInt()).toString("latin1");
    assert.deepEqual({ uuid, rpcId }, tribesVector("rpc-norpcchannel").expected);
  });

  for (const vector of WITH_STREAM.filter((candidate) => /^map-/.test(candidate.name))) {
    it(`${vector.name} is the map message that was sent (tribes.md 14.1)`, () => {
      const node = object(vector.name);
      const { mapId, msgtype, diff, key, value, diffvalue, primary, nodes } = vector.expected;
      assert.equal(node.bytes("mapId")?.toString("latin1"), mapId);
      assert.equal(node.number("msgtype"), msgtype);
      assert.equal(node.boolean("diff"), diff);
      assert.deepEqual(inner(node.bytes("keydata")), key);
      assert.deepEqual(inner(node.bytes("valuedata")), value);
      assert.equal(node.bytes("diffvalue")?.toString("hex") ?? null, diffvalue);
      assert.equal(memberName(node.field("primary") as JavaValue), primary);
      const members = node.field("nodes") as JavaArray | null;
      assert.deepEqual(members?.elements.map(memberName) ?? null, nodes);
    });
  }

  for (const name of ["membermessage-start", "membermessage-stop", "membermessage-ping"]) {
    it(`${name} is the member message that was sent`, () => {
      const node = object(name);
      const { msgtype, membershipId, member } = tribesVector(name).expected;
      assert.equal(node.number("msgtype"), msgtype);
      assert.equal(node.bytes("membershipId")?.toString("latin1"), membershipId);
      assert.equal(`StaticMember ${memberName(node.field("member") as JavaValue)}`, member);
    });
  }

  it("principal holds name and roles", () => {
    const node = object("principal");
    const roles = (node.field("roles") as JavaArray).elements;
    const { name, principal, attributes } = Object.fromEntries(
      ["name", "principal", "attributes"].map((field) => [field, node.field(field)]),
    );
    assert.deepEqual({ name, roles, principal, attributes }, tribesVector("principal").expected);
  });

  it("member objects carry the SUID of their release", () => {
    assert.equal(object("member-java-object").descriptor.suid, -8901659902996040089n);
    assert.equal(object("member-java-object-90").descriptor.suid, 3323947316117794076n);
    assert.equal(memberName(object("staticmember-java-object")), "10.9.8.7:4100");
  });

  it("the remaining objects hold their fields", () => {
    const file = object("filemessage");
    const { dataArrayLength, ...fields } = tribesVector("filemessage").expected;
    const read = { fileName: file.string("fileName"), contextName: file.string("contextName"), dataLength: file.number("dataLength") };
    assert.deepEqual(
      { ...read, messageNumber: file.number("messageNumber"), totalNrOfMsgs: file.number("totalNrOfMsgs") },
      pick(fields, ["fileName", "contextName", "dataLength", "messageNumber", "totalNrOfMsgs"]),
    );
    assert.equal(file.bytes("data")?.length, dataArrayLength);
    const undeploy = object("undeploymessage");
    assert.equal(undeploy.string("uniqueId"), tribesVector("undeploymessage").expected.uniqueId);
    assert.equal(memberName(undeploy.field("address") as JavaValue), tribesVector("undeploymessage").expected.address);
    assert.equal(object("sso-listener").string("ssoId"), "SSOID");
    const entry = object("sso-entry");
    const { authType, username, password } = tribesVector("sso-entry").expected;
    assert.deepEqual([entry.string("authType"), entry.string("username"), entry.string("password")], [authType, username, password]);
    assert.equal(new ObjectInputStream(javaStreamOf("object-string")!).readObject(), tribesVector("object-string").expected.object);
    const bytes = new AnnotationInput(object("bytemessage-java-object").annotation());
    assert.equal(bytes.readBytes(bytes.readInt()).toString(), "hello tribes");
  });
});

function assertCaptured(node: JavaObject, expected: Expected): void {
  assert.equal(node.className.split(/[.$]/).at(-1), expected.class);
  if (expected.class === "RpcMessage") {
    const { message, ...rest } = readRpc(node);
    assert.deepEqual(rest, pick(expected, ["reply", "uuid", "rpcId"]));
    assert.ok(message instanceof JavaObject);
    assertCaptured(message, expected.message as Expected);
  } else if (expected.class === "MemberMessage") {
    assert.equal(node.number("msgtype"), expected.msgtype);
    assert.equal(node.bytes("membershipId")?.toString("latin1"), expected.membershipId);
    assert.equal(memberPort(node.field("member") as JavaValue), expected.memberPort);
  } else if (expected.class === "MapMessage") {
    assert.equal(node.number("msgtype"), expected.msgtype);
    assert.equal(node.bytes("mapId")?.toString("latin1"), expected.mapId);
    assert.equal(node.boolean("diff"), expected.diff);
    assert.equal(inner(node.bytes("keydata")), expected.key);
    assert.equal(node.bytes("diffvalue")?.toString("hex") ?? null, expected.diffHex);
    assert.equal(describeValue(inner(node.bytes("valuedata"))), expected.value);
    assert.equal(memberPort(node.field("primary") as JavaValue), expected.primaryPort);
    const members = node.field("nodes") as JavaArray | null;
    assert.deepEqual(members?.elements.map(memberPort) ?? null, expected.nodePorts);
  } else {
    assert.equal(node.number("mEvtType"), expected.mEvtType);
    assert.equal(node.string("mContextName"), expected.mContextName);
    assert.equal(node.string("mSessionID"), expected.mSessionID);
    assert.equal(node.string("uniqueId"), expected.uniqueId);
    assert.equal(node.number("serializationTimestamp"), expected.serializationTimestamp);
    assert.equal(node.bytes("mSession")?.toString("hex") ?? null, expected.mSessionHex);
  }
}

function readRpc(node: JavaObject) {
  const input = new AnnotationInput(node.annotation());
  const reply = input.readBoolean();
  const uuid = input.readBytes(input.readInt()).toString("hex");
  const rpcId = input.readBytes(input.readInt()).toString("latin1");
  const message = input.readObject();
  assert.equal(input.atEnd, true);
  return { reply, uuid, rpcId, message };
}

/** A member's custom data ends with the member block, whose port and host stand at fixed places (tribes.md 5). */
function memberBlock(member: JavaValue): Buffer | null {
  if (member === null) return null;
  assert.ok(member instanceof JavaObject);
  const input = new AnnotationInput(member.annotation());
  return input.readBytes(input.readInt());
}

function memberPort(member: JavaValue): number | null {
  return memberBlock(member)?.readInt32BE(22) ?? null;
}

function memberName(member: JavaValue): string | null {
  const block = memberBlock(member);
  return block === null ? null : `${[...block.subarray(35, 35 + block[34]!)].join(".")}:${block.readInt32BE(22)}`;
}

function inner(bytes: Buffer | null): unknown {
  return bytes === null ? null : toJavaScript(new ObjectInputStream(bytes).readObject());
}

function describeValue(value: unknown): unknown {
  if (Array.isArray(value)) return `list of ${value.length}`;
  if (!(value instanceof JavaObject)) return value instanceof Object ? (value as JavaEnum).constant : value;
  return `DeltaSession ${readSession(new AnnotationInput(value.annotation())).id}`;
}

function describeAction({ type, action, name, value }: DeltaAction): string {
  const head = `${type}/${action} ${name}`;
  if (value === null) return head;
  if (!(value instanceof JavaObject) || value.field("roles") === undefined) return `${head}=${toJavaScript(value)}`;
  return `${head}=GenericPrincipal ${value.string("name")} roles ${(value.field("roles") as JavaArray).elements.join(",")}`;
}

function pick(from: object, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, (from as Expected)[name]]));
}

function isRecord(value: unknown): value is Expected {
  return typeof value === "object" && value !== null;
}
