// RpcMessage: a request or reply between members, as a Java object (tribes.md 13).
import {
  AnnotationInput,
  AnnotationOutput,
  JavaObject,
  type JavaValue,
  ObjectOutputStream,
  type SuidTable,
  TOMCAT,
} from "../serialization/index.ts";
import { MalformedRpcMessageError } from "./stack-errors.ts";

/** `NoRpcChannel`: the answer of a channel in which nobody has that rpcId. */
export interface RpcMessage {
  readonly kind: "Request" | "Reply" | "NoRpcChannel";
  /** 16 bytes: the call. */
  readonly uuid: Buffer;
  /** Name of the RPC channel, ISO-8859-1. */
  readonly rpcId: string;
  /** Null is a message too; always null for `NoRpcChannel`. */
  readonly message: JavaValue;
}

const UUID_BYTES = 16;
const MAX_RPC_ID_BYTES = 65_535;

/** Whether a class name as `ReceivedMessage.className` gives it is one of RPC. */
export function isRpcClass(className: string | undefined): boolean {
  return className === TOMCAT.rpcMessage.name || className === TOMCAT.noRpcChannelReply.name;
}

/** The whole object stream. */
export function encodeRpcMessage(rpc: RpcMessage, suids: SuidTable): Buffer {
  const output = new AnnotationOutput();
  const refused = rpc.kind === "NoRpcChannel";
  if (!refused) output.writeBoolean(rpc.kind === "Reply");
  const rpcId = Buffer.from(rpc.rpcId, "latin1");
  output.writeInt(rpc.uuid.length);
  output.writeBytes(rpc.uuid);
  output.writeInt(rpcId.length);
  output.writeBytes(rpcId);
  if (!refused) output.writeObject(rpc.message);
  const items = output.toItems();
  const stream = new ObjectOutputStream({ suids });
  stream.writeObject(
    refused ? new JavaObject(TOMCAT.noRpcChannelReply, [], [undefined, items]) : new JavaObject(TOMCAT.rpcMessage, [], [items]),
  );
  return stream.toBuffer();
}

/** Throws MalformedRpcMessageError, or a serialization error. */
export function decodeRpcMessage(value: JavaValue): RpcMessage {
  if (!(value instanceof JavaObject) || !isRpcClass(value.className)) throw new MalformedRpcMessageError("The object is no RpcMessage");
  const refused = value.className === TOMCAT.noRpcChannelReply.name;
  const input = new AnnotationInput(value.annotation());
  const kind = refused ? "NoRpcChannel" : input.readBoolean() ? "Reply" : "Request";
  const uuidBytes = input.readInt();
  if (uuidBytes !== UUID_BYTES) throw new MalformedRpcMessageError(`The id of a call has ${uuidBytes} bytes, not ${UUID_BYTES}`);
  const uuid = input.readBytes(UUID_BYTES);
  const rpcIdBytes = input.readInt();
  if (rpcIdBytes < 0 || rpcIdBytes > MAX_RPC_ID_BYTES) throw new MalformedRpcMessageError(`An rpcId announces ${rpcIdBytes} bytes`);
  const rpcId = input.readBytes(rpcIdBytes).toString("latin1");
  return { kind, uuid, rpcId, message: refused ? null : input.readObject() };
}
