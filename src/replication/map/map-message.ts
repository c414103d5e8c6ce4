// What the members of a replicated map tell one another (Tomcat: AbstractReplicatedMap.MapMessage; tribes.md 14.1). Pure: bytes <-> values.
import { type Member, memberFromJava, memberToJava } from "../../channel/index.ts";
import {
  type ClassDescriptor,
  describeValue,
  type FieldValue,
  JAVA,
  JavaArray,
  JavaEnum,
  JavaObject,
  type JavaValue,
  javaArrayList,
  javaObject,
  ObjectInputStream,
  ObjectOutputStream,
  type SuidTable,
  TOMCAT,
} from "../../serialization/index.ts";
import { InvalidMapMessageError } from "./errors.ts";

/** Message types; append-only, as they are on the wire. */
export const MAP_EVENTS = {
  Backup: 1,
  RetrieveBackup: 2,
  Proxy: 3,
  Remove: 4,
  State: 5,
  Start: 6,
  Stop: 7,
  Init: 8,
  Copy: 9,
  StateCopy: 10,
  Access: 11,
  NotifyMapMember: 12,
  Ping: 13,
} as const;
export type MapEvent = (typeof MAP_EVENTS)[keyof typeof MAP_EVENTS];

/** How far a map is; only an "INITIALIZED" one is there for others (Tomcat: AbstractReplicatedMap.State). */
export const MAP_STATES = ["NEW", "STATETRANSFERRED", "INITIALIZED", "DESTROYED"] as const;
export type MapState = (typeof MAP_STATES)[number];

export const MAP_MESSAGE_CLASS: string = TOMCAT.mapMessage.name;

export interface MapMessage {
  /** A MapEvent; another number when a later version invents one. */
  readonly event: number;
  /** Name of the map, ISO-8859-1; also the id of its RPC channel. */
  readonly mapId: string;
  readonly key: string | null;
  /** An object stream of its own. */
  readonly value: Buffer | null;
  /** Changes of the value that the receiver has; null: none of them, or the whole value. */
  readonly diff: Buffer | null;
  /** Who serves the entry; for Init, Start, Stop and Ping the sender. */
  readonly primary: Member | null;
  /** Who else has the value. */
  readonly nodes: readonly Member[] | null;
}

/** A message of which only what is given is set. */
export function mapMessage(event: number, mapId: string, fields: Partial<MapMessage> = {}): MapMessage {
  return { key: null, value: null, diff: null, primary: null, nodes: null, ...fields, event, mapId };
}

/** One object stream with one message, byte for byte as Tomcat writes it. */
export function encodeMapMessage(message: MapMessage, suids: SuidTable): Buffer {
  return streamOf(mapMessageToJava(message), suids);
}

/** As part of an RpcMessage. `memberClass`: what members are written as; Tomcat takes MemberImpl and StaticMember for equals. */
export function mapMessageToJava(message: MapMessage, memberClass: ClassDescriptor = TOMCAT.memberImpl): JavaObject {
  return new MapMessageWriter(memberClass).write(message);
}

/** The value of an answer to State or StateCopy: an ArrayList of messages, as an object stream. */
export function encodeMapMessages(
  messages: readonly MapMessage[],
  suids: SuidTable,
  memberClass: ClassDescriptor = TOMCAT.memberImpl,
): Buffer {
  const writer = new MapMessageWriter(memberClass);
  return streamOf(javaArrayList(messages.map((message) => writer.write(message))), suids);
}

/** The value of an answer to Ping: an enum constant, as an object stream. */
export function encodeMapState(state: MapState, suids: SuidTable): Buffer {
  return streamOf(new JavaEnum(TOMCAT.mapState, state), suids);
}

/** Throws InvalidMapMessageError, or the channel's or serialization's error for a part that is none. */
export function mapMessageFromJava(object: JavaValue): MapMessage {
  if (!isMapMessage(object)) throw new InvalidMapMessageError(`A "${describeValue(object)}" stands where a MapMessage is expected`);
  const diff = object.bytes("diffvalue");
  const isDiff = object.boolean("diff");
  if (isDiff && diff === null) throw new InvalidMapMessageError("A MapMessage announces a diff and has none");
  const primary = objectIn(object.field("primary"));
  return {
    event: object.number("msgtype"),
    mapId: mapIdOf(object),
    key: keyOf(object.bytes("keydata")),
    value: object.bytes("valuedata"),
    diff: isDiff ? diff : null,
    primary: primary === null ? null : memberFromJava(primary),
    nodes: nodesOf(objectIn(object.field("nodes"))),
  };
}

