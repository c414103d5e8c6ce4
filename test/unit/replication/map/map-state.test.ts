import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silentLogger } from "../../../../src/base/index.ts";
import type { ChannelMessage } from "../../../../src/channel/channel.ts";
import { RpcChannel } from "../../../../src/channel/rpc-channel.ts";
import {
  decodeMapMessages,
  MAP_EVENTS,
  type MapMessage,
  mapMessage,
  mapMessageFromJava,
  mapMessageToJava,
} from "../../../../src/replication/map/map-message.ts";
import { MAP_ID, MapGroup, type MapNodeOptions, Words } from "../../../support/map-group.ts";
import { testMetrics } from "../../../support/recording-layers.ts";

/** Two members with "a" and "b", each served by one and backed up by the other. */
async function two(options: MapNodeOptions = {}) {
  const group = await MapGroup.of(2, options);
  await group.run(group.node(1).map.put("a", new Words(["one"])));
  await group.run(group.node(2).map.put("b", new Words(["two"])));
  group.sent = [];
  return group;
}

describe("A map that starts", () => {
  it("finds those that have it, makes itself known, then asks one for the state", async () => {
    const group = await two();
    const node = await group.join(3);
    assert.deepEqual(group.sent, [
      "3>1 Init?",
      "3>2 Init?",
      "1>3 Init!",
      "2>3 Init!",
      "3>1 Start?",
      "3>2 Start?",
      "1>3 Start!",
      "2>3 Start!",
      "3>1 State?",
      "1>3 State!",
    ]);
    assert.deepEqual([node.entry("a"), node.entry("b")], ["Proxy of 1 [2]", "Proxy of 2 [1]"]);
    assert.deepEqual(
      group.nodes.map(({ map }) => map.mapMembers.map(({ address }) => address.slice(7)).join()),
      ["2,3", "1,3", "1,2"],
    );
  });

  it("starts alone, and beside members of the group that do not have it", async () => {
    const group = new MapGroup();
    const other = await group.add(1, { mapId: "another map" });
    await group.run(other.map.start());
    await group.join(2);
    assert.deepEqual(group.node(2).map.mapMembers, []);
    assert.deepEqual(group.sent, ["2>1 Init?", "1>2 no map!", "2>1 Start?", "1>2 no map!"]);
  });

  it("gets its state in blocks, each asked for when the one before is installed (rule 6)", async () => {
    const group = await MapGroup.of(1);
    const long = "k".repeat(1000);
    for (let index = 0; index < 2000; index++) await group.run(group.node(1).map.put(`${long}${index}`, new Words()));
    group.sent = [];
    const node = await group.join(2);
    assert.equal(group.sent.filter((line) => line === "2>1 State?").length, 3);
    assert.equal(node.map.fullSize, 2000);
    await group.run(group.clock.advance(2000));
    assert.equal(group.node(1).map.entriesAtRisk, 0);
    assert.equal(node.map.size, 2000);
  });

  it("hears of everything that happens while its state is on the way, which does not undo it (rules 4 and 6)", async () => {
    const group = await two();
    const node = await group.add(3);
    let joining: Promise<void> | undefined;
    group.lose = (line) => {
      if (line === "1>3 State!") {
        joining = Promise.all([
          group.node(1).map.put("c", new Words(["three"])),
          group.node(2).map.remove("b"),
          group.node(2).map.get("a"),
        ]).then(() => undefined);
      }
      return false;
    };
    await group.run(node.map.start());
    await group.run(joining);
    assert.deepEqual(
      ["a", "b", "c"].map((key) => group.entries(key)),
      [
        ["Backup of 2 [1]: one", "Primary of 2 [1]: one", "Proxy of 2 [1]"],
        [undefined, undefined, undefined],
        ["Primary of 1 [3]: three", "Proxy of 1 [3]", "Backup of 1 [3]: three"],
      ],
    );
  });

  it("asks another member when the first does not answer, and again when none does", async () => {
    const group = await two();
    const node = await group.add(3, { rpcTimeoutMs: 1000 });
    let lost = 0;
    group.lose = (line) => line.endsWith("State!") && lost++ < 3;
    await group.run(node.map.start());
    assert.deepEqual(
      group.sent.filter((line) => line.endsWith("State?")),
      ["3>1 State?", "3>2 State?", "3>1 State?", "3>2 State?"],
    );
    assert.equal(node.map.fullSize, 2);
  });

  it("waits for a member that neither answers nor goes, and can be told to stop waiting (rule 5)", async () => {
    const group = await two();
    const node = await group.add(3, { rpcTimeoutMs: 1000 });
    group.lose = (line) => line.startsWith("1>3");
    const starting = node.map.start();
    starting.catch(() => undefined);
    await group.clock.advance(30_000);
    assert.equal(group.sent.filter((line) => line === "3>2 Start?").length, 0);
    node.map.abortStart();
    await assert.rejects(group.run(starting), { code: "MAP_STOPPED" });
    await group.run(node.channel.stop());
  });

  it("lets the first in absolute order start empty when all start together, and the others wait for it (rule 5)", async () => {
    const group = new MapGroup();
    const nodes = [await group.add(1), await group.add(2), await group.add(3)];
    group.lose = (line) => line === "1>3 Init!" && group.clock.monotonic() < 5000;
    await group.run(Promise.all(nodes.toReversed().map(({ map }) => map.start())));
    assert.deepEqual(
      nodes.map(({ map }) => map.mapMembers.length),
      [2, 2, 2],
    );
    await group.run(nodes[2]!.map.put("a", new Words(["one"])));
    assert.equal(group.entries("a").filter((entry) => entry?.startsWith("Proxy")).length, 1);
  });

  it("takes a member that starts anew for one that has lost what it had", async () => {
    const group = await two();
    await group.restart(2);
    await group.settle();
    assert.deepEqual(group.entries("a"), ["Primary of 1 [2]: one", "Backup of 1 [2]: one"]);
    assert.deepEqual(group.entries("b"), ["Primary of 1 [2]: two", "Backup of 1 [2]: two"]);
  });

  it("is asked for its state by a Tomcat without a key, and gives all of it at once", async () => {
    const group = await two();
    const asker = await group.add(3);
    const calls = new RpcChannel(
      { carrier: asker.channel, clock: group.clock, logger: silentLogger, metrics: testMetrics(), random: group.random },
      { rpcId: MAP_ID },
      { replyRequest: () => null },
    );
    calls.open();
    const ask = async (key: string | null) => {
      const question = mapMessageToJava(mapMessage(MAP_EVENTS.State, MAP_ID, { key }));
      const options = { mode: "First", timeoutMs: 1000, acknowledge: "Received", asynchronous: false } as const;
      const { replies } = await group.run(calls.call([group.node(1).member], question, options));
      return replies[0]!.message === null ? null : mapMessageFromJava(replies[0]!.message);
    };
    const keys = (reply: MapMessage | null) => decodeMapMessages(reply!.value!).map(({ event, key }) => [event, key]);
    assert.deepEqual(keys(await ask(null)), [
      [MAP_EVENTS.Proxy, "a"],
      [MAP_EVENTS.Proxy, "b"],
    ]);
    assert.deepEqual(keys(await ask("0")), keys(await ask(null)));
    for (const elsewhere of ["1", "-1", "x", "9"]) assert.equal(await ask(elsewhere), null);
    calls.close();
  });
});

