import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { StaticMembershipConfig } from "../../../../src/config/index.ts";
import { messageDispatch } from "../../../support/channel-cluster.ts";
import { type VirtualChannel, VirtualChannels } from "../../../support/virtual-channels.ts";

const PORT = 4000;
const [A, B, C] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
const LOCATION = { file: "server.xml", line: 7, column: 3 };
const HEARTBEAT_MS = 5000;

function member(host: string, lastByte: number, port = PORT) {
  const uniqueId = `{${[...new Array<number>(15).fill(0), lastByte].join(",")}}`;
  return { host, port, securePort: -1, udpPort: -1, domain: "east", uniqueId, location: LOCATION };
}

function membership(options: Partial<StaticMembershipConfig> = {}): StaticMembershipConfig {
  return {
    type: "Static",
    membershipName: "shop-Channel-StaticMembership",
    members: [member(A, 1), member(B, 2)],
    expirationMs: 5000,
    connectTimeoutMs: 500,
    rpcTimeoutMs: 3000,
    ...options,
  };
}

class Group extends VirtualChannels {
  constructor() {
    super(PORT);
  }

  node(address: string, options: Partial<StaticMembershipConfig> = {}): VirtualChannel {
    return this.create(address, { membership: membership(options) });
  }

  async start(address: string, options: Partial<StaticMembershipConfig> = {}): Promise<VirtualChannel> {
    const node = this.node(address, options);
    await this.settled(node.channel.start());
    await this.time.run(100);
    return node;
  }
}

describe("StaticMembershipService", () => {
  it("makes the configured members that answer members, with their configured ids, domains and ports", async () => {
    const group = new Group();
    const a = await group.start(A);
    assert.deepEqual([a.addresses, a.channel.listsLocalMember], [[], true], "nobody listens at the other's address");
    const b = await group.start(B);
    assert.deepEqual([a.addresses, b.addresses], [[B], [A]], "and knows the one that runs when it has started");
    const [known] = b.channel.members;
    assert.equal(known?.uniqueId.toString("hex"), `${"00".repeat(15)}01`);
    assert.equal(known?.domain.toString(), "east");
    assert.ok((known?.aliveTimeMs ?? 0) > 0);
    assert.equal(b.channel.localMember.uniqueId.toString("hex"), `${"00".repeat(15)}02`);
    await group.settled(Promise.all([a.channel.stop(), b.channel.stop()]));
  });

  it("hears a good-bye at once, and of one that died by its silence", async () => {
    const group = new Group();
    const members = [member(A, 1), member(B, 2), member(C, 3)];
    const a = await group.start(A, { members });
    const b = await group.start(B, { members });
    const c = await group.start(C, { members });
    await group.settled(c.channel.stop());
    await group.time.run(10);
    assert.deepEqual([a.addresses, b.addresses], [[B], [A]]);
    group.kill(b, "Silent");
    await group.time.run(4 * HEARTBEAT_MS);
    assert.deepEqual(a.events, [`added ${B}`, `added ${C}`, `disappeared ${C}`, `disappeared ${B}`]);
    const again = await group.start(B, { members });
    assert.deepEqual([a.addresses, again.addresses], [[B], [A]]);
  });

  it("rule 3: a frozen member goes, and comes back by its answer", async () => {
    const group = new Group();
    const [a, b] = [await group.start(A), await group.start(B)];
    b.freeze();
    await group.time.run(6 * HEARTBEAT_MS);
    assert.deepEqual(a.addresses, []);
    b.thaw();
    await group.time.run(2 * HEARTBEAT_MS);
    assert.deepEqual([a.addresses, b.addresses], [[B], [A]]);
  });

  it("rule 3: a member that is busy for two seconds stays one", async () => {
    const group = new Group();
    const [a, b] = [await group.start(A), await group.start(B)];
    for (let turn = 0; turn < 10; turn++) {
      b.freeze();
      await group.time.run(2000);
      b.thaw();
      await group.time.run(2700);
    }
    assert.deepEqual([a.events, b.events], [[`added ${B}`], [`added ${A}`]]);
  });

  it("rule 5: does not know its group while a member accepts connections and does not answer", async () => {
    const group = new Group();
    const b = await group.start(B);
    b.freeze();
    const a = await group.start(A);
    await group.time.run(3 * HEARTBEAT_MS);
    assert.equal(a.channel.listsLocalMember, undefined);
    b.thaw();
    await group.time.run(2 * HEARTBEAT_MS);
    assert.deepEqual([a.channel.listsLocalMember, a.addresses], [true, [B]]);
  });

  it("takes no members that are not configured, whatever they say", async () => {
    const group = new Group();
    const a = await group.start(A);
    const stranger = await group.start(C, { members: [member(A, 1), member(C, 3)] });
    await group.time.run(3 * HEARTBEAT_MS);
    assert.deepEqual([a.events, stranger.events], [[], []]);
  });

  it("takes no members of another cluster name", async () => {
    const group = new Group();
    const a = await group.start(A);
    const b = await group.start(B, { membershipName: "other-Channel-StaticMembership" });
    await group.time.run(3 * HEARTBEAT_MS);
    assert.deepEqual([a.addresses, b.addresses], [[], []]);
  });

  it("pings each pingInterval where that is set, and lets the silent ones go without a failure detector too", async () => {
    const group = new Group();
    const nodes = [A, B].map((address) =>
      group.create(address, { membership: membership({ pingIntervalMs: 500 }), interceptors: [messageDispatch()] }),
    );
    for (const node of nodes) await group.settled(node.channel.start());
    await group.time.run(100);
    assert.deepEqual(
      nodes.map((node) => node.addresses),
      [[B], [A]],
    );
    group.kill(nodes[1]!, "Refuses");
    await group.time.run(4000);
    assert.deepEqual(nodes[0]!.addresses, [B], "it has not been silent for long enough");
    await group.time.run(2000);
    assert.deepEqual(nodes[0]!.addresses, []);
  });

  it("takes the LocalMember for itself, wherever it listens", async () => {
    const group = new Group();
    const a = await group.start(A, { members: [member(B, 2)], localMember: member("10.9.9.9", 7, 9) });
    assert.equal(a.channel.localMember.name, `tcp://${A}:${PORT}`);
    assert.equal(a.channel.localMember.uniqueId.toString("hex"), `${"00".repeat(15)}07`);
  });

  it("refuses to start where no configured member is the local one, before any socket is open", async () => {
    const group = new Group();
    const stranger = group.node(C);
    await assert.rejects(group.settled(stranger.channel.start()), {
      code: "NO_LOCAL_MEMBER",
      message: `The receiver listens on ${C} port ${PORT}, and no member is configured there: the members are ${A} port 4000, ${B} port 4000. Add it, or a LocalMember`,
    });
    assert.equal(stranger.host.listeners.size, 0);
  });
});
