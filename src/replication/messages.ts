// Session messages on the wire: SessionMessageImpl as a Java object stream (ha.md 2).
import { ByteReader, ByteWriter } from "../base/index.ts";
import {
  describeValue,
  JAVA,
  JavaArray,
  JavaObject,
  javaObject,
  ObjectInputStream,
  ObjectOutputStream,
  TOMCAT,
} from "../serialization/index.ts";
import { UnexpectedMessageError } from "./errors.ts";

/** Event types; append-only, as they are on the wire. 5 to 11 are unused. */
export const SESSION_EVENTS = {
  SessionCreated: 1,
  SessionExpired: 2,
  SessionAccessed: 3,
  GetAllSessions: 4,
  AllSessionData: 12,
  SessionDelta: 13,
  AllSessionTransferComplete: 14,
  ChangeSessionId: 15,
  AllSessionNoContextManager: 16,
} as const;
export type SessionEvent = (typeof SESSION_EVENTS)[keyof typeof SESSION_EVENTS];

export const SESSION_MESSAGE_CLASS: string = TOMCAT.sessionMessage.name;

export interface SessionMessage {
  /** A SessionEvent; another number when a later version invents one. */
  readonly event: number;
  /** Milliseconds, the sender's clock; for SessionCreated the creation time of the session. */
  readonly timestamp: number;
  readonly timestampSet: boolean;
  /** Manager name, "localhost#/app"; null: every manager. */
  readonly contextName: string | null;
  /** Data of the event. Decoded messages share the memory of the bytes they were read from: copy what is kept. */
  readonly data: Buffer | null;
  /** Session id with its route, or the fixed text of the event. */
  readonly sessionId: string | null;
  /** Tomcat only logs it. Deltas and new stems of ours end in "-v<number>" (see `numberOf`). */
  readonly uniqueId: string | null;
}

const TC_NULL = 0x70;
const TC_STRING = 0x74;
/** i32 event, i64 time stamp, u8 set, four nulls. */
const EMPTY_TAIL_BYTES = 4 + 8 + 1 + 4;

const EMPTY = { event: 0, timestamp: 0, timestampSet: false, contextName: null, data: null, sessionId: null, uniqueId: null } as const;
/** Everything before the event: header, class descriptors and the super class's time stamp, which is always 0. */
const HEAD = withoutTail(encodeGenerally(EMPTY), EMPTY_TAIL_BYTES);
/** What stands before the length of `data`. */
const BYTE_ARRAY_HEAD = byteArrayHead();

const PLAIN_ASCII = /^[ -~]{0,1024}$/;
const writer = new ByteWriter(4096);

/** One object stream with one message, byte for byte as Tomcat writes it. */
export function encodeSessionMessage(message: SessionMessage): Buffer {
  if (!isPlain(message.contextName) || !isPlain(message.sessionId) || !isPlain(message.uniqueId)) return encodeGenerally(message);
  writer.reset();
  writer
    .bytes(HEAD)
    .i32(message.event)
    .safeI64(message.timestamp)
    .u8(message.timestampSet ? 1 : 0);
  writePlainString(message.contextName);
  if (message.data === null) writer.u8(TC_NULL);
  else writer.bytes(BYTE_ARRAY_HEAD).i32(message.data.length).bytes(message.data);
  writePlainString(message.sessionId);
  writePlainString(message.uniqueId);
  return writer.toBuffer();
}

/** Throws UnexpectedMessageError for an object of another class, and serialization's errors for what is no object stream. */
export function decodeSessionMessage(body: Buffer): SessionMessage {
  return decodeQuickly(body) ?? decodeGenerally(body);
}

/** The version that a delta of ours brings its session to, or which name of the session a new stem is; undefined for a Tomcat's. */
export function numberOf(message: SessionMessage): number | undefined {
  const mark = message.uniqueId?.lastIndexOf("-v") ?? -1;
  if (mark === -1) return undefined;
  const version = Number(message.uniqueId!.slice(mark + 2));
  return Number.isSafeInteger(version) && version > 0 ? version : undefined;
}

