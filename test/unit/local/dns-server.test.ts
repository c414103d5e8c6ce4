import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import { type DecodedPacket, decode, encode, type OptAnswer, type Packet, RECURSION_DESIRED, streamEncode } from "dns-packet";
import { DnsNameResolver, silentLogger } from "../../../src/base/index.ts";
import { DnsServer } from "../../../src/local/dns-server.ts";
import { DnsZone, type ZoneEndpoint } from "../../../src/local/dns-zone.ts";

const NAME = "shop-members.default.svc.cluster.local";
const OPT: OptAnswer = {
  type: "OPT",
  name: ".",
  udpPayloadSize: 4096,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
};

function pods(count: number): ZoneEndpoint[] {
  return Array.from({ length: count }, (_, index) => ({ hostname: `shop-${index}`, address: `127.0.9.${index + 2}`, ready: true }));
}

function question(name: string, type: "A" | "AAAA" | "SRV" = "A"): Packet {
  return { type: "query", id: 4711, flags: RECURSION_DESIRED, questions: [{ name, type, class: "IN" }] };
}

const rcodeOf = (packet: DecodedPacket | Buffer) => (Buffer.isBuffer(packet) ? packet.readUInt16BE(2) : (packet.flags ?? 0)) & 0xf;

describe("DnsServer", () => {
  let zone: DnsZone;
  let server: DnsServer;

  beforeEach(async () => {
    zone = new DnsZone(
      [
        { name: "shop-members", ports: [{ name: "tribes", port: 4000 }], publishNotReadyAddresses: true },
        { name: "shop-workers", ports: [{ name: "http", port: 8080 }], publishNotReadyAddresses: false },
      ],
      { namespace: "default" },
    );
    zone.setEndpoints(pods(2));
    server = new DnsServer({ authority: zone, logger: silentLogger }, { address: "127.0.0.1", port: 0 });
    await server.start();
  });

  afterEach(() => server.stop());

  async function askUdp(query: Buffer): Promise<Buffer> {
    const socket = createSocket("udp4");
    try {
      socket.send(query, server.port, "127.0.0.1");
      const [response] = (await once(socket, "message")) as [Buffer];
      return response;
    } finally {
      socket.close();
    }
  }

  /** Sends the pieces one by one and resolves with the bytes until `count` whole answers are there or the server closes. */
  async function askTcp(pieces: readonly Buffer[], count: number): Promise<{ answers: Buffer[]; closed: boolean }> {
    const socket = connect(server.port, "127.0.0.1");
    socket.setNoDelay(true);
    const answers: Buffer[] = [];
    let pending = Buffer.alloc(0);
    try {
      await once(socket, "connect");
      for (const piece of pieces) await new Promise((resolve) => socket.write(piece, resolve));
      for await (const chunk of socket as AsyncIterable<Buffer>) {
        pending = Buffer.concat([pending, chunk]);
        while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
          answers.push(pending.subarray(2, 2 + pending.readUInt16BE(0)));
          pending = pending.subarray(2 + pending.readUInt16BE(0));
        }
        if (answers.length >= count) return { answers, closed: false };
      }
      return { answers, closed: true };
    } finally {
      socket.destroy();
    }
  }

  it("answers over UDP with the asker's id, question and RD bit, authoritatively", async () => {
    const response = decode(await askUdp(encode(question(NAME))));
    assert.equal(response.id, 4711);
    assert.equal(response.flag_qr && response.flag_aa && response.flag_rd, true);
    assert.equal(response.flag_tc, false);
    assert.deepEqual(response.questions, [{ name: NAME, type: "A", class: "IN" }]);
    assert.deepEqual(
      response.answers?.map((record) => record.type === "A" && record.data),
      ["127.0.9.2", "127.0.9.3"],
    );
  });

  it("returns the case of the question's letters", async () => {
    const response = decode(await askUdp(encode(question("sHOp-members.default.svc.cluster.local"))));
    assert.equal(response.questions?.[0]?.name, "sHOp-members.default.svc.cluster.local");
    assert.equal(response.answers?.length, 2);
  });

  it("sets TC on an answer above 512 bytes and gives the whole one over TCP", async () => {
    zone.setEndpoints(pods(60));
    const cut = await askUdp(encode(question(NAME)));
    assert.ok(cut.length <= 512);
    assert.equal(decode(cut).flag_tc, true);
    const { answers } = await askTcp([streamEncode(question(NAME))], 1);
    assert.equal(decode(answers[0]!).answers?.length, 60);
    assert.equal(decode(answers[0]!).flag_tc, false);
  });

  it("uses the room that EDNS offers, up to 1232 bytes, and answers with EDNS", async () => {
    zone.setEndpoints(pods(18));
    const withEdns = decode(await askUdp(encode({ ...question(NAME), additionals: [OPT] })));
    assert.equal(withEdns.flag_tc, false);
    assert.equal(withEdns.answers?.length, 18);
    assert.equal(
      withEdns.additionals?.some((record) => record.type === "OPT"),
      true,
    );
    const without = decode(await askUdp(encode(question(NAME))));
    assert.equal(without.flag_tc, true);
    assert.equal(
      without.additionals?.some((record) => record.type === "OPT"),
      false,
    );
    zone.setEndpoints(pods(100));
    assert.equal(decode(await askUdp(encode({ ...question(NAME), additionals: [OPT] }))).flag_tc, true);
  });

  it("leaves the additional addresses out before it cuts the SRV records", async () => {
    zone.setEndpoints(pods(9));
    const response = decode(await askUdp(encode({ ...question("_http._tcp.shop-workers", "SRV"), additionals: [OPT] })));
    assert.equal(response.flag_tc, false);
    assert.equal(response.answers?.length, 9);
    assert.deepEqual(
      response.additionals?.map((record) => record.type),
      ["OPT"],
    );
  });

  it("puts NXDOMAIN, NODATA and REFUSED into the response code", async () => {
    assert.equal(rcodeOf(await askUdp(encode(question("nobody.default.svc.cluster.local")))), 3);
    assert.equal(rcodeOf(await askUdp(encode(question(NAME, "AAAA")))), 0);
    assert.equal(rcodeOf(await askUdp(encode(question("example.org")))), 5);
    const chaos = encode({ ...question(NAME), questions: [{ name: NAME, type: "A", class: "CH" }] });
    assert.equal(rcodeOf(await askUdp(chaos)), 5);
  });

  const query = encode(question(NAME));
  const changed = (change: (bytes: Buffer) => void) => {
    const copy = Buffer.from(query);
    change(copy);
    return copy;
  };
  const selfPointer = Buffer.concat([query.subarray(0, 12), Buffer.from([0xc0, 0x0c, 0, 1, 0, 1])]);
  const malformed = [
    { what: "a name that is cut off", bytes: query.subarray(0, 20), code: 1 },
    { what: "a name that points at itself", bytes: selfPointer, code: 1 },
    { what: "a label with a byte that is no printable character", bytes: changed((copy) => copy.writeUInt8(0xff, 14)), code: 1 },
    { what: "no question", bytes: changed((copy) => copy.writeUInt16BE(0, 4)), code: 1 },
    { what: "more questions than are there", bytes: changed((copy) => copy.writeUInt16BE(9, 4)), code: 1 },
    { what: "more records than are there", bytes: changed((copy) => copy.writeUInt16BE(60_000, 6)), code: 1 },
    { what: "opcode UPDATE", bytes: changed((copy) => copy.writeUInt16BE(5 << 11, 2)), code: 4 },
    { what: "opcode STATUS", bytes: changed((copy) => copy.writeUInt16BE(2 << 11, 2)), code: 4 },
  ];
  for (const { what, bytes, code } of malformed) {
    it(`answers ${code === 1 ? "FORMERR" : "NOTIMP"} to ${what}`, async () => {
      const response = await askUdp(bytes);
      assert.equal(response.readUInt16BE(0), 4711);
      assert.equal(response.readUInt16BE(2) & 0x8000, 0x8000);
      assert.equal(rcodeOf(response), code);
      assert.equal(response.length, 12);
    });
  }

  it("is silent to responses and to what is shorter than a header, and lives on", async () => {
    const socket = createSocket("udp4");
    try {
      const received: Buffer[] = [];
      socket.on("message", (message) => received.push(message));
      socket.send(Buffer.alloc(11), server.port, "127.0.0.1");
      socket.send(encode({ ...question(NAME), type: "response", id: 1 }), server.port, "127.0.0.1");
      socket.send(query, server.port, "127.0.0.1");
      await once(socket, "message");
      assert.deepEqual(
        received.map((message) => message.readUInt16BE(0)),
        [4711],
      );
    } finally {
      socket.close();
    }
  });

  it("reads TCP queries however they are cut, several on one connection, and answers in order", async () => {
    const stream = Buffer.concat([streamEncode({ ...question(NAME), id: 1 }), streamEncode({ ...question(NAME, "AAAA"), id: 2 })]);
    const { answers } = await askTcp(
      Array.from(stream, (byte) => Buffer.from([byte])),
      2,
    );
    assert.deepEqual(
      answers.map((answer) => decode(answer).id),
      [1, 2],
    );
  });

  it("closes a TCP connection that announces an overlong query or sends a response", async () => {
    for (const bytes of [Buffer.from([0xff, 0xff, 0, 0]), streamEncode({ ...question(NAME), type: "response" })]) {
      const { answers, closed } = await askTcp([bytes], 1);
      assert.deepEqual([answers.length, closed], [0, true]);
    }
  });

  it("is understood by the resolver that workers and balancers use, a truncated answer included", async () => {
    zone.setEndpoints(pods(200));
    const resolver = new DnsNameResolver({ server: `127.0.0.1:${server.port}` });
    const members = await resolver.addresses("shop-members", 4);
    assert.ok(members.kind === "found");
    assert.equal(members.records.length, 200);
    assert.deepEqual(await resolver.addresses("shop-members", 6), { kind: "absent" });
    assert.deepEqual(await resolver.addresses("nobody.default.svc.cluster.local", 4), { kind: "absent" });
    assert.equal((await resolver.addresses("example.org", 4)).kind, "unavailable");
    zone.setEndpoints(pods(1));
    assert.deepEqual(await resolver.services("_http._tcp.shop-workers"), {
      kind: "found",
      records: [{ target: "shop-0.shop-workers.default.svc.cluster.local", port: 8080, weight: 100, priority: 0 }],
    });
  });

  it("rejects a port that is taken with the system's code and leaves nothing bound", async () => {
    const second = new DnsServer({ authority: zone, logger: silentLogger }, { address: "127.0.0.1", port: server.port });
    await assert.rejects(second.start(), { code: "EADDRINUSE" });
    const udpOnly = createSocket("udp4");
    await new Promise<void>((resolve) => udpOnly.bind(0, "127.0.0.1", resolve));
    const { port } = udpOnly.address();
    const third = new DnsServer({ authority: zone, logger: silentLogger }, { address: "127.0.0.1", port });
    await assert.rejects(third.start(), { code: "EADDRINUSE" });
    await new Promise<void>((resolve) => udpOnly.close(resolve));
    const fourth = new DnsServer({ authority: zone, logger: silentLogger }, { address: "127.0.0.1", port });
    await fourth.start();
    await fourth.stop();
  });
});
