import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MapGroup, Words, wordValues } from "../../../support/map-group.ts";

describe("ReplicatedMap", () => {
  it("has a copy on every member", async () => {
    const group = await MapGroup.of(3, { kind: "replicated" });
    await group.run(group.node(1).map.put("a", new Words(["one"])));
    assert.deepEqual(group.entries("a"), ["Primary of 1 [2,3]: one", "Copy of 1 [2,3]: one", "Copy of 1 [2,3]: one"]);
    assert.deepEqual(group.sent, ["1>2 Copy", "1>3 Copy"]);
    assert.deepEqual(
      group.nodes.map(({ map }) => map.size),
      [1, 1, 1],
    );
  });

  it("sends changes alone, and uses that are due, to all", async () => {
    const group = await MapGroup.ofThree({ kind: "replicated" });
    await group.change(1, "two");
    assert.deepEqual(group.sent, ["1>2 Copy diff", "1>3 Copy diff"]);
    const value = group.node(1).map.get("a") as Words;
    value.isAccessDue = true;
    await group.run(group.node(1).map.replicate("a", value));
    assert.deepEqual(group.sent.slice(2), ["1>2 Access", "1>3 Access"]);
    assert.deepEqual(
      group.entries("a").map((entry) => entry?.split(": ")[1]),
      ["one two", "one two", "one two"],
    );
  });

  it("is taken over by a copy, which tells all others, as does the old primary", async () => {
    const group = await MapGroup.ofThree({ kind: "replicated" });
    await group.change(3, "two");
    assert.deepEqual(group.entries("a"), ["Copy of 3 [1,2]: one two", "Copy of 3 [1,2]: one two", "Primary of 3 [1,2]: one two"]);
    assert.deepEqual(group.sent, ["3>1 NotifyMapMember", "3>2 NotifyMapMember", "1>2 NotifyMapMember", "3>1 Copy diff", "3>2 Copy diff"]);
    assert.deepEqual(group.node(3).madePrimary, ["a"]);
  });

  it("goes to the first of its copies when its primary dies, which sends what the others may not have had", async () => {
    const group = await MapGroup.ofThree({ kind: "replicated" });
    group.lose = (line) => line === "1>3 Copy diff";
    const { map } = group.node(1);
    const sending = map.replicate("a", (map.get("a") as Words).add("two"));
    await group.clock.advance(10);
    assert.equal(group.node(3).entry("a"), "Copy of 1 [2,3]: one");
    await group.kill(1);
    assert.deepEqual(group.entries("a"), ["Primary of 2 [3]: one two", "Copy of 2 [3]: one two"]);
    assert.deepEqual(group.node(2).madePrimary, ["a"]);
    await group.run(sending);
  });

  it("tells the copies who they are when one of them dies", async () => {
    const group = await MapGroup.ofThree({ kind: "replicated" });
    await group.kill(2);
    assert.deepEqual(group.entries("a"), ["Primary of 1 [3]: one", "Copy of 1 [3]: one"]);
    assert.ok(group.sent.includes("1>3 NotifyMapMember"));
  });

  it("goes to the first member in absolute order when no copy is named that is left", async () => {
    const group = await MapGroup.ofThree({ kind: "replicated" });
    await group.join(4);
    assert.equal(group.node(4).entry("a"), "Copy of 1 [2,3]: one");
    for (const name of [2, 3, 1]) await group.kill(name);
    assert.deepEqual(group.entries("a"), ["Primary of 4 []: one"]);
  });

  it("comes whole to a member that joins, which gets the changes from then on", async () => {
    const group = await MapGroup.ofThree({ kind: "replicated" });
    const node = await group.join(4);
    assert.ok(group.sent.includes("4>1 StateCopy?"));
    assert.equal(node.entry("a"), "Copy of 1 [2,3]: one");
    await group.change(1, "two");
    assert.equal(node.entry("a"), "Copy of 1 [2,3,4]: one two");
  });

  it("comes to a member in blocks (rule 6)", async () => {
    const group = await MapGroup.of(1, { kind: "replicated" });
    const long = "w".repeat(200_000);
    for (let index = 0; index < 12; index++) await group.run(group.node(1).map.put(`${index}`, new Words([long])));
    group.sent = [];
    const node = await group.join(2);
    assert.equal(group.sent.filter((line) => line === "2>1 StateCopy?").length, 2);
    assert.equal(node.map.size, 12);
  });

  it("sends the whole value when a copy refuses a change, and again later to one that takes neither (rules 11 and 12)", async () => {
    const group = await MapGroup.ofThree({ kind: "replicated", values: { ...wordValues, applyDiff: () => assert.fail("Unreadable") } });
    group.lose = (line) => line === "1>3 Copy";
    await group.change(1, "two");
    assert.deepEqual(group.entries("a"), ["Primary of 1 [2]: one two", "Copy of 1 [2,3]: one two", "Copy of 1 [2,3]: one"]);
    group.lose = () => false;
    await group.clock.advance(6000);
    assert.deepEqual(group.entries("a"), ["Primary of 1 [2,3]: one two", "Copy of 1 [2,3]: one two", "Copy of 1 [2,3]: one two"]);
  });

  it("is at risk without another member", async () => {
    const group = await MapGroup.of(1, { kind: "replicated" });
    await group.run(group.node(1).map.put("a", new Words(["one"])));
    assert.equal(group.node(1).map.entriesAtRisk, 1);
    await group.join(2);
    await group.settle();
    assert.equal(group.node(1).map.entriesAtRisk, 0);
    assert.deepEqual(group.entries("a"), ["Primary of 1 [2]: one", "Copy of 1 [2]: one"]);
  });

  it("has equal copies again when its group is whole: those with more changes (rule 11)", async () => {
    const group = await MapGroup.ofThree({ kind: "replicated" });
    await group.join(4);
    await group.partition([1, 2], [3, 4]);
    assert.equal(group.node(3).entry("a"), "Primary of 3 [4]: one");
    for (const [name, word] of [
      [1, "left"],
      [3, "right"],
      [3, "right"],
    ] as const)
      await group.change(name, word);
    await group.heal();
    assert.deepEqual(
      group.entries("a").map((entry) => `${entry?.split(" ")[0]} ${entry?.split(": ")[1]}`),
      ["Copy one right right", "Copy one right right", "Primary one right right", "Copy one right right"],
    );
  });

  it("has the first in absolute order as its primary when nothing has changed", async () => {
    const group = await MapGroup.ofThree({ kind: "replicated" });
    await group.join(4);
    await group.partition([1, 2], [3, 4]);
    await group.heal();
    assert.deepEqual(group.entries("a"), ["Primary of 1 [2,3,4]: one", ...[2, 3, 4].map(() => "Copy of 1 [2,3,4]: one")]);
  });

  it("is removed everywhere", async () => {
    const group = await MapGroup.ofThree({ kind: "replicated" });
    assert.deepEqual((await group.run(group.node(2).map.remove("a")))?.words, ["one"]);
    assert.deepEqual(group.entries("a"), [undefined, undefined, undefined]);
  });
});
