// The DNS server of a local cluster: UDP and TCP in front of a DnsZone, in place of the cluster's CoreDNS.

import { createSocket, type RemoteInfo, type Socket as UdpSocket } from "node:dgram";
import { createServer, type Server, type Socket } from "node:net";
import { type Answer, AUTHORITATIVE_ANSWER, type DecodedPacket, decode, encode, type Question, TRUNCATED_RESPONSE } from "dns-packet";
import type { Lifecycle, Logger } from "../base/index.ts";
import { RCODE, type ResponseCode, type ZoneAnswer } from "./dns-zone.ts";

export interface DnsServerOptions {
  /** IPv4 address. */
  readonly address: string;
  readonly port: number;
}

/** Who knows the records: a DnsZone. */
export interface Authority {
  answer(question: { readonly name: string; readonly type: string }): ZoneAnswer;
}

const HEADER_BYTES = 12;
const RESPONSE_BIT = 0x8000;
const OPCODE_MASK = 0x7800;
/** Bits that a response repeats: opcode and RD. */
const REPEATED_BITS = 0x7900;
/** UDP answer without EDNS (RFC 1035, 4.2.1), and the most we send with it (DNS flag day 2020). */
const PLAIN_UDP_BYTES = 512;
const EDNS_UDP_BYTES = 1232;
const MAX_QUERY_BYTES = 4096;
const MAX_ANSWER_BYTES = 65_535;
const MAX_TCP_CONNECTIONS = 32;
const TCP_IDLE_MS = 10_000;
/** Names that go back as they came: dnsPacket would split or lengthen labels with other bytes in them. */
const PRINTABLE_NAME = /^[\x21-\x7e]*$/;

export class DnsServer implements Lifecycle {
  readonly #authority: Authority;
  readonly #logger: Logger;
  readonly #options: DnsServerOptions;
  readonly #udp: UdpSocket;
  readonly #tcp: Server;
  readonly #connections = new Set<Socket>();

  constructor(deps: { authority: Authority; logger: Logger }, options: DnsServerOptions) {
    this.#authority = deps.authority;
    this.#logger = deps.logger;
    this.#options = options;
    this.#udp = createSocket("udp4");
    this.#tcp = createServer((socket) => this.#serve(socket));
    this.#tcp.maxConnections = MAX_TCP_CONNECTIONS;
  }

  /** The port that was bound, the same for UDP and TCP; valid after `start`. */
  get port(): number {
    return this.#udp.address().port;
  }

