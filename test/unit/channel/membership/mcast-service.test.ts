import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeChannelData } from "../../../../src/channel/wire/channel-data.ts";
import { createMember, decodeMember, encodeMember, SHUTDOWN_COMMAND } from "../../../../src/channel/wire/member-block.ts";
import type { MulticastMembershipConfig } from "../../../../src/config/index.ts";
import { failureDetector, interceptorConfig, messageDispatch } from "../../../support/channel-cluster.ts";
import { messageOf } from "../../../support/raw-member.ts";
import { tribesVector } from "../../../support/tribes-vectors.ts";
import { type VirtualChannel, VirtualChannels } from "../../../support/virtual-channels.ts";

const PORT = 4000;
const GROUP_PORT = 45_564;
const [A, B, C] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];

function membership(options: Partial<MulticastMembershipConfig> = {}): MulticastMembershipConfig {
  return {
    ...{ type: "Multicast", address: "228.0.0.4", port: GROUP_PORT, frequencyMs: 500, dropTimeMs: 3000, soTimeoutMs: 500 },
    ...{ localLoopbackDisabled: false, recoveryEnabled: true, recoveryCounter: 10, recoverySleepMs: 5000, domain: "", payload: "" },
    ...options,
  };
}

class Network extends VirtualChannels {
  constructor() {
    super(PORT);
  }

  node(address: string, options: Partial<MulticastMembershipConfig> = {}, detects = true): VirtualChannel {
    return this.create(address, { membership: membership(options), ...(detects ? {} : { interceptors: [messageDispatch()] }) });
  }

  async start(address: string, options: Partial<MulticastMembershipConfig> = {}, detects = true): Promise<VirtualChannel> {
    const node = this.node(address, options, detects);
    await this.settled(node.channel.start());
    return node;
  }

  /** As if somebody at this address had sent it. */
  async hear(bytes: Buffer, from = "10.0.0.99"): Promise<void> {
    this.group.carry(bytes, GROUP_PORT, from);
    await this.time.run(5);
  }
}

