import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MapGroup, Words, wordValues } from "../../../support/map-group.ts";

describe("LazyReplicatedMap", () => {
  it("has one backup for an entry, one member after the other; the rest know where it is", async () => {
    const group = await MapGroup.of(3);
    await group.run(group.node(1).map.put("a", new Words(["one"])));
    assert.deepEqual(group.entries("a"), ["Primary of 1 [2]: one", "Backup of 1 [2]: one", "Proxy of 1 [2]"]);
    assert.deepEqual(group.sent, ["1>2 Backup", "1>3 Proxy"]);
    await group.run(group.node(1).map.put("b", new Words()));
    assert.deepEqual(group.entries("b"), ["Primary of 1 [3]: ", "Proxy of 1 [3]", "Backup of 1 [3]: "]);
    assert.deepEqual(
      group.nodes.map(({ map }) => `${map.size}/${map.fullSize}`),
      ["2/2", "1/2", "1/2"],
    );
    assert.deepEqual([...group.node(3).map.keys()], ["b"]);
    assert.deepEqual([...group.node(3).map.keys({ full: true })], ["a", "b"]);
  });

  it("asks its chooser for the backup, and tells it who had the value", async () => {
    const asked: string[] = [];
    const group = await MapGroup.ofThree({
      chooseBackup: (key, candidates, previous) => {
        asked.push(`${key} ${candidates.map(({ address }) => address.slice(7))} ${previous.map(({ address }) => address.slice(7))}`);
        return candidates.at(-1);
      },
    });
    assert.equal(group.node(1).entry("a"), "Primary of 1 [3]: one");
    await group.kill(3);
    assert.equal(group.node(1).entry("a"), "Primary of 1 [2]: one");
    assert.deepEqual(asked, ["a 2,3 ", "a 2 "]);
  });

  it("sends changes alone, to the backup alone, and nothing when nothing has changed", async () => {
    const group = await MapGroup.ofThree();
    await group.change(1, "two");
    assert.deepEqual(group.entries("a"), ["Primary of 1 [2]: one two", "Backup of 1 [2]: one two", "Proxy of 1 [2]"]);
    assert.deepEqual(group.sent, ["1>2 Backup diff"]);
    const value = group.node(1).map.get("a") as Words;
    await group.run(group.node(1).map.replicate("a", value));
    assert.equal(group.sent.length, 1);
    await group.run(group.node(1).map.replicate("a", value, { complete: true }));
    assert.deepEqual(group.sent.slice(1), ["1>2 Backup", "1>3 Proxy"]);
  });

  it("tells the backup of a use when that is due", async () => {
    const group = await MapGroup.ofThree();
    const value = group.node(1).map.get("a") as Words;
    value.isAccessDue = true;
    await group.run(group.node(1).map.replicate("a", value));
    assert.deepEqual(group.sent, ["1>2 Access"]);
    assert.equal(group.node(2).map.peek("a")?.value?.accesses, 1);
  });

  it("puts what changes during a send into the next one (rule 10)", async () => {
    const group = await MapGroup.ofThree();
    const { map } = group.node(1);
    const value = map.get("a") as Words;
    const sends = ["two", "three", "four"].map((word) => map.replicate("a", value.add(word)));
    await group.run(Promise.all(sends));
    assert.deepEqual(group.sent, ["1>2 Backup diff", "1>2 Backup diff"]);
    assert.equal(group.node(2).entry("a"), "Backup of 1 [2]: one two three four");
  });

  it("is taken over by a backup, which has the value and gives it back to the old primary", async () => {
    const group = await MapGroup.ofThree();
    await group.change(2, "two");
    assert.deepEqual(group.entries("a"), ["Backup of 2 [1]: one two", "Primary of 2 [1]: one two", "Proxy of 2 [1]"]);
    assert.deepEqual(group.sent, ["2>1 Backup", "2>3 Proxy", "2>1 Backup diff"]);
    assert.deepEqual(group.node(2).madePrimary, ["a"]);
  });

  it("is taken over by a proxy: fetched from the backup, which stays, told to it and to the rest, and seen by the old primary", async () => {
    const group = await MapGroup.ofThree();
    await group.change(3, "two");
    assert.deepEqual(group.entries("a"), ["Proxy of 3 [2]", "Backup of 3 [2]: one two", "Primary of 3 [2]: one two"]);
    assert.deepEqual(group.sent, [
      "3>2 RetrieveBackup?",
      "2>3 RetrieveBackup!",
      "3>2 NotifyMapMember",
      "3>1 Proxy",
      "1>3 RetrieveBackup?",
      "3>1 RetrieveBackup!",
      "3>2 Backup diff",
    ]);
    assert.deepEqual(group.node(3).madePrimary, ["a"]);
  });

  it("is fetched once for requests that come together", async () => {
    const group = await MapGroup.ofThree();
    const values = await group.run(Promise.all([group.node(3).map.get("a"), group.node(3).map.get("a")]));
    assert.equal(values[0], values[1]);
    assert.equal(group.sent.filter((line) => line === "3>2 RetrieveBackup?").length, 1);
    assert.equal(group.node(3).map.get("a"), values[0]);
    assert.equal(group.node(3).map.get("unknown"), undefined);
  });

  it("is fetched from its primary when its backup does not answer, and is unreachable when nobody does", async () => {
    const group = await MapGroup.ofThree({ rpcTimeoutMs: 2000 });
    group.lose = (line) => line.startsWith("3>") && line.includes("Retrieve");
    await assert.rejects(group.run(group.node(3).map.get("a") as Promise<Words>), (error: Error & { code: string; retryable: boolean }) => {
      assert.deepEqual([error.code, error.retryable, error.message.includes('"a"')], ["ENTRY_UNREACHABLE", true, false]);
      return /"tcp:\/\/10\.0\.0\.2:4000", "tcp:\/\/10\.0\.0\.1:4000"/.test(error.message);
    });
    group.lose = (line) => line === "3>2 RetrieveBackup?";
    assert.deepEqual((await group.run(group.node(3).map.get("a")))?.words, ["one"]);
    assert.equal(group.node(1).entry("a"), "Backup of 3 [1]: one");
    assert.equal(group.node(3).entry("a"), "Primary of 3 [1]: one");
  });

  it("is gone when those that should have it do not know it", async () => {
    const group = await MapGroup.ofThree();
    group.lose = (line) => line === "1>3 Remove";
    await group.run(group.node(1).map.remove("a"));
    assert.deepEqual(group.entries("a"), [undefined, undefined, "Proxy of 1 [2]"]);
    assert.equal(await group.run(group.node(3).map.get("a")), undefined);
    assert.equal(group.node(3).entry("a"), undefined);
  });

  it("is removed everywhere", async () => {
    const group = await MapGroup.ofThree();
    assert.deepEqual((await group.run(group.node(3).map.remove("a")))?.words, undefined);
    assert.deepEqual(group.entries("a"), [undefined, undefined, undefined]);
    assert.deepEqual(group.sent, ["3>1 Remove", "3>2 Remove"]);
  });

  it("finds another backup when the first cannot be reached, and says when there is none (rule 11)", async () => {
    const group = await MapGroup.of(3);
    const { map } = group.node(1);
    group.lose = (line) => line === "1>2 Backup";
    await group.run(map.put("a", new Words(["one"])));
    assert.deepEqual(group.entries("a"), ["Primary of 1 [3]: one", "Proxy of 1 [3]", "Backup of 1 [3]: one"]);
    assert.equal(map.entriesAtRisk, 0);
    group.lose = (line) => line.endsWith("Backup");
    await group.run(map.put("b", new Words(["one"])));
    assert.deepEqual([map.entriesAtRisk, map.isAtRisk("a"), map.isAtRisk("b")], [1, false, true]);
    group.lose = () => false;
    await group.clock.advance(6000);
    assert.equal(map.entriesAtRisk, 0);
    assert.match(group.node(1).entry("b")!, /^Primary of 1 \[[23]\]: one$/);
  });

  it("sends the whole value when a backup refuses a change, or the change was lost (rule 12)", async () => {
    const refuses = { ...wordValues, applyDiff: () => assert.fail("Unreadable") };
    const group = await MapGroup.ofThree({ values: refuses });
    await group.change(1, "two");
    assert.deepEqual(group.sent, ["1>2 Backup diff", "1>2 Backup", "1>3 Proxy"]);
    assert.equal(group.node(2).entry("a"), "Backup of 1 [2]: one two");
    group.sent = [];
    group.lose = (line) => line === "1>2 Backup diff";
    await group.change(1, "three");
    assert.equal(group.node(2).entry("a"), "Backup of 1 [2]: one two three");
    assert.equal(group.node(1).map.entriesAtRisk, 0);
  });

  it("moves to another backup when its backup dies", async () => {
    const group = await MapGroup.ofThree();
    await group.kill(2);
    assert.deepEqual(group.entries("a"), ["Primary of 1 [3]: one", "Backup of 1 [3]: one"]);
    await group.kill(3);
    assert.deepEqual(group.entries("a"), ["Primary of 1 []: one"]);
    assert.equal(group.node(1).map.entriesAtRisk, 1);
  });

  it("moves to its backup when its primary dies, which finds another", async () => {
    const group = await MapGroup.ofThree();
    await group.change(1, "two");
    await group.kill(1);
    assert.deepEqual(group.entries("a"), ["Primary of 2 [3]: one two", "Backup of 2 [3]: one two"]);
    assert.deepEqual(group.node(2).madePrimary, ["a"]);
  });

  it("is gone when primary and backup die together", async () => {
    const group = await MapGroup.ofThree();
    await group.join(4);
    group.network.partition(["10.0.0.1", "10.0.0.2"], ["10.0.0.3", "10.0.0.4"]);
    for (const lost of [1, 2]) for (const left of [3, 4]) group.node(left).membership.part(group.node(lost).member);
    assert.deepEqual([group.node(3).entry("a"), group.node(4).entry("a")], [undefined, undefined]);
    await group.settle();
  });

  it("gets a backup when another member comes", async () => {
    const group = await MapGroup.of(1);
    await group.run(group.node(1).map.put("a", new Words(["one"])));
    assert.equal(group.node(1).map.entriesAtRisk, 1);
    await group.join(2);
    await group.settle();
    assert.deepEqual(group.entries("a"), ["Primary of 1 [2]: one", "Backup of 1 [2]: one"]);
    assert.equal(group.node(1).map.entriesAtRisk, 0);
  });

  it("keeps and sends changes of a request during which another member took the entry over (rule 13)", async () => {
    const group = await MapGroup.ofThree();
    const mine = group.node(1).map.get("a") as Words;
    await group.change(3, "theirs");
    assert.equal(group.node(1).entry("a"), "Proxy of 3 [2]");
    await group.run(group.node(1).map.replicate("a", mine.add("mine")));
    assert.deepEqual(group.entries("a"), ["Primary of 1 [2]: one theirs mine", "Backup of 1 [2]: one theirs mine", "Proxy of 1 [2]"]);
    const other = new Words(["stays"]).add("away");
    await group.run(group.node(1).map.remove("a"));
    await group.run(group.node(1).map.replicate("a", other));
    assert.equal(group.node(1).entry("a"), undefined);
  });

  it("has one primary again when two members took an entry over at the same time", async () => {
    const group = await MapGroup.of(4);
    await group.run(group.node(1).map.put("a", new Words(["one"])));
    const both = [group.node(3).map.get("a"), group.node(4).map.get("a")];
    const values = await group.run(Promise.all(both));
    assert.deepEqual(
      values.map((value) => value?.words),
      [["one"], ["one"]],
    );
    await group.clock.advance(12_000);
    assert.deepEqual(group.entries("a"), ["Proxy of 3 [2]", "Backup of 3 [2]: one", "Primary of 3 [2]: one", "Proxy of 3 [2]"]);
  });

  it("is full at maxEntries, here and for others", async () => {
    const group = await MapGroup.ofThree({ maxEntries: 1 });
    await assert.rejects(group.run(group.node(1).map.put("b", new Words())), { code: "MAP_FULL" });
    assert.deepEqual(group.entries("b"), [undefined, undefined, undefined]);
    await group.join(4, { maxEntries: 2 });
    await group.run(group.node(4).map.put("b", new Words(["one"])));
    assert.equal(group.node(4).map.isAtRisk("b"), true);
  });

  it("rejects a value that cannot be written, and goes on", async () => {
    const group = await MapGroup.ofThree({
      values: { ...wordValues, write: (value) => (value.version === 7 ? assert.fail("No form") : wordValues.write(value)) },
    });
    const bad = new Words();
    bad.version = 7;
    await assert.rejects(group.run(group.node(1).map.put("b", bad)), /No form/);
    await group.run(group.node(1).map.put("b", new Words(["good"])));
    assert.match(group.node(1).entry("b")!, /^Primary of 1 \[[23]\]: good$/);
  });
});
