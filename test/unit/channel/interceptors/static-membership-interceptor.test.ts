import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silentLogger } from "../../../../src/base/index.ts";
import { StaticMembershipInterceptor } from "../../../../src/channel/interceptors/static-membership-interceptor.ts";
import type { ConfiguredMembers } from "../../../../src/channel/membership/configured-member.ts";
import { createMember, SHUTDOWN_COMMAND } from "../../../../src/channel/wire/member-block.ts";
import type { StaticMemberConfig } from "../../../../src/config/index.ts";
import { encryption, failureDetector, interceptorConfig, messageDispatch } from "../../../support/channel-cluster.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { RecordingAbove, RecordingBelow, testMember, testMessage } from "../../../support/recording-layers.ts";
import { SeededRandom } from "../../../support/seeded-random.ts";
import { messageOfVector } from "../../../support/tribes-vectors.ts";
import { VirtualChannels } from "../../../support/virtual-channels.ts";

const [A, B, C] = [testMember(1), testMember(2), testMember(3)];
const ID = Buffer.alloc(16, 0x5a);

async function layer(options: Partial<ConfiguredMembers & { optionFlag: number }> = {}) {
  const clock = new ManualClock();
  const above = new RecordingAbove();
  const below = new RecordingBelow();
  const random = new SeededRandom(1);
  const members = [A, B, C].map((member) => createMember({ ...member, uniqueId: ID }));
  const interceptor = new StaticMembershipInterceptor({ clock, random, logger: silentLogger }, { members, optionFlag: 0, ...options });
  interceptor.link(above, below);
  await interceptor.start();
  return { clock, above, below, interceptor };
}

describe("StaticMembershipInterceptor", () => {
  it("adds its members to those of the membership, and is the one that listens where the receiver does", async () => {
    const { above, below, interceptor } = await layer();
    assert.deepEqual(above.events, ["added 127.0.9.2", "added 127.0.9.3"]);
    below.members = [testMember(9)];
    assert.deepEqual(
      interceptor.members.map(({ address }) => address),
      ["127.0.9.9", "127.0.9.2", "127.0.9.3"],
    );
    assert.deepEqual([interceptor.localMember.name, interceptor.localMember.uniqueId], [A.name, ID]);
    const other = await layer({ localMember: createMember({ address: "127.0.9.8", port: 7 }) });
    assert.equal(other.interceptor.localMember.name, "tcp://127.0.9.8:7");
    const unlisted = await layer({ members: [B] });
    assert.deepEqual(unlisted.interceptor.localMember, unlisted.below.localMember);
  });

  it("writes the notices of a Tomcat 10.1.60 when it starts and when it goes", async () => {
    const { clock, below, interceptor } = await layer();
    await interceptor.sayGoodbye([B]);
    const [first, second, goodbye] = below.sent;
    assert.deepEqual(
      [first?.destinations, second?.destinations, goodbye?.destinations].flat().map((member) => member?.address),
      ["127.0.9.2", "127.0.9.3", "127.0.9.2"],
    );
    for (const [sent, name] of [
      [first, "static-start"],
      [goodbye, "static-stop"],
    ] as const) {
      const vector = messageOfVector(name);
      assert.deepEqual([sent?.message.options, sent?.message.body], [vector.options, vector.body]);
      assert.deepEqual([sent?.message.address, sent?.message.timestamp], [interceptor.localMember, clock.now()]);
    }
    assert.deepEqual(below.goodbyes, [B], "and the layers below say theirs");
  });

  it("marks its notices with its optionFlag", async () => {
    const { below } = await layer({ optionFlag: 0x400 });
    assert.equal(below.sent[0]?.message.options, 0x400);
  });

  it("takes a member's notices, whatever id it announces, and nobody else's; none reaches the application", async () => {
    const { above, interceptor } = await layer();
    const [start, stop] = [messageOfVector("static-start").body, messageOfVector("static-stop").body];
    above.events.length = 0;
    const notice = (address: typeof B, body: Buffer) => void interceptor.messageReceived(testMessage({ options: 0, address, body }));
    notice(testMember(2), stop);
    notice(testMember(7), stop);
    notice(testMember(7), start);
    assert.deepEqual(above.events, ["disappeared 127.0.9.2"]);
    assert.deepEqual(
      interceptor.members.map(({ address }) => address),
      ["127.0.9.3"],
    );
    notice(testMember(2), start);
    assert.deepEqual(above.events, ["disappeared 127.0.9.2", "added 127.0.9.2"]);
    assert.equal(above.messages.length, 0);
    void interceptor.messageReceived(testMessage({ address: testMember(2), body: Buffer.from("Local StaticMember") }));
    assert.equal(above.messages.length, 1);
  });

  it("takes a good-bye of ours for one, and looks for who has left with the next heartbeat", async () => {
    const { above, below, interceptor } = await layer();
    above.events.length = 0;
    const leaving = createMember({ ...testMember(2), command: SHUTDOWN_COMMAND });
    assert.equal(interceptor.memberAt(leaving), undefined);
    assert.equal(interceptor.memberAt(testMember(2))?.uniqueId, ID);
    void interceptor.messageReceived(testMessage({ address: leaving }));
    assert.deepEqual(above.events, ["disappeared 127.0.9.2"]);
    interceptor.heartbeat();
    interceptor.heartbeat();
    assert.deepEqual([above.events, below.heartbeats], [["disappeared 127.0.9.2", "added 127.0.9.2"], 2]);
  });
});