describe("McastService", () => {
  it("listens for two periods and announces itself for two more before it counts as started, as a Tomcat", async () => {
    const network = new Network();
    const node = network.node(A, { domain: "east", payload: "{1,-1}" });
    const started = node.channel.start();
    await network.time.run(999);
    assert.equal(network.group.sent.length, 0);
    await network.time.run(2);
    assert.equal(network.group.sent.length, 2);
    await network.settled(started);
    assert.deepEqual([network.time.nowMs, network.group.sent.length], [2000, 3]);
    const local = node.channel.localMember;
    const aliveTimes = network.group.sent.map((datagram) => {
      const announced = decodeMember(datagram);
      assert.deepEqual(datagram, encodeMember(createMember({ ...local, aliveTimeMs: announced.aliveTimeMs })), "a bare member block");
      return announced.aliveTimeMs;
    });
    assert.deepEqual(aliveTimes, [1000, 1000, 1500]);
    assert.deepEqual([local.domain.toString(), local.payload], ["east", Buffer.from([1, 255])]);
    assert.equal(node.channel.listsLocalMember, true);
    const other = await network.start(B);
    assert.notDeepEqual(other.channel.localMember.uniqueId, local.uniqueId);
  });

  it("knows whoever announces itself, with its domain, payload and ports, the oldest first", async () => {
    const network = new Network();
    const a = await network.start(A, { domain: "east", payload: "zone 1" }, false);
    const b = await network.start(B, {}, false);
    const c = await network.start(C, {}, false);
    assert.deepEqual(
      [a.addresses, b.addresses, c.addresses],
      [
        [B, C],
        [A, C],
        [A, B],
      ],
    );
    const [known] = b.channel.members;
    assert.deepEqual([known?.domain.toString(), known?.payload.toString(), known?.port], ["east", "zone 1", PORT]);
    await network.hear(tribesVector("member-full").bytes);
    assert.deepEqual(a.addresses, [B, C, "192.168.7.9"], "also of a Tomcat");
    const full = a.channel.members[2];
    assert.deepEqual([full?.securePort, full?.udpPort, full?.domain.toString()], [4443, 5000, "domain-a"]);
  });

  it("parts members of one group by their domains, where a DomainFilterInterceptor asks for that", async () => {
    const network = new Network();
    const start = async (address: string, domain: string) => {
      const filter = interceptorConfig("DomainFilterInterceptor", { domain });
      const interceptors = [filter, messageDispatch(), failureDetector()];
      const node = network.create(address, { membership: membership({ domain, payload: "zone 1" }), interceptors });
      await network.settled(node.channel.start());
      return node;
    };
    const [a, b, c] = [await start(A, "east"), await start(B, "east"), await start(C, "west")];
    await network.time.run(5000);
    assert.deepEqual([a.addresses, b.addresses, c.addresses], [[B], [A], []]);
    const [described] = a.channel.describe().members;
    assert.deepEqual([described?.domain, described?.payload], ["east", Buffer.from("zone 1").toString("hex")]);
  });

  it("announces its good-bye, which is heard at once and is final", async () => {
    const network = new Network();
    const [a, b] = [await network.start(A), await network.start(B)];
    const { key } = b.channel.localMember;
    await network.settled(b.channel.stop());
    await network.time.run(5);
    const last = network.group.sent.map(decodeMember).findLast((announced) => announced.key === key);
    assert.deepEqual(last?.command, SHUTDOWN_COMMAND);
    assert.deepEqual(a.events, [`added ${B}`, `disappeared ${B}`]);
    await network.hear(tribesVector("member-plain").bytes);
    await network.hear(tribesVector("member-shutdown").bytes);
    assert.deepEqual(a.addresses, []);
  });

  it("says nothing when it stops without a good-bye", async () => {
    const network = new Network();
    const [a, b] = [await network.start(A, {}, false), await network.start(B, {}, false)];
    await network.settled(b.channel.stop({ goodbye: false }));
    await network.time.run(2900);
    assert.deepEqual(a.addresses, [B]);
    await network.time.run(1200);
    assert.deepEqual(a.addresses, [], "silent for longer than dropTime");
  });

  it("rule 3: a killed member and a frozen one go, and who comes back is found", async () => {
    const network = new Network();
    const [a, b] = [await network.start(A), await network.start(B)];
    b.freeze();
    await network.time.run(15_000);
    assert.deepEqual(a.addresses, []);
    b.thaw();
    await network.time.run(10_000);
    assert.deepEqual([a.addresses, b.addresses], [[B], [A]]);
    network.kill(b, "Silent");
    await network.time.run(15_000);
    assert.deepEqual(a.addresses, []);
    const again = await network.start(B);
    await network.time.run(6000);
    assert.deepEqual([a.addresses, again.addresses], [[B], [A]]);
  });

  it("rule 3: takes nobody for silent while it stands still itself, nor one that does so for two seconds", async () => {
    const network = new Network();
    const [a, b] = [await network.start(A, {}, false), await network.start(B, {}, false)];
    for (const standstillMs of [2000, 10_000]) {
      a.freeze();
      await network.time.run(standstillMs);
      if (standstillMs > 3000) b.events.length = 0;
      a.thaw();
      await network.time.run(1000);
    }
    assert.deepEqual(a.events, [`added ${B}`]);
    assert.deepEqual(b.events, [`added ${A}`]);
  });

  it("takes a new process at the address of another one for the end of that one", async () => {
    const network = new Network();
    const a = await network.start(A, {}, false);
    const at = (uniqueId: number) => encodeMember(createMember({ address: C, port: PORT, uniqueId: Buffer.alloc(16, uniqueId) }));
    await network.hear(at(1));
    await network.hear(at(2));
    assert.deepEqual(a.events, [`added ${C}`, `disappeared ${C}`, `added ${C}`]);
    assert.deepEqual(a.channel.members[0]?.uniqueId, Buffer.alloc(16, 2));
    await network.hear(encodeMember(createMember({ address: A, port: PORT, uniqueId: Buffer.alloc(16, 3) })));
    assert.equal(a.addresses.includes(A), false, "nobody else is at its own");
  });

  it("takes 1000 members at most, and nothing that is malformed", async () => {
    const network = new Network();
    const a = await network.start(A, { dropTimeMs: 60_000 }, false);
    const { bytes } = tribesVector("member-plain");
    for (let end = 0; end < bytes.length; end++) network.group.carry(bytes.subarray(0, end), GROUP_PORT, C);
    await network.time.run(5);
    assert.equal(a.addresses.length, 0);
    for (let index = 0; index < 1010; index++) {
      const member = createMember({ address: `10.1.${index >> 8}.${index & 255}`, port: 9 });
      network.group.carry(encodeMember(member), GROUP_PORT, C);
    }
    await network.time.run(5);
    assert.equal(a.addresses.length, 1000);
  });

  it("rule 5: does not know its group where its own announcements do not come back, unless they are not to", async () => {
    const network = new Network();
    network.group.carries = (from, to) => from !== to;
    const a = await network.start(A);
    assert.equal(a.channel.listsLocalMember, undefined);
    assert.ok(a.log.lines.some(({ msg }) => msg.startsWith("Own announcements do not come back")));
    network.group.carries = () => true;
    await network.time.run(600);
    assert.equal(a.channel.listsLocalMember, true);
    network.group.carries = (from, to) => from !== to;
    const b = await network.start(B, { localLoopbackDisabled: true });
    assert.equal(b.channel.listsLocalMember, true);
  });

  it("rule 20: lets an address that it has not heard yet wait, and closes its connections when it stays unheard", async () => {
    const network = new Network();
    network.group.carries = (from) => from !== B;
    const a = await network.start(A);
    const b = await network.start(B);
    assert.deepEqual(b.addresses, [A]);
    await network.time.run(3000);
    assert.ok(a.log.lines.some(({ reason }) => reason === "not_admitted"));
    network.group.carries = () => true;
    await network.time.run(6000);
    assert.equal(a.channel.describe().members[0]?.kind, "ours");
  });

  it("makes its socket anew after recoveryCounter failures, every recoverySleepTime until it works", async () => {
    const network = new Network();
    const [a, b] = [await network.start(A), await network.start(B, { recoveryCounter: 3, recoverySleepMs: 2000 })];
    network.group.failure = (address) => (address === B ? Object.assign(new Error("network is down"), { code: "ENETDOWN" }) : undefined);
    await network.time.run(20_000);
    const lines = b.log.lines.filter(({ component }) => component === "McastService").map(({ msg }) => msg);
    assert.equal(lines[0], "Multicast failed");
    assert.equal(lines.filter((line) => line === "Multicast does not recover yet").length, 10);
    network.group.failure = () => undefined;
    await network.time.run(8000);
    assert.ok(b.log.lines.some(({ msg }) => msg === "Multicast works again"));
    assert.deepEqual([a.addresses, b.addresses], [[B], [A]]);
  });

  it("does not where recoveryEnabled is false", async () => {
    const network = new Network();
    const a = await network.start(A, { recoveryEnabled: false, recoveryCounter: 1 });
    network.group.failure = () => new Error("network is down");
    await network.time.run(20_000);
    assert.deepEqual(
      a.log.lines.filter(({ component }) => component === "McastService").map(({ msg }) => msg),
      ["Multicast failed"],
    );
  });

  it("does not start where the group cannot be joined, and says what to do", async () => {
    const network = new Network();
    network.group.failure = () => new Error("addMembership ENODEV");
    await assert.rejects(network.settled(network.node(A).channel.start()), {
      code: "MULTICAST_FAILED",
      message: /^The multicast group 228\.0\.0\.4 port 45564 cannot be used: addMembership ENODEV\. Set "bind" of the Membership/,
    });
    const elsewhere = network.node(B, { bind: "10.255.255.254" });
    await assert.rejects(network.settled(elsewhere.channel.start()), {
      message: /no interface here has the address "10\.255\.255\.254" of "bind"/,
    });
    assert.equal(elsewhere.host.listeners.size, 0, "and no socket was opened");
  });

  it("carries messages to the whole group, and takes them from members alone", async () => {
    const network = new Network();
    const nodes = [await network.start(A), await network.start(B), await network.start(C)];
    const [a] = nodes;
    const message = { kind: "Bytes", body: Buffer.from("to all") } as const;
    await network.settled(a!.channel.send(a!.channel.members, message, { acknowledge: "None", asynchronous: false, carrier: "Multicast" }));
    await network.hear(encodeChannelData({ ...messageOf("stranger", 0x41), address: createMember({ address: "10.0.0.50", port: 1 }) }));
    assert.deepEqual(
      nodes.map(({ received }) => received),
      [[], ["to all"], ["to all"]],
    );
    const large = { kind: "Bytes", body: Buffer.alloc(65_507) } as const;
    await assert.rejects(
      network.settled(a!.channel.send(a!.channel.members, large, { acknowledge: "None", asynchronous: false, carrier: "Multicast" })),
      { code: "DATAGRAM_TOO_LARGE" },
    );
  });
});