/** Which map a message is for, without reading the rest of it. Throws as mapMessageFromJava. */
export function mapIdOf(object: JavaValue): string {
  const mapId = isMapMessage(object) ? object.bytes("mapId") : null;
  if (mapId === null) throw new InvalidMapMessageError("A MapMessage names no map");
  return mapId.toString("latin1");
}

/** Throws as mapMessageFromJava. */
export function decodeMapMessages(value: Buffer): MapMessage[] {
  const list = new ObjectInputStream(value).readObject();
  const elements = list instanceof JavaObject && list.className === JAVA.arrayList.name ? list.annotation().slice(1) : undefined;
  if (elements === undefined) throw new InvalidMapMessageError(`A "${describeValue(list)}" stands where the state of a map is expected`);
  return elements.map((element) => mapMessageFromJava(Buffer.isBuffer(element) ? null : element));
}

/** Undefined for a state that is not known here. */
export function decodeMapState(value: Buffer): MapState | undefined {
  const state = new ObjectInputStream(value).readObject();
  return state instanceof JavaEnum ? MAP_STATES.find((known) => known === state.constant) : undefined;
}

/** Messages of one stream share what is the same in them, as Java's do. */
class MapMessageWriter {
  readonly #memberClass: ClassDescriptor;
  readonly #mapIds = new Map<string, JavaArray>();
  readonly #members = new Map<string, JavaObject>();

  constructor(memberClass: ClassDescriptor) {
    this.#memberClass = memberClass;
  }

  write(message: MapMessage): JavaObject {
    return javaObject(TOMCAT.mapMessage, {
      diff: message.diff !== null,
      msgtype: message.event,
      diffvalue: bytesToJava(message.diff),
      keydata: message.key === null ? null : bytesToJava(streamOf(message.key)),
      mapId: this.#mapId(message.mapId),
      nodes:
        message.nodes === null
          ? null
          : new JavaArray(
              TOMCAT.memberArray,
              message.nodes.map((node) => this.#member(node)),
            ),
      primary: message.primary === null ? null : this.#member(message.primary),
      valuedata: bytesToJava(message.value),
    });
  }

  #mapId(name: string): JavaArray {
    let bytes = this.#mapIds.get(name);
    if (bytes === undefined) {
      bytes = new JavaArray(JAVA.byteArray, Buffer.from(name, "latin1"));
      this.#mapIds.set(name, bytes);
    }
    return bytes;
  }

  #member(member: Member): JavaObject {
    let object = this.#members.get(member.key);
    if (object === undefined) {
      object = memberToJava(member, this.#memberClass);
      this.#members.set(member.key, object);
    }
    return object;
  }
}

function isMapMessage(object: JavaValue): object is JavaObject {
  return object instanceof JavaObject && object.descriptor.isA(MAP_MESSAGE_CLASS);
}

function streamOf(value: JavaValue, suids?: SuidTable): Buffer {
  const stream = new ObjectOutputStream(suids === undefined ? {} : { suids });
  stream.writeObject(value);
  return stream.toBuffer();
}

function bytesToJava(bytes: Buffer | null): JavaArray | null {
  return bytes === null ? null : new JavaArray(JAVA.byteArray, bytes);
}

/** Keys of other classes have no place in the maps of Tomcat: session ids, ids of single sign-on, names of attributes. */
function keyOf(keyData: Buffer | null): string | null {
  if (keyData === null || keyData.length === 0) return null;
  const key = new ObjectInputStream(keyData).readObject();
  if (typeof key !== "string") throw new InvalidMapMessageError("The key of a MapMessage is no String");
  return key;
}

function nodesOf(nodes: JavaValue): readonly Member[] | null {
  if (nodes === null) return null;
  if (!(nodes instanceof JavaArray)) throw new InvalidMapMessageError(`A "${describeValue(nodes)}" stands where members are expected`);
  return nodes.elements.map((node) => memberFromJava(node));
}

function objectIn(field: FieldValue | undefined): JavaValue {
  if (field === undefined || typeof field === "number" || typeof field === "bigint" || typeof field === "boolean") {
    throw new InvalidMapMessageError("A MapMessage lacks a field");
  }
  return field;
}