const PORT = 4000;
const ADDRESSES = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];

function staticMember(host: string): StaticMemberConfig {
  const uniqueId = `{${new Array<number>(16).fill(Number(host.at(-1))).join(",")}}`;
  return { host, port: PORT, securePort: -1, udpPort: -1, domain: "", uniqueId, location: { file: "server.xml", line: 1, column: 1 } };
}

describe("a channel whose only members are those of a StaticMembershipInterceptor", () => {
  const members = ADDRESSES.map(staticMember);
  const configured = { ...interceptorConfig("StaticMembershipInterceptor"), staticMembers: { members } };

  async function start(group: VirtualChannels, address: string) {
    const interceptors = [messageDispatch(), encryption(), failureDetector(), configured];
    const node = group.create(address, { membership: { type: "None" }, interceptors });
    await group.settled(node.channel.start());
    await group.time.run(200);
    return node;
  }

  it("is a group of those that run: found, left, killed, frozen and back (rules 3, 20)", async () => {
    const group = new VirtualChannels(PORT);
    const a = await start(group, ADDRESSES[0]!);
    assert.deepEqual([a.addresses, a.channel.suspects, a.channel.listsLocalMember], [[], [], true]);
    const b = await start(group, ADDRESSES[1]!);
    const c = await start(group, ADDRESSES[2]!);
    for (const node of [a, b, c]) {
      const ours = node.channel.describe().members.filter(({ kind }) => kind === "ours");
      assert.equal(ours.length, 2, "each has found the others, and been greeted");
    }
    assert.equal(a.channel.members[0]?.uniqueId.toString("hex"), "02".repeat(16));
    await group.settled(c.channel.stop());
    await group.time.run(10);
    assert.deepEqual([a.addresses, b.addresses], [[ADDRESSES[1]], [ADDRESSES[0]]]);
    b.freeze();
    await group.time.run(30_000);
    assert.deepEqual(a.addresses, []);
    b.thaw();
    await group.time.run(10_000);
    assert.deepEqual(a.addresses, [ADDRESSES[1]]);
    group.kill(b, "Silent");
    await group.time.run(30_000);
    assert.deepEqual(a.addresses, []);
    const again = await start(group, ADDRESSES[2]!);
    await group.time.run(10_000);
    assert.deepEqual([a.addresses, again.addresses], [[ADDRESSES[2]], [ADDRESSES[0]]]);
  });

  it("takes no connection from an address that is not configured (rule 20)", async () => {
    const group = new VirtualChannels(PORT);
    const a = await start(group, ADDRESSES[0]!);
    await start(group, "10.0.0.9");
    await group.time.run(20_000);
    assert.deepEqual([a.events, a.log.lines.some(({ reason }) => reason === "not_admitted")], [[], true]);
  });
});
