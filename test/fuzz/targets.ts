// What inputs are tried on. Each target refuses what it cannot use with an error of ours, and holds its own promises otherwise.
import assert from "node:assert/strict";
import { createSecretKey } from "node:crypto";
import { TomcatClusterError } from "../../src/base/index.ts";
import { type EncryptionAlgorithm, messageCipher } from "../../src/channel/interceptors/encryption/message-cipher.ts";
import { memberMessageFromJava } from "../../src/channel/membership/member-message.ts";
import { decodeRpcMessage } from "../../src/channel/rpc-message.ts";
import { ChannelDataDecoder, encodeChannelData } from "../../src/channel/wire/channel-data.ts";
import { decodeCoordinationMessage, encodeCoordinationMessage } from "../../src/channel/wire/coordination-message.ts";
import { encodeFrame, FrameDecoder, START_MARK } from "../../src/channel/wire/frame.ts";
import { decodeMember, encodeMember } from "../../src/channel/wire/member-block.ts";
import { decodeSessionId } from "../../src/replication/message-bodies.ts";
import { decodeSessionMessage, encodeSessionMessage, SESSION_EVENTS } from "../../src/replication/messages.ts";
import { DeltaRequest, decodeDelta } from "../../src/replication/session/delta-request.ts";
import { decodeSessionStates, encodeSessionStates } from "../../src/replication/session/session-state.ts";
import { ObjectInputStream, ObjectOutputStream, toJavaScript } from "../../src/serialization/index.ts";
import { DeltaNode } from "../support/delta-node.ts";
import { FakeGroup } from "../support/fake-group.ts";
import { javaStreams } from "../support/java-values.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { tribesVector, tribesVectors } from "../support/tribes-vectors.ts";
import { INTERCEPTOR_TARGETS } from "./interceptor-targets.ts";
import type { Draw } from "./mutation.ts";

export interface Target {
  readonly name: string;
  /** What mutations begin with; unchanged, each must be taken. */
  readonly corpus: readonly Buffer[];
  /** Throws a TomcatClusterError for what it refuses; anything else that is thrown is a finding. */
  readonly run: (input: Buffer, draw: Draw) => void | Promise<void>;
}

const MAX_FRAME_BYTES = 1_048_576;
const STREAM_MAGIC = 0xaced;
/** Copies that a manager may hold before it is exchanged. */
const MAX_SESSIONS = 5000;

function vectorsNamed(pattern: RegExp): Buffer[] {
  return tribesVectors.filter(({ name }) => pattern.test(name)).map(({ name }) => tribesVector(name).bytes);
}

function decodes<T>(decode: (bytes: Buffer) => T): (bytes: Buffer) => boolean {
  return (bytes) => {
    try {
      decode(bytes);
      return true;
    } catch (error) {
      if (error instanceof TomcatClusterError) return false;
      throw error;
    }
  };
}

const vectors = tribesVectors.map(({ name }) => tribesVector(name).bytes);
const memberBlocks = vectors.filter(decodes(decodeMember));
const framed = vectors.filter((bytes) => bytes.subarray(0, START_MARK.length).equals(START_MARK));
const channelData = framed.flatMap(frameBodies).filter(decodes((bytes) => new ChannelDataDecoder().decode(bytes)));

function frameBodies(bytes: Buffer): Buffer[] {
  const decoder = new FrameDecoder(MAX_FRAME_BYTES);
  decoder.push(bytes);
  const bodies: Buffer[] = [];
  for (let body = decoder.next(); body !== undefined; body = decoder.next()) bodies.push(body);
  return bodies;
}

/** What real members sent, and what was recorded by itself. */
const messages = [...vectors, ...channelData.map((bytes) => new ChannelDataDecoder().decode(bytes).body)];
const streams = [...messages.filter((bytes) => bytes.length > 4 && bytes.readUInt16BE(0) === STREAM_MAGIC), ...javaStreams.values()];
const sessionMessages = messages.filter(decodes(decodeSessionMessage));
const sessionData = sessionMessages.map((bytes) => decodeSessionMessage(bytes)).filter(({ data }) => data !== null);
const dataOf = (event: number) => sessionData.filter((message) => message.event === event).map(({ data }) => data!);

/** One more round through encoder and decoder changes nothing. */
function assertStable<T>(value: T, encode: (value: T) => Buffer, decode: (bytes: Buffer) => T): void {
  const once = encode(value);
  const twice = encode(decode(once));
  if (!once.equals(twice)) assert.equal(twice.toString("hex"), once.toString("hex"), "encoding what was decoded gives other bytes");
}

function runFrames(input: Buffer, draw: Draw): void {
  const decoder = new FrameDecoder(MAX_FRAME_BYTES);
  const messages = new ChannelDataDecoder();
  let refused: unknown;
  for (let at = 0; at < input.length; ) {
    const chunk = input.subarray(at, at + 1 + draw(input.length));
    at += chunk.length;
    decoder.push(Buffer.from(chunk));
    for (let body = decoder.next(); body !== undefined; body = decoder.next()) {
      try {
        const message = messages.decode(body);
        assertStable(message, encodeChannelData, (frame) => messages.decode(frame.subarray(11, frame.length - 7)));
      } catch (error) {
        if (!(error instanceof TomcatClusterError)) throw error;
        refused = error;
      }
    }
    assert.ok(decoder.bufferedBytes <= input.length);
  }
  if (refused !== undefined) throw refused;
}