describe("A map whose group was cut in two", () => {
  async function cut() {
    const group = await MapGroup.of(4);
    await group.run(group.node(1).map.put("a", new Words(["one"])));
    assert.deepEqual(group.entries("a"), ["Primary of 1 [2]: one", "Backup of 1 [2]: one", "Proxy of 1 [2]", "Proxy of 1 [2]"]);
    await group.partition([1, 3], [2, 4]);
    assert.deepEqual(group.entries("a"), [
      "Primary of 1 [3]: one",
      "Primary of 2 [4]: one",
      "Backup of 1 [3]: one",
      "Backup of 2 [4]: one",
    ]);
    return group;
  }

  async function change(group: MapGroup, name: number, ...words: string[]): Promise<void> {
    const { map } = group.node(name);
    for (const word of words) await group.run(map.replicate("a", (map.get("a") as Words).add(word)));
  }

  it("has one primary again when it is whole: the one with more changes (rule 11)", async () => {
    const group = await cut();
    await change(group, 1, "left");
    await change(group, 2, "right", "right");
    await group.heal();
    assert.deepEqual(group.entries("a"), [
      "Proxy of 2 [4]",
      "Primary of 2 [4]: one right right",
      "Proxy of 2 [4]",
      "Backup of 2 [4]: one right right",
    ]);
  });

  it("has the first in absolute order as its primary when nothing has changed", async () => {
    const group = await cut();
    await group.heal();
    assert.deepEqual(group.entries("a"), ["Primary of 1 [3]: one", "Proxy of 1 [3]", "Backup of 1 [3]: one", "Proxy of 1 [3]"]);
  });

  it("knows everywhere what was made and what was removed meanwhile", async () => {
    const group = await MapGroup.of(4);
    await group.run(group.node(1).map.put("gone", new Words(["one"])));
    await group.partition([1, 2], [3, 4]);
    await group.run(group.node(1).map.remove("gone"));
    await group.run(group.node(2).map.put("left", new Words(["two"])));
    await group.run(group.node(3).map.put("right", new Words(["three"])));
    await group.heal();
    assert.deepEqual(
      group.entries("left").map((entry) => entry?.split(" ").slice(0, 3).join(" ")),
      ["Backup of 2", "Primary of 2", "Proxy of 2", "Proxy of 2"],
    );
    assert.deepEqual(
      group.entries("right").map((entry) => entry?.split(" ").slice(0, 3).join(" ")),
      ["Proxy of 3", "Proxy of 3", "Primary of 3", "Backup of 3"],
    );
    assert.deepEqual(group.entries("gone"), [undefined, undefined, undefined, undefined]);
  });

  it("gives a change that nobody else had to somebody at once", async () => {
    const group = await two();
    await group.partition([1], [2]);
    await change(group, 1, "alone");
    assert.equal(group.node(1).map.isAtRisk("a"), true);
    await group.heal();
    assert.deepEqual(group.entries("a"), ["Primary of 1 [2]: one alone", "Backup of 1 [2]: one alone"]);
    assert.equal(group.node(1).map.entriesAtRisk + group.node(2).map.entriesAtRisk, 0);
  });

  it("tells a Tomcat entry by entry what it has missed", async () => {
    const group = await MapGroup.of(3, { isOurs: () => false });
    await group.partition([1, 2], [3]);
    await group.run(group.node(1).map.put("a", new Words(["one"])));
    group.sent = [];
    await group.heal();
    assert.ok(group.sent.includes("1>3 Proxy"));
    assert.ok(!group.sent.some((line) => line.endsWith(" State")));
    assert.equal(group.node(3).entry("a"), "Proxy of 1 [2]");
  });
});