function isPlain(text: string | null): boolean {
  return text === null || PLAIN_ASCII.test(text);
}

function writePlainString(text: string | null): void {
  if (text === null) writer.u8(TC_NULL);
  else writer.u8(TC_STRING).u16(text.length).latin1(text);
}

function encodeGenerally(message: SessionMessage): Buffer {
  const output = new ObjectOutputStream();
  output.writeObject(
    javaObject(TOMCAT.sessionMessage, {
      mEvtType: message.event,
      serializationTimestamp: message.timestamp,
      timestampSet: message.timestampSet,
      mContextName: message.contextName,
      mSession: message.data === null ? null : new JavaArray(JAVA.byteArray, message.data),
      mSessionID: message.sessionId,
      uniqueId: message.uniqueId,
    }),
  );
  return output.toBuffer();
}

/** For streams that begin as ours and Tomcat's do and hold nothing unusual; undefined for every other. */
function decodeQuickly(body: Buffer): SessionMessage | undefined {
  if (body.length < HEAD.length + EMPTY_TAIL_BYTES || HEAD.compare(body, 0, HEAD.length) !== 0) return undefined;
  const reader = new ByteReader(body, HEAD.length);
  const event = reader.i32();
  const timestamp = reader.i64Number();
  const timestampSet = reader.u8() !== 0;
  const contextName = readPlainString(reader);
  const data = readByteArray(reader);
  const sessionId = readPlainString(reader);
  const uniqueId = readPlainString(reader);
  if (contextName === undefined || data === undefined || sessionId === undefined || uniqueId === undefined) return undefined;
  return { event, timestamp, timestampSet, contextName, data, sessionId, uniqueId };
}

/** Undefined: something that only the general decoder understands, or malformed. */
function readPlainString(reader: ByteReader): string | null | undefined {
  if (reader.remaining < 1) return undefined;
  const tag = reader.u8();
  if (tag === TC_NULL) return null;
  if (tag !== TC_STRING || reader.remaining < 2) return undefined;
  const length = reader.u16();
  if (reader.remaining < length) return undefined;
  const text = reader.buffer.toString("latin1", reader.offset, reader.offset + length);
  reader.offset += length;
  return PLAIN_ASCII.test(text) ? text : undefined;
}

function readByteArray(reader: ByteReader): Buffer | null | undefined {
  if (reader.remaining < 1) return undefined;
  const start = reader.offset;
  if (reader.buffer[start] === TC_NULL) {
    reader.offset += 1;
    return null;
  }
  if (reader.remaining < BYTE_ARRAY_HEAD.length + 4) return undefined;
  if (BYTE_ARRAY_HEAD.compare(reader.buffer, start, start + BYTE_ARRAY_HEAD.length) !== 0) return undefined;
  reader.offset += BYTE_ARRAY_HEAD.length;
  const length = reader.i32();
  if (length < 0 || length > reader.remaining) return undefined;
  return reader.bytes(length);
}

function decodeGenerally(body: Buffer): SessionMessage {
  const object = new ObjectInputStream(body).readObject();
  if (!(object instanceof JavaObject) || !object.descriptor.isA(SESSION_MESSAGE_CLASS)) {
    throw new UnexpectedMessageError(SESSION_MESSAGE_CLASS, describeValue(object));
  }
  return {
    event: object.number("mEvtType"),
    timestamp: object.number("serializationTimestamp"),
    timestampSet: object.boolean("timestampSet"),
    contextName: object.string("mContextName"),
    data: object.bytes("mSession"),
    sessionId: object.string("mSessionID"),
    uniqueId: object.string("uniqueId"),
  };
}

function withoutTail(bytes: Buffer, tailBytes: number): Buffer {
  return bytes.subarray(0, bytes.length - tailBytes);
}

function byteArrayHead(): Buffer {
  const bytes = encodeGenerally({ ...EMPTY, data: Buffer.alloc(0) });
  // Behind the head: event, time stamp, flag, a null, the array with its length of 0, two nulls.
  return bytes.subarray(HEAD.length + 4 + 8 + 1 + 1, bytes.length - 2 - 4);
}