function runStream(input: Buffer): void {
  const stream = new ObjectInputStream(input);
  while (!stream.atEnd) {
    if (!stream.objectFollows) {
      stream.readByte();
      continue;
    }
    const value = stream.readObject();
    toJavaScript(value);
    const output = new ObjectOutputStream();
    output.writeObject(value);
    assertStable(
      value,
      (node) => {
        const again = new ObjectOutputStream();
        again.writeObject(node);
        return again.toBuffer();
      },
      (bytes) => new ObjectInputStream(bytes).readObject(),
    );
  }
}

function runDelta(input: Buffer): void {
  const { sessionId, recordAllActions, actions } = decodeDelta(input);
  const request = new DeltaRequest(recordAllActions);
  for (const action of actions) request.add(action);
  if (sessionId.length < 1000) decodeDelta(request.encode(sessionId));
}

/** Messages as a worker gets them, whatever they do to its sessions. */
class WorkerTarget implements Target {
  readonly name = "worker";
  readonly corpus = sessionMessages;
  #group: FakeGroup | undefined;
  #node: DeltaNode | undefined;
  #sender: DeltaNode | undefined;

  readonly run = async (input: Buffer): Promise<void> => {
    const node = await this.#started();
    try {
      await node.channel.receive(input, this.#sender!.channel.localMember);
    } finally {
      if (this.#group!.sent.length > 1000) this.#group!.sent.length = 0;
      if (node.manager.activeSessions > MAX_SESSIONS) this.#node = undefined;
    }
    for (const stem of node.manager.stems().slice(-2)) {
      const session = node.manager.sessionWithStem(stem);
      if (session?.alive) for (const name of session.getAttributeNames()) session.getAttribute(name);
    }
  };

  async #started(): Promise<DeltaNode> {
    if (this.#node !== undefined) return this.#node;
    this.#group = new FakeGroup(new ManualClock());
    this.#node = await DeltaNode.started(this.#group, 1);
    this.#sender = await DeltaNode.started(this.#group, 2);
    return this.#node;
  }
}

function encryptionTarget(vector: string, algorithm: EncryptionAlgorithm, keyHex: string): Target {
  const key = createSecretKey(keyHex, "hex");
  const cipher = messageCipher(algorithm);
  const original = tribesVector(vector).bytes;
  return {
    name: `cipher ${algorithm}`,
    corpus: [original],
    run(input) {
      if (input.length < cipher.minBytes) return;
      const opened = cipher.open(key, input);
      if (cipher.authenticates && opened !== undefined) assert.ok(input.equals(original), "a changed message was opened");
    },
  };
}

const KEY = "00112233445566778899aabbccddeeff";

export const TARGETS: readonly Target[] = [
  {
    name: "frames",
    // The marks are easy to break: most of what is behind them is only reached with whole ones.
    corpus: [...framed, ...channelData.map(encodeFrame), ...vectors.map(encodeFrame)],
    run: runFrames,
  },
  { name: "channel data", corpus: channelData, run: (input) => void new ChannelDataDecoder().decode(input) },
  {
    name: "member block",
    corpus: memberBlocks,
    run: (input) => assertStable(decodeMember(input), (member) => encodeMember(member), decodeMember),
  },
  { name: "object stream", corpus: streams, run: runStream },
  { name: "rpc message", corpus: streams, run: (input) => void decodeRpcMessage(new ObjectInputStream(input).readObject()) },
  {
    name: "member message",
    corpus: vectorsNamed(/^membermessage-/),
    run: (input) => void memberMessageFromJava(new ObjectInputStream(input).readObject()),
  },
  {
    name: "coordination message",
    corpus: vectorsNamed(/^coord-request$/),
    run: (input) => assertStable(decodeCoordinationMessage(input), encodeCoordinationMessage, decodeCoordinationMessage),
  },
  {
    name: "session message",
    corpus: sessionMessages,
    run: (input) => assertStable(decodeSessionMessage(input), encodeSessionMessage, decodeSessionMessage),
  },
  { name: "delta", corpus: [...vectorsNamed(/^deltarequest-/), ...dataOf(SESSION_EVENTS.SessionDelta)], run: runDelta },
  {
    name: "session states",
    corpus: [...vectorsNamed(/^allsessions-/), ...dataOf(SESSION_EVENTS.AllSessionData)],
    run: (input) => assertStable(decodeSessionStates(input), encodeSessionStates, decodeSessionStates),
  },
  { name: "session id", corpus: vectorsNamed(/^session-id-payload/), run: (input) => void decodeSessionId(input) },
  new WorkerTarget(),
  encryptionTarget("encrypt-gcm", "AES/GCM/NoPadding", KEY),
  encryptionTarget("encrypt-cbc", "AES/CBC/PKCS5Padding", KEY),
  ...INTERCEPTOR_TARGETS,
];