  /** TCP first, so that port 0 gives both the same free port. Rejects with the system's error (EADDRINUSE, EADDRNOTAVAIL). */
  async start(): Promise<void> {
    try {
      await this.#bind();
    } catch (error) {
      await Promise.all([this.#closeTcp(), this.#closeUdp()]);
      throw error;
    }
    this.#udp.on("message", (query, peer) => this.#answerDatagram(query, peer));
  }

  async stop(): Promise<void> {
    await Promise.all([this.#closeTcp(), this.#closeUdp()]);
  }

  async #bind(): Promise<void> {
    const { address, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#tcp.once("error", reject).listen(port, address, () => {
        this.#tcp.off("error", reject).on("error", (error) => this.#logger.error({ err: error }, "DNS server failed"));
        resolve();
      });
    });
    const bound = this.#tcp.address();
    await new Promise<void>((resolve, reject) => {
      this.#udp.once("error", reject).bind(typeof bound === "object" && bound ? bound.port : port, address, () => {
        this.#udp.off("error", reject).on("error", (error) => this.#logger.error({ err: error }, "DNS server failed"));
        resolve();
      });
    });
  }

  #closeTcp(): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    return new Promise((resolve) => this.#tcp.close(() => resolve()));
  }

  #closeUdp(): Promise<void> {
    return new Promise((resolve) => this.#udp.close(resolve));
  }

  #answerDatagram(query: Buffer, peer: RemoteInfo): void {
    const response = this.#respond(query, "udp");
    if (response === undefined) return;
    this.#udp.send(response, peer.port, peer.address, (error) => {
      if (error) this.#logger.debug({ err: error, peer: peer.address }, "DNS answer was not sent");
    });
  }

  /** Messages with a length of two bytes before each (RFC 1035, 4.2.2), answered in order. */
  #serve(socket: Socket): void {
    this.#connections.add(socket);
    let pending = Buffer.alloc(0);
    socket.setTimeout(TCP_IDLE_MS, () => socket.destroy());
    socket.on("error", (error) => this.#logger.debug({ err: error }, "DNS connection failed"));
    socket.on("close", () => this.#connections.delete(socket));
    socket.on("data", (chunk) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      while (pending.length >= 2) {
        const length = pending.readUInt16BE(0);
        if (length > MAX_QUERY_BYTES) return void socket.destroy();
        if (pending.length < 2 + length) return;
        const response = this.#respond(pending.subarray(2, 2 + length), "tcp");
        pending = pending.subarray(2 + length);
        if (response === undefined) return void socket.destroy();
        const prefix = Buffer.allocUnsafe(2);
        prefix.writeUInt16BE(response.length);
        // A peer that asks without reading its answers is cut off rather than remembered.
        if (!socket.write(Buffer.concat([prefix, response])) && socket.writableLength > MAX_ANSWER_BYTES) return void socket.destroy();
      }
    });
  }

  /** The bytes of the response, or undefined for what is no query at all: answering responses would make two servers talk for ever. */
  #respond(query: Buffer, transport: "udp" | "tcp"): Buffer | undefined {
    if (query.length < HEADER_BYTES) return undefined;
    const bits = query.readUInt16BE(2);
    if ((bits & RESPONSE_BIT) !== 0) return undefined;
    if ((bits & OPCODE_MASK) !== 0) return failure(query, RCODE.notImplemented);
    const packet = decodeQuery(query);
    const question = packet?.questions?.[0];
    if (packet === undefined || question === undefined) return failure(query, RCODE.formatError);
    return this.#encode(packet, question, transport);
  }

  #encode(packet: DecodedPacket, question: Question, transport: "udp" | "tcp"): Buffer {
    const edns = packet.additionals?.find((record) => record.type === "OPT");
    const opt: Answer[] = edns ? [ednsRecord()] : [];
    const limit =
      transport === "tcp"
        ? MAX_ANSWER_BYTES
        : edns
          ? Math.min(Math.max(edns.udpPayloadSize, PLAIN_UDP_BYTES), EDNS_UDP_BYTES)
          : PLAIN_UDP_BYTES;
    const answer: ZoneAnswer =
      question.class === "IN" || question.class === undefined
        ? this.#authority.answer(question)
        : { code: RCODE.refused, authoritative: false, answers: [], authorities: [], additionals: [] };
    const head = {
      type: "response" as const,
      id: packet.id ?? 0,
      flags: ((packet.flags ?? 0) & REPEATED_BITS) | (answer.authoritative ? AUTHORITATIVE_ANSWER : 0) | answer.code,
      questions: [question],
    };
    const sections = { answers: [...answer.answers], authorities: [...answer.authorities] };
    const whole = encode({ ...head, ...sections, additionals: [...answer.additionals, ...opt] });
    if (whole.length <= limit) return whole;
    // Additional records may be left out without a word; a cut answer says so, and the asker comes back over TCP (RFC 2181, 9).
    const bare = encode({ ...head, ...sections, additionals: opt });
    if (bare.length <= limit) return bare;
    return encode({ ...head, flags: head.flags | TRUNCATED_RESPONSE, additionals: opt });
  }
}

/** Undefined for what cannot be read or does not ask exactly one question. */
function decodeQuery(query: Buffer): DecodedPacket | undefined {
  if (query.readUInt16BE(4) !== 1) return undefined;
  try {
    const packet = decode(query);
    return packet.questions?.every((question) => PRINTABLE_NAME.test(question.name)) ? packet : undefined;
  } catch {
    return undefined;
  }
}

function failure(query: Buffer, code: ResponseCode): Buffer {
  const response = Buffer.alloc(HEADER_BYTES);
  response.writeUInt16BE(query.readUInt16BE(0), 0);
  response.writeUInt16BE(RESPONSE_BIT | (query.readUInt16BE(2) & REPEATED_BITS) | code, 2);
  return response;
}

function ednsRecord(): Answer {
  return {
    name: ".",
    type: "OPT",
    udpPayloadSize: EDNS_UDP_BYTES,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
}
