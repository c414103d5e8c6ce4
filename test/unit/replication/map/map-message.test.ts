import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeRpcMessage, encodeRpcMessage } from "../../../../src/channel/rpc-message.ts";
import { ChannelDataDecoder } from "../../../../src/channel/wire/channel-data.ts";
import { FrameDecoder } from "../../../../src/channel/wire/frame.ts";
import { createMember } from "../../../../src/channel/wire/member-block.ts";
import {
  decodeMapMessages,
  decodeMapState,
  encodeMapMessage,
  encodeMapMessages,
  encodeMapState,
  MAP_EVENTS,
  MAP_MESSAGE_CLASS,
  type MapEvent,
  mapIdOf,
  mapMessage,
  mapMessageFromJava,
  mapMessageToJava,
} from "../../../../src/replication/map/map-message.ts";
import {
  describeValue,
  JavaObject,
  type JavaValue,
  javaArrayList,
  javaInteger,
  javaObject,
  ObjectInputStream,
  ObjectOutputStream,
  peekClassName,
  SuidTable,
  TOMCAT,
} from "../../../../src/serialization/index.ts";
import { tribesVector, tribesVectors } from "../../../support/tribes-vectors.ts";

const suids = new SuidTable();
const made = tribesVectors.filter(({ name }) => name.startsWith("map-"));
const captured = tribesVectors.filter(({ name }) => name.startsWith("capture-map-"));
const asked = tribesVectors.filter(({ name }) => /^capture-rpc-(request|reply)-map-/.test(name));

function read(stream: Buffer): JavaValue {
  return new ObjectInputStream(stream).readObject();
}

function written(value: JavaValue): Buffer {
  const stream = new ObjectOutputStream();
  stream.writeObject(value);
  return stream.toBuffer();
}

function bodyOf(name: string): Buffer {
  const frames = new FrameDecoder(1_000_000);
  frames.push(tribesVector(name).bytes);
  return new ChannelDataDecoder().decode(frames.next()!).body;
}

/** What a vector tells of a value: the value, or in a few words what it is. */
function told(stream: Buffer | null): unknown {
  if (stream === null) return null;
  const value = read(stream);
  if (typeof value === "string") return value;
  if (value instanceof JavaObject && value.className === "java.lang.Integer") return value.field("value");
  if (value instanceof JavaObject && value.className === "java.util.ArrayList") return `list of ${value.field("size")}`;
  return decodeMapState(stream) ?? describeValue(value);
}

interface CapturedMapMessage {
  readonly msgtype: number;
  readonly mapId: string;
  readonly key: string | null;
  readonly diffHex: string | null;
  readonly value: string | null;
  readonly primaryPort: number | null;
  readonly nodePorts: readonly number[] | null;
}

function checkCaptured(value: JavaValue, expected: CapturedMapMessage): JavaObject {
  const message = mapMessageFromJava(value);
  assert.equal(message.event, expected.msgtype);
  assert.equal(message.mapId, expected.mapId);
  assert.equal(message.key, expected.key);
  assert.equal(message.diff?.toString("hex") ?? null, expected.diffHex);
  assert.equal(message.primary?.port ?? null, expected.primaryPort);
  assert.deepEqual(message.nodes?.map(({ port }) => port) ?? null, expected.nodePorts);
  if (expected.value?.startsWith("DeltaSession")) assert.equal(told(message.value), TOMCAT.deltaSession.name);
  else assert.equal(told(message.value), expected.value);
  return mapMessageToJava(message, TOMCAT.staticMember);
}

