import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CoordinationDescription } from "../../../../src/channel/describe-channel.ts";
import type { StaticMemberConfig } from "../../../../src/config/index.ts";
import { encryption, failureDetector, interceptorConfig, messageDispatch } from "../../../support/channel-cluster.ts";
import { type VirtualChannel, VirtualChannels } from "../../../support/virtual-channels.ts";

const PORT = 4000;
const HEARTBEAT_MS = 5000;
const [A, B, C, D] = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"];
const ALL = [A, B, C, D];

function staticMember(host: string): StaticMemberConfig {
  const uniqueId = `{${new Array<number>(16).fill(Number(host.at(-1))).join(",")}}`;
  return { host, port: PORT, securePort: -1, udpPort: -1, domain: "", uniqueId, location: { file: "server.xml", line: 1, column: 1 } };
}

class Group extends VirtualChannels {
  readonly #kind: string;

  constructor(kind: string) {
    super(PORT);
    this.#kind = kind;
  }

  /** It knows these members besides itself. */
  node(address: string, knows: readonly string[] = ALL): VirtualChannel {
    const staticMembers = { members: [...new Set([address, ...knows])].map(staticMember) };
    const configured = { ...interceptorConfig("StaticMembershipInterceptor"), staticMembers };
    const interceptors = [interceptorConfig(this.#kind), messageDispatch(), encryption(), failureDetector(), configured];
    return this.create(address, { membership: { type: "None" }, interceptors });
  }

  /** Together. */
  async start(...nodes: readonly VirtualChannel[]): Promise<void> {
    await this.settled(Promise.all(nodes.map(({ channel }) => channel.start())));
  }
}

function coordination({ channel }: VirtualChannel): CoordinationDescription {
  return channel.describe().coordination!;
}

function names(...addresses: readonly string[]): readonly string[] {
  return addresses.map((address) => `tcp://${address}:${PORT}`);
}

/** All have this view, and the same election gave it to them. */
function assertAgreed(nodes: readonly VirtualChannel[], view: readonly string[]): void {
  for (const node of nodes) assert.deepEqual(coordination(node).view, view);
  assert.deepEqual(
    nodes.map((node) => coordination(node).isCoordinator),
    nodes.map((node) => node.channel.localMember.name === view[0]),
  );
  assert.equal(new Set(nodes.map((node) => coordination(node).viewId)).size, 1);
}

for (const kind of ["NonBlockingCoordinator", "SimpleCoordinator"]) {
  describe(`${kind}: what any coordinator does`, () => {
    it("leads itself while it is alone, and has no view before it has looked", async () => {
      const group = new Group(kind);
      const a = group.node(A);
      const none = { coordinator: undefined, isCoordinator: false, view: [], viewId: undefined };
      assert.deepEqual(coordination(a), none);
      await group.start(a);
      await group.time.run(3000);
      assertAgreed([a], names(A));
      assert.equal(coordination(a).coordinator, `tcp://${A}:${PORT}`);
      await group.settled(a.channel.stop());
      assert.deepEqual(coordination(a), none);
    });

    it("has all agree on the first in absolute order, whoever starts when", async () => {
      const group = new Group(kind);
      const nodes = ALL.map((address) => group.node(address));
      const [a, b, c, d] = nodes as [VirtualChannel, VirtualChannel, VirtualChannel, VirtualChannel];
      await group.start(b, d);
      await group.time.run(8000);
      assertAgreed([b, d], names(B, D));
      await group.start(a, c);
      await group.time.run(15_000);
      assertAgreed(nodes, names(...ALL));
    });

    it("follows a leader that leaves, one that is killed, and one that is frozen and comes back (rule 3)", async () => {
      const group = new Group(kind);
      const nodes = ALL.map((address) => group.node(address));
      const [a, b, c, d] = nodes as [VirtualChannel, VirtualChannel, VirtualChannel, VirtualChannel];
      await group.start(...nodes);
      await group.time.run(15_000);
      await group.settled(a.channel.stop());
      await group.time.run(5000);
      assertAgreed([b, c, d], names(B, C, D));
      b.freeze();
      await group.time.run(45_000);
      assertAgreed([c, d], names(C, D));
      b.thaw();
      await group.time.run(60_000);
      assertAgreed([b, c, d], names(B, C, D));
      group.kill(b, "Silent");
      await group.time.run(45_000);
      assertAgreed([c, d], names(C, D));
    });

    it("unites what a partition had parted", async () => {
      const group = new Group(kind);
      const nodes = ALL.map((address) => group.node(address));
      const [a, b, c, d] = nodes as [VirtualChannel, VirtualChannel, VirtualChannel, VirtualChannel];
      await group.start(...nodes);
      await group.time.run(15_000);
      const side = (address: string) => address === A || address === D;
      group.network.cut((from, to) => side(from) !== side(to));
      await group.time.run(60_000);
      assertAgreed([a, d], names(A, D));
      assertAgreed([b, c], names(B, C));
      group.network.heal();
      await group.time.run(60_000);
      assertAgreed(nodes, names(...ALL));
    });
  });
}

describe("NonBlockingCoordinator", () => {
  it("has members agree that do not all know each other, and passes on to the application those alone that are listed", async () => {
    const group = new Group("NonBlockingCoordinator");
    // Loopback addresses may all connect, as with a Tomcat; elsewhere rule 20 lets in the listed ones only.
    const [one, two, three] = ["127.0.0.2", "127.0.0.3", "127.0.0.4"] as const;
    const [a, b, c] = [group.node(one, [two]), group.node(two, [one, three]), group.node(three, [two])];
    await group.start(a, b, c);
    await group.time.run(40_000);
    assertAgreed([a, b, c], names(one, two, three));
    assert.deepEqual([a.addresses, c.addresses], [[two], [two]]);
    group.kill(c, "Refuses");
    await group.time.run(60_000);
    assertAgreed([a, b], names(one, two));
  });

  it("lets no token go round for ever where those that do not know each other let each other not in (rule 20)", async () => {
    const group = new Group("NonBlockingCoordinator");
    const nodes = [group.node(A, [B]), group.node(B, [A, C]), group.node(C, [B])];
    await group.start(...nodes);
    const before = group.time.events;
    await group.time.run(60_000);
    assert.ok(group.time.events - before < 20_000, `${group.time.events - before} events`);
    assert.ok(nodes.some(({ log }) => log.lines.some(({ msg }) => msg.startsWith("Members do not agree on who there is"))));
  });

  it("elects again when a token is lost with the member that had it", async () => {
    const group = new Group("NonBlockingCoordinator");
    const nodes = ALL.map((address) => group.node(address));
    const [a, b, c, d] = nodes as [VirtualChannel, VirtualChannel, VirtualChannel, VirtualChannel];
    await group.start(a, b, c);
    await group.time.run(15_000);
    let killed = false;
    // B has the token that the joiner is the reason for, and dies with its first bytes for C.
    group.network.delay = (from, to) => {
      if (!killed && from === B && to === C && d.channel.members.length > 0) {
        killed = true;
        group.time.after(0, () => group.kill(b, "Silent"));
      }
      return 1;
    };
    await group.start(d);
    await group.time.run(90_000);
    assert.ok(killed);
    assertAgreed([a, c, d], names(A, C, D));
  });

  it("tells a member that has come back with nothing what the others agreed on", async () => {
    const group = new Group("NonBlockingCoordinator");
    const [a, b] = [group.node(A), group.node(B)];
    await group.start(a, b);
    await group.time.run(15_000);
    group.kill(b, "Refuses");
    const again = group.node(B);
    await group.start(again);
    await group.time.run(8 * HEARTBEAT_MS);
    assertAgreed([a, again], names(A, B));
  });
});
