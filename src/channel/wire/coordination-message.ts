// The token of a leader election and the confirmation that ends it (Tomcat: NonBlockingCoordinator; tribes.md 12.12). No Java object.
import { ByteReader, ByteWriter, TomcatClusterError } from "../../base/index.ts";
import type { Member } from "../channel.ts";
import { MalformedMessageError } from "../errors.ts";
import { decodeMember, encodeMember } from "./member-block.ts";

export interface CoordinationMessage {
  /** `Request`: the token, which goes round; `Confirmation`: the view is to be installed. */
  readonly kind: "Request" | "Confirmation";
  readonly leader: Member;
  /** Who has sent the token on its way. */
  readonly source: Member;
  /** In absolute order. */
  readonly view: readonly Member[];
  /** 16 bytes, of the election and of the view that comes of it. */
  readonly id: Buffer;
}

const HEADER = Buffer.from("aa26dee39e5a413faf86fa9263ca0d3f", "hex");
const TYPES: Readonly<Record<CoordinationMessage["kind"], Buffer>> = {
  Request: Buffer.from("68a1a4d672dc47edb1147a65ffd0cf1e", "hex"),
  Confirmation: Buffer.from("43586baa45174cbaa5e9a9e783564b14", "hex"),
};
/** Some Tomcats write it; nothing is to be done with it. */
const ALIVE = Buffer.from(
  "4f87e7f1c505405eb37189a83472c8d2ee660a2281f74773ba489b5848847f6f" + "4a4c8c326f674103b333dd00777509e67732b5979a244f25bcac850fea936ac9",
  "hex",
);
const ID_BYTES = 16;
/** A group is smaller. */
const MAX_MEMBERS = 1000;

export function isCoordinationMessage(body: Buffer): boolean {
  return startsWith(body, HEADER);
}

export function isAliveMessage(body: Buffer): boolean {
  return startsWith(body, ALIVE);
}

export function encodeCoordinationMessage({ kind, leader, source, view, id }: CoordinationMessage): Buffer {
  const blocks = [leader, source, ...view].map(encodeMember);
  const writer = new ByteWriter(HEADER.length + blocks.reduce((bytes, block) => bytes + 4 + block.length, 4) + 2 * ID_BYTES).bytes(HEADER);
  for (const [index, block] of blocks.entries()) {
    if (index === 2) writer.i32(view.length);
    writer.i32(block.length).bytes(block);
  }
  return writer.bytes(id).bytes(TYPES[kind]).toBuffer();
}

/** Throws MalformedMessageError. */
export function decodeCoordinationMessage(body: Buffer): CoordinationMessage {
  try {
    const reader = new ByteReader(body, HEADER.length);
    const member = () => decodeMember(reader.bytes(reader.i32()));
    const [leader, source] = [member(), member()];
    const count = reader.i32();
    if (count < 1 || count > MAX_MEMBERS) throw new MalformedMessageError(`A view of ${count} members`);
    const view = Array.from({ length: count }, member);
    const id = Buffer.from(reader.bytes(ID_BYTES));
    const type = reader.bytes(ID_BYTES);
    const kind = type.equals(TYPES.Request) ? "Request" : type.equals(TYPES.Confirmation) ? "Confirmation" : undefined;
    if (kind === undefined) throw new MalformedMessageError(`There is no coordination message of type ${type.toString("hex")}`);
    return { kind, leader, source, view, id };
  } catch (error) {
    if (error instanceof MalformedMessageError || !(error instanceof TomcatClusterError)) throw error;
    throw new MalformedMessageError(`Malformed coordination message: ${error.message}`, { cause: error });
  }
}

function startsWith(body: Buffer, start: Buffer): boolean {
  return body.length >= start.length && start.compare(body, 0, start.length) === 0;
}