describe("MapMessage", () => {
  for (const { name } of made) {
    it(`is read, and written as Tomcat writes it: ${name}`, () => {
      const { bytes, expected } = tribesVector(name);
      const message = mapMessageFromJava(read(bytes));
      assert.equal(message.event, expected.msgtype);
      assert.equal(message.mapId, expected.mapId);
      assert.equal(mapIdOf(read(bytes)), expected.mapId);
      assert.equal(message.key, expected.key);
      assert.equal(told(message.value), expected.value);
      assert.equal(message.diff?.toString("hex") ?? null, expected.diffvalue);
      assert.equal(message.primary ? `${message.primary.address}:${message.primary.port}` : null, expected.primary);
      assert.deepEqual(message.nodes?.map(({ address, port }) => `${address}:${port}`) ?? null, expected.nodes);
      assert.deepEqual(encodeMapMessage(message, suids), bytes);
      assert.equal(peekClassName(bytes), MAP_MESSAGE_CLASS);
    });
  }

  for (const { name, expected } of captured) {
    it(`is read from a running Tomcat's frame, and written with the same bytes: ${name}`, () => {
      const body = bodyOf(name);
      assert.deepEqual(written(checkCaptured(read(body), expected.object as CapturedMapMessage)), body);
    });
  }

  for (const { name, expected } of asked) {
    it(`is read from a running Tomcat's call, and written with the same bytes: ${name}`, () => {
      const body = bodyOf(name);
      const rpc = decodeRpcMessage(read(body));
      const message = checkCaptured(rpc.message, (expected.object as { message: CapturedMapMessage }).message);
      assert.deepEqual(encodeRpcMessage({ ...rpc, message }, suids), body);
    });
  }

  it("has vectors of every kind but the list of copies, which no capture holds", () => {
    const events = new Set([...made, ...captured, ...asked].map(({ expected }) => eventOf(expected)));
    const all = Object.values(MAP_EVENTS).filter((event) => event !== MAP_EVENTS.StateCopy);
    assert.deepEqual([...events].sort(order), all.sort(order));
  });

  it("lists the state as a running Tomcat lists it", () => {
    const { message } = decodeRpcMessage(read(bodyOf("capture-rpc-reply-map-state")));
    const list = mapMessageFromJava(message).value!;
    const entries = decodeMapMessages(list);
    assert.deepEqual(
      entries.map(({ event, key, nodes }) => [event, key, nodes?.length]),
      [[MAP_EVENTS.Proxy, "463A81F219843E47E733335CA4EC473E.nodeA", 0]],
    );
    assert.deepEqual(encodeMapMessages(entries, suids, TOMCAT.staticMember), list);
  });

  it("tells how far a map is as a running Tomcat tells it", () => {
    const { message } = decodeRpcMessage(read(bodyOf("capture-rpc-reply-map-ping")));
    const state = mapMessageFromJava(message).value!;
    assert.equal(decodeMapState(state), "INITIALIZED");
    assert.deepEqual(encodeMapState("INITIALIZED", suids), state);
    assert.equal(decodeMapState(written("INITIALIZED")), undefined);
  });

  it("keeps keys beyond ASCII, and shares what a list repeats", () => {
    const primary = createMember({ address: "10.0.0.1", port: 4000 });
    const message = mapMessage(MAP_EVENTS.Proxy, "map", { key: "größe-✓", primary, nodes: [primary] });
    const [one, two] = [1, 2].map(
      (count) =>
        encodeMapMessages(
          Array.from({ length: count }, () => message),
          suids,
        ).length,
    );
    assert.deepEqual(decodeMapMessages(encodeMapMessages([message, message], suids)), [message, message]);
    assert.ok(two! - one! < 80, `a second message takes ${two! - one!} bytes`);
  });

  it("is refused when it is none, names no map, or has parts of other classes", () => {
    const fields = { mapId: mapMessageToJava(mapMessage(MAP_EVENTS.Init, "map")).field("mapId")! };
    const wrong: readonly JavaValue[] = [
      null,
      "text",
      javaObject(TOMCAT.mapMessage),
      javaObject(TOMCAT.mapMessage, { ...fields, diff: true }),
      javaObject(TOMCAT.mapMessage, { ...fields, nodes: "nobody" }),
    ];
    for (const value of wrong) assert.throws(() => mapMessageFromJava(value), { code: "INVALID_MAP_MESSAGE" });
    const numberAsKey = mapMessageToJava({ ...mapMessage(MAP_EVENTS.Remove, "map"), value: written(javaInteger(1)) }).field("valuedata")!;
    assert.throws(() => mapMessageFromJava(javaObject(TOMCAT.mapMessage, { ...fields, keydata: numberAsKey })), {
      code: "INVALID_MAP_MESSAGE",
    });
    assert.throws(() => mapMessageFromJava(javaObject(TOMCAT.mapMessage, { ...fields, primary: "nobody" })), { code: "MALFORMED_MESSAGE" });
    assert.throws(() => decodeMapMessages(written("no list")), { code: "INVALID_MAP_MESSAGE" });
    assert.throws(() => decodeMapMessages(written(javaArrayList(["no message"]))), { code: "INVALID_MAP_MESSAGE" });
  });

  it("is refused when it is cut anywhere, and never read past its end", () => {
    const { bytes } = tribesVector("map-backup");
    for (let length = 0; length < bytes.length; length++) assert.throws(() => mapMessageFromJava(read(bytes.subarray(0, length))));
  });
});

function eventOf(expected: Readonly<Record<string, unknown>>): MapEvent {
  const object = expected.object as { msgtype?: MapEvent; message?: { msgtype: MapEvent } } | undefined;
  return (expected.msgtype ?? object?.msgtype ?? object?.message?.msgtype) as MapEvent;
}

function order(left: number, right: number): number {
  return left - right;
}