describe("A map among members that come and go", () => {
  it("asks all members of the channel whether they have it, and finds one whose start it has not heard", async () => {
    const group = await two();
    const node = await group.add(3);
    group.lose = (line) => line === "3>1 Start?";
    const starting = node.map.start();
    await group.clock.advance(6000);
    group.lose = () => false;
    await group.run(starting);
    await group.clock.advance(6000);
    assert.ok(group.sent.includes("1>3 Ping?") && group.sent.includes("3>1 Ping!"));
    assert.equal(group.node(1).map.mapMembers.length, 2);
  });

  it("gives up a member that does not answer for accessTimeout, and takes it back when it does", async () => {
    const group = await two();
    group.lose = (line) => line === "2>1 Ping!";
    await group.clock.advance(16_000);
    assert.deepEqual(group.node(1).map.mapMembers, []);
    assert.equal(group.node(1).map.entriesAtRisk, 2);
    group.lose = () => false;
    await group.clock.advance(12_000);
    assert.deepEqual([group.node(1).map.entriesAtRisk, group.node(2).map.entriesAtRisk, group.node(1).map.mapMembers.length], [0, 0, 1]);
    for (const key of ["a", "b"])
      assert.deepEqual(
        group
          .entries(key)
          .map((entry) => entry?.split(" ")[0])
          .toSorted(),
        ["Backup", "Primary"],
      );
  });

  it("gives a value up for whoever serves it now when the member that gave it says so, though that news was lost (rule 11)", async () => {
    const group = await MapGroup.ofThree({
      chooseBackup: (_key, candidates) => candidates.find(({ address }) => address.endsWith(".1")) ?? candidates[0],
    });
    assert.equal(group.node(2).entry("a"), "Backup of 1 [2]: one");
    group.lose = (line) => line === "2>3 RetrieveBackup!" || line === "1>2 Proxy";
    await group.run(group.node(3).map.get("a"));
    await group.settle();
    assert.deepEqual(group.entries("a"), ["Backup of 3 [1]: one", "Proxy of 3 [1]", "Primary of 3 [1]: one"]);
    assert.ok(group.sent.includes("2>1 RetrieveBackup?"));
    group.sent = [];
    await group.clock.advance(20_000);
    assert.deepEqual(group.entries("a"), ["Backup of 3 [1]: one", "Proxy of 3 [1]", "Primary of 3 [1]: one"]);
    assert.ok(group.sent.filter((line) => !line.includes("Ping")).length < 20);
  });

  it("comes to an agreement on who serves an entry though the first answer to the question was lost (rule 11)", async () => {
    const group = await MapGroup.ofThree();
    group.lose = (line) => line === "3>1 RetrieveBackup!";
    await group.run(group.node(3).map.get("a"));
    await group.settle();
    assert.ok(group.sent.includes("1>3 RetrieveBackup?"));
    assert.match(group.node(1).entry("a")!, /^Primary of 1/);
    await group.clock.advance(3000);
    group.lose = () => false;
    await group.clock.advance(20_000);
    assert.deepEqual(
      group
        .entries("a")
        .map((entry) => entry?.split(" ")[0])
        .toSorted(),
      ["Backup", "Primary", "Proxy"],
    );
  });

  it("refuses a value that arrives behind what its sender has told since (rule 10)", async () => {
    const group = await MapGroup.ofThree();
    const held: ChannelMessage[] = [];
    const { drop } = group.network;
    group.network.drop = (message, from, to) => drop(message, from, to) && held.push(message) > 0;
    group.lose = (line) => line.startsWith("1>2 Backup");
    await group.change(1, "two");
    await group.settle();
    const expected = ["Primary of 1 [3]: one two", "Proxy of 1 [3]", "Backup of 1 [3]: one two"];
    assert.deepEqual(group.entries("a"), expected);
    group.lose = () => false;
    const late = group.network.receiverAt("10.0.0.2", 4000)!;
    await assert.rejects(async () => late.onMessage(held.at(-1)!));
    await group.settle();
    assert.deepEqual(group.entries("a"), expected);
  });

  it("hands its entries over when it stops, and says so", async () => {
    const group = await MapGroup.of(3);
    await group.run(group.node(1).map.put("a", new Words(["one"])));
    group.sent = [];
    await group.run(group.node(1).map.stop());
    await group.settle();
    assert.deepEqual(group.sent.slice(0, 2), ["1>2 Stop", "1>3 Stop"]);
    assert.deepEqual(group.entries("a").slice(1), ["Primary of 2 [3]: one", "Backup of 2 [3]: one"]);
    assert.equal(group.node(1).map.fullSize, 0);
    await group.clock.advance(6000);
    assert.ok(group.sent.includes("1>2 no map!"));
  });

  it("leaves no timer behind", async () => {
    const group = await two();
    for (const node of group.nodes) {
      await group.run(node.map.stop());
      await group.run(node.channel.stop());
    }
    await group.clock.advance(30_000);
    assert.equal(group.clock.pendingTimers, 0);
  });
});
