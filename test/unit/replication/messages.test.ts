import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  allSessionTransferComplete,
  changeSessionId,
  decodeSessionId,
  getAllSessions,
  isStarting,
  noContextManager,
  sessionAccessed,
  sessionCreated,
  sessionDelta,
  sessionExpired,
} from "../../../src/replication/message-bodies.ts";
import { decodeSessionMessage, encodeSessionMessage, numberOf, type SessionMessage } from "../../../src/replication/messages.ts";
import { ObjectInputStream, ObjectOutputStream } from "../../../src/serialization/index.ts";
import { tribesVector } from "../../support/tribes-vectors.ts";

const ID = "0123456789ABCDEF0123456789ABCDEF.node1";
const NEW_ID = "0123456789ABCDEF0123456789ABCDEF.node2";
const CONTEXT = "localhost#/app";
const TIME = 1_700_000_000_000;
/** FLT2002, length; and TLF2003 behind the body. */
const FRAME_HEAD_BYTES = 11;
const FRAME_END_BYTES = 7;

const VECTORS = [
  "session-created",
  "session-expired",
  "session-accessed",
  "session-get-all",
  "session-alldata",
  "session-delta",
  "session-transfercomplete",
  "session-changeid",
  "session-nocontextmanager",
];

/** The body of the only frame of a capture: behind options, time stamp, unique id and member block, each with its length. */
function capturedBody(name: string): Buffer {
  const frame = tribesVector(name).bytes;
  const data = frame.subarray(FRAME_HEAD_BYTES, frame.length - FRAME_END_BYTES);
  let offset = 12;
  offset += 4 + data.readInt32BE(offset);
  offset += 4 + data.readInt32BE(offset);
  return data.subarray(offset + 4, offset + 4 + data.readInt32BE(offset));
}

describe("session messages", () => {
  for (const name of VECTORS) {
    it(`read and write ${name} as Tomcat wrote it`, () => {
      const { bytes, expected } = tribesVector(name);
      const message = decodeSessionMessage(bytes);
      assert.equal(message.event, expected.mEvtType);
      assert.equal(message.contextName, expected.mContextName);
      assert.equal(message.sessionId, expected.mSessionID);
      assert.equal(message.uniqueId, expected.uniqueId);
      assert.equal(message.timestamp, expected.serializationTimestamp);
      assert.equal(message.timestampSet, expected.timestampSet);
      assert.equal(message.data?.length ?? null, expected.mSessionLength);
      assert.deepEqual(encodeSessionMessage(message), bytes);
    });
  }

  for (const type of [1, 2, 4, 12, 13, 14, 15]) {
    it(`read and write type ${type} as a running Tomcat sent it`, () => {
      const body = capturedBody(`capture-session-${type}`);
      const message = decodeSessionMessage(body);
      assert.equal(message.event, type);
      assert.deepEqual(encodeSessionMessage(message), body);
    });
  }

  it("take the data of a delta out unchanged", () => {
    assert.deepEqual(decodeSessionMessage(tribesVector("session-delta").bytes).data, tribesVector("deltarequest-attributes").bytes);
  });

  const bodies: readonly (readonly [string, string, Buffer])[] = [
    ["session-created", "an announcement", sessionCreated(CONTEXT, ID, TIME, TIME)],
    ["session-expired", "an end", sessionExpired(CONTEXT, ID, TIME)],
    ["session-accessed", "an access", sessionAccessed(CONTEXT, ID, TIME)],
    ["session-get-all", "a question for state", getAllSessions(CONTEXT, TIME)],
    ["session-transfercomplete", "the end of a transfer", allSessionTransferComplete(CONTEXT, TIME)],
    ["session-changeid", "a change of id", changeSessionId(CONTEXT, ID, NEW_ID, TIME)],
  ];
  for (const [name, what, body] of bodies) {
    it(`are made for ${what} as Tomcat makes them`, () => assert.deepEqual(body, tribesVector(name).bytes));
  }

  it("are made for the absence of a manager as Tomcat sends it: without a time stamp", () => {
    const recorded = decodeSessionMessage(tribesVector("session-nocontextmanager").bytes);
    assert.deepEqual(decodeSessionMessage(noContextManager(CONTEXT, false)), { ...recorded, timestamp: 0, timestampSet: false });
  });

  it("read the new id out of a change of id", () => {
    assert.equal(decodeSessionId(tribesVector("session-id-payload").bytes), NEW_ID);
  });

  it("carry a delta's version where Tomcat only looks when it logs", () => {
    const message = decodeSessionMessage(sessionDelta(CONTEXT, ID, tribesVector("deltarequest-empty").bytes, 7, TIME));
    assert.equal(numberOf(message), 7);
    assert.equal(numberOf(decodeSessionMessage(tribesVector("session-delta").bytes)), undefined);
  });

  it("tell a manager that starts from one that is not there", () => {
    assert.equal(isStarting(decodeSessionMessage(noContextManager(CONTEXT, true)).uniqueId), true);
    assert.equal(isStarting(decodeSessionMessage(noContextManager(CONTEXT, false)).uniqueId), false);
  });

  it("keep names beyond ASCII, and long ones", () => {
    const message: SessionMessage = {
      event: 3,
      timestamp: TIME,
      timestampSet: true,
      contextName: "localhost#/größe-✓-\u0000",
      data: null,
      sessionId: "x".repeat(3000),
      uniqueId: null,
    };
    assert.deepEqual(decodeSessionMessage(encodeSessionMessage(message)), message);
  });

  it("are refused when they hold another object", () => {
    const output = new ObjectOutputStream();
    output.writeObject("not a message");
    assert.throws(() => decodeSessionMessage(output.toBuffer()), { code: "UNEXPECTED_MESSAGE" });
  });

  it("are refused when they are cut anywhere, and never read past their end", () => {
    const { bytes } = tribesVector("session-delta");
    for (let length = 0; length < bytes.length; length++) assert.throws(() => decodeSessionMessage(bytes.subarray(0, length)));
  });

  it("are readable for the general decoder, too", () => {
    const object = new ObjectInputStream(sessionAccessed(CONTEXT, ID, TIME)).readObject();
    assert.equal(object !== null && typeof object === "object" && object.className, "org.apache.catalina.ha.session.SessionMessageImpl");
  });
});
