import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { AUTHORITATIVE_ANSWER, decode, encode, type Packet } from "dns-packet";
import { DnsNameResolver, DnsServerAddressError } from "../../../src/base/index.ts";

type Answer = "NOERROR" | "NXDOMAIN" | "SERVFAIL" | "REFUSED" | "silence";

const RCODES = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const;

describe("DnsNameResolver", () => {
  let folder: string;
  let socket: Socket;
  let server: string;
  const asked: string[] = [];
  const answers = new Map<string, Answer | Packet["answers"]>();

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "resolv-"));
    asked.length = 0;
    answers.clear();
    socket = createSocket("udp4");
    socket.on("message", (message, peer) => {
      const query = decode(message);
      const question = query.questions![0]!;
      asked.push(`${question.type} ${question.name}`);
      const answer = answers.get(question.name) ?? "NXDOMAIN";
      if (answer === "silence") return;
      const rcode = typeof answer === "string" ? RCODES[answer] : 0;
      const records = typeof answer === "string" ? [] : answer;
      const flags = AUTHORITATIVE_ANSWER | rcode;
      socket.send(
        encode({ type: "response", id: query.id!, flags, questions: query.questions!, answers: records! }),
        peer.port,
        peer.address,
      );
    });
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    server = `127.0.0.1:${socket.address().port}`;
  });

  afterEach(() => {
    socket.close();
    rmSync(folder, { recursive: true });
  });

  /** Path of a resolv.conf with these search domains. */
  function searching(domains: string): string {
    const path = join(folder, "resolv.conf");
    writeFileSync(path, `nameserver 192.0.2.1\nsearch ${domains}\noptions ndots:5\n`);
    return path;
  }

  it("finds addresses of the family that was asked for", async () => {
    answers.set("shop-members", [
      { type: "A", name: "shop-members", data: "10.0.0.1", ttl: 5 },
      { type: "A", name: "shop-members", data: "10.0.0.2", ttl: 5 },
    ]);
    const answer = await new DnsNameResolver({ server }).addresses("shop-members", 4);
    assert.equal(answer.kind, "found");
    assert.deepEqual(answer.kind === "found" && [...answer.records].sort(), ["10.0.0.1", "10.0.0.2"]);
    assert.deepEqual(asked, ["A shop-members"]);
  });

  it("finds services with port, weight and target", async () => {
    answers.set("_http._tcp.w", [
      { type: "SRV", name: "_http._tcp.w", ttl: 5, data: { target: "shop-0.w.ns.svc", port: 8080, weight: 3, priority: 1 } },
    ]);
    assert.deepEqual(await new DnsNameResolver({ server }).services("_http._tcp.w"), {
      kind: "found",
      records: [{ target: "shop-0.w.ns.svc", port: 8080, weight: 3, priority: 1 }],
    });
  });

  for (const [answer, kind] of [
    ["NXDOMAIN", "absent"],
    ["NOERROR", "absent"],
    ["SERVFAIL", "unavailable"],
    ["REFUSED", "unavailable"],
    ["silence", "unavailable"],
  ] as const) {
    it(`rule 2: takes ${answer} as ${kind}`, async () => {
      answers.set("shop-members", answer);
      const resolver = new DnsNameResolver({ server, timeoutMs: 100 });
      assert.equal((await resolver.addresses("shop-members", 4)).kind, kind);
    });
  }

  it("rule 1: asks the absolute name first, then each search domain of resolv.conf", async () => {
    const resolver = new DnsNameResolver({ server, resolvConf: searching("ns.svc.cluster.local svc.cluster.local") });
    answers.set("shop-members.svc.cluster.local", [{ type: "A", name: "shop-members.svc.cluster.local", data: "10.0.0.9", ttl: 5 }]);
    assert.deepEqual(await resolver.addresses("shop-members", 4), { kind: "found", records: ["10.0.0.9"] });
    assert.deepEqual(asked, ["A shop-members", "A shop-members.ns.svc.cluster.local", "A shop-members.svc.cluster.local"]);
  });

  for (const wrong of ["nonsense", "localhost:53", "127.0.0.1:99999", "999.0.0.1", "127.0.0.1:dns"]) {
    it(`refuses "${wrong}" as a server and says what to write`, () => {
      assert.throws(
        () => new DnsNameResolver({ server: wrong }),
        (error) =>
          error instanceof DnsServerAddressError && error.message.startsWith(`"${wrong}" is not the address of a DNS server: write `),
      );
    });
  }

  it("rule 2: nobody can tell about the name as it stands, as in a cluster cut off from the world: a search domain has the answer", async () => {
    answers.set("shop-members", "SERVFAIL");
    answers.set("shop-members.ns.svc", [{ type: "A", name: "shop-members.ns.svc", data: "10.0.0.1", ttl: 5 }]);
    const resolver = new DnsNameResolver({ server, resolvConf: searching("ns.svc svc") });
    assert.deepEqual(await resolver.addresses("shop-members", 4), { kind: "found", records: ["10.0.0.1"] });
    answers.delete("shop-members.ns.svc");
    assert.equal((await resolver.addresses("shop-members", 4)).kind, "unavailable");
    answers.set("shop-members.ns.svc", "SERVFAIL");
    answers.set("shop-members.svc", [{ type: "A", name: "shop-members.svc", data: "10.0.0.9", ttl: 5 }]);
    assert.equal((await resolver.addresses("shop-members", 4)).kind, "unavailable");
  });

  it("takes a name with a final dot as absolute", async () => {
    await new DnsNameResolver({ server, resolvConf: "/nonexistent" }).addresses("shop-members.", 4);
    assert.deepEqual(asked, ["A shop-members"]);
  });
});
