// Members and their bytes: the member block of tribes.md 5.
import { createHash } from "node:crypto";
import { ByteReader, ByteWriter, TomcatClusterError } from "../../base/index.ts";
import type { Member } from "../channel.ts";
import { InvalidMemberError, MalformedMessageError } from "../errors.ts";
import { addressBytes, addressText } from "./ip-address.ts";

const START_MARK = Buffer.from("TRIBES-B\x01\x00", "latin1");
const END_MARK = Buffer.from("TRIBES-E\x01\x00", "latin1");
const UNIQUE_ID_BYTES = 16;
const FIXED_BYTES = 73;
const MAX_BLOCK_BYTES = 65_535;
const NOTHING = Buffer.alloc(0);

/** The command of a member that says good-bye; any other command is carried and ignored. */
export const SHUTDOWN_COMMAND = Buffer.from("BABY-ALEX", "latin1");

/** What makes a member. Everything but address and port has the value that a member found by DNS has. */
export interface MemberFields {
  /** An IPv4 or IPv6 address, never a name. */
  readonly address: string;
  readonly port: number;
  /** Default: `uniqueIdOf(address)`. */
  readonly uniqueId?: Buffer;
  /** Default -1: none. */
  readonly securePort?: number;
  /** Default -1: none. */
  readonly udpPort?: number;
  /** Default -1: unknown. */
  readonly aliveTimeMs?: number;
  readonly command?: Buffer;
  readonly domain?: Buffer;
  readonly payload?: Buffer;
}

/**
 * A member, from its parts or from another one: `createMember({ ...member, command: SHUTDOWN_COMMAND })`. Buffers are kept, not copied.
 * Throws InvalidMemberError.
 */
export function createMember(fields: MemberFields): Member {
  const host = addressBytes(fields.address);
  if (!host) throw new InvalidMemberError(`A member needs an IP address, not "${fields.address}": resolve the name first`);
  if (!Number.isInteger(fields.port) || fields.port < 0 || fields.port > 65_535) {
    throw new InvalidMemberError(`Port "${fields.port}" of member "${fields.address}" is not between 0 and 65535`);
  }
  const address = addressText(host);
  const uniqueId = fields.uniqueId ?? uniqueIdOf(address);
  if (uniqueId.length !== UNIQUE_ID_BYTES) {
    throw new InvalidMemberError(`The unique id of member "${fields.address}" has ${uniqueId.length} bytes: it needs ${UNIQUE_ID_BYTES}`);
  }
  const member: Member = {
    name: memberName(address, fields.port),
    key: memberKey(address, fields.port, uniqueId),
    host,
    address,
    port: fields.port,
    securePort: fields.securePort ?? -1,
    udpPort: fields.udpPort ?? -1,
    uniqueId,
    aliveTimeMs: fields.aliveTimeMs ?? -1,
    command: fields.command ?? NOTHING,
    domain: fields.domain ?? NOTHING,
    payload: fields.payload ?? NOTHING,
  };
  if (blockBytes(member) > MAX_BLOCK_BYTES) {
    throw new InvalidMemberError(
      `Domain, command and payload of member "${member.name}" make more than ${MAX_BLOCK_BYTES} bytes: shorten them`,
    );
  }
  return member;
}

/** The id that DNS membership gives to an address: MD5 of its text (tribes.md 15). */
export function uniqueIdOf(address: string): Buffer {
  return createHash("md5").update(address, "latin1").digest();
}

export function isShutdown(member: Member): boolean {
  return member.command.equals(SHUTDOWN_COMMAND);
}

/** Absolute order, equal on every node: shorter address first, then address, port, unique id, all unsigned (tribes.md 5). */
export function compareAbsoluteOrder(left: Member, right: Member): number {
  return (
    left.host.length - right.host.length ||
    Buffer.compare(left.host, right.host) ||
    left.port - right.port ||
    Buffer.compare(left.uniqueId, right.uniqueId)
  );
}

/** The block of a member. Made once per Member object: members do not change. */
export function encodeMember(member: Member): Buffer {
  let block = encodedMembers.get(member);
  if (!block) {
    block = writeMember(member);
    encodedMembers.set(member, block);
  }
  return block;
}

const encodedMembers = new WeakMap<Member, Buffer>();

/** Reads a block that fills `block` exactly. The member holds a copy of it, not the bytes given. Throws MalformedMessageError. */
export function decodeMember(block: Buffer): Member {
  try {
    return readMember(new ByteReader(Buffer.from(block)));
  } catch (error) {
    if (error instanceof MalformedMessageError || !(error instanceof TomcatClusterError)) throw error;
    throw new MalformedMessageError(`Malformed member block: ${error.message}`, { cause: error });
  }
}

/** Whether bytes begin as a member block does, and a frame does not. */
export function isMemberBlock(bytes: Buffer): boolean {
  return bytes.length >= START_MARK.length && START_MARK.compare(bytes, 0, START_MARK.length) === 0;
}

function writeMember(member: Member): Buffer {
  const total = blockBytes(member);
  return new ByteWriter(total)
    .bytes(START_MARK)
    .i32(total - START_MARK.length - 4 - END_MARK.length)
    .safeI64(member.aliveTimeMs)
    .i32(member.port)
    .i32(member.securePort)
    .i32(member.udpPort)
    .u8(member.host.length)
    .bytes(member.host)
    .i32(member.command.length)
    .bytes(member.command)
    .i32(member.domain.length)
    .bytes(member.domain)
    .bytes(member.uniqueId)
    .i32(member.payload.length)
    .bytes(member.payload)
    .bytes(END_MARK)
    .toBuffer();
}

function readMember(reader: ByteReader): Member {
  if (!reader.bytes(START_MARK.length).equals(START_MARK)) throw new MalformedMessageError("A member block does not begin with its mark");
  const bodyBytes = reader.i32();
  if (bodyBytes !== reader.remaining - END_MARK.length) {
    throw new MalformedMessageError(`A member block announces ${bodyBytes} bytes and has ${reader.remaining - END_MARK.length}`);
  }
  const aliveTimeMs = reader.i64Number();
  const port = reader.i32();
  const securePort = reader.i32();
  const udpPort = reader.i32();
  if (port < 0 || port > 65_535) throw new MalformedMessageError(`A member block has port ${port}`);
  const host = reader.bytes(reader.u8());
  if (host.length !== 4 && host.length !== 16) throw new MalformedMessageError(`A member block has an address of ${host.length} bytes`);
  const command = reader.bytes(reader.i32());
  const domain = reader.bytes(reader.i32());
  const uniqueId = reader.bytes(UNIQUE_ID_BYTES);
  const payload = reader.bytes(reader.i32());
  if (reader.remaining !== END_MARK.length || !reader.bytes(END_MARK.length).equals(END_MARK)) {
    throw new MalformedMessageError("A member block does not end with its mark");
  }
  const address = addressText(host);
  const name = memberName(address, port);
  const key = memberKey(address, port, uniqueId);
  return { name, key, host, address, port, securePort, udpPort, uniqueId, aliveTimeMs, command, domain, payload };
}

function blockBytes(member: Member): number {
  return FIXED_BYTES + member.host.length + member.command.length + member.domain.length + member.payload.length;
}

function memberName(address: string, port: number): string {
  return address.includes(":") ? `tcp://[${address}]:${port}` : `tcp://${address}:${port}`;
}

function memberKey(address: string, port: number, uniqueId: Buffer): string {
  return `${address}/${port}/${uniqueId.toString("hex")}`;
}
