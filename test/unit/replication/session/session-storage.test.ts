// The texts of other packages' sessions on several workers (express-session's store works on this).
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { AttributeStorage } from "../../../../src/container/webapp/session-storage.ts";
import { SESSION_EVENTS } from "../../../../src/replication/messages.ts";
import { DeltaNode } from "../../../support/delta-node.ts";
import { FakeGroup } from "../../../support/fake-group.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

const ID = "Jx0_pQ-Zk3vV8mC1nB4tR7yW2eA5sD9f";

let clock: ManualClock;
let group: FakeGroup;
let a: DeltaNode;
let b: DeltaNode;

const storageOf = (node: DeltaNode) => new AttributeStorage("text", () => node.manager);

beforeEach(async () => {
  clock = new ManualClock();
  group = new FakeGroup(clock);
  a = await DeltaNode.started(group, 1);
  b = await DeltaNode.started(group, 2);
  group.sent.length = 0;
});

describe("AttributeStorage over DeltaManagers", () => {
  it("has on every worker what was written on one, once the write has settled", async () => {
    await storageOf(a).write(ID, "one", {});
    assert.equal(storageOf(b).read(ID), "one");
    await storageOf(b).write(ID, "two", {});
    assert.equal(storageOf(a).read(ID), "two");
    assert.equal(a.digest, b.digest);
  });

  it("sends nothing for a text that is the same", async () => {
    await storageOf(a).write(ID, "one", {});
    group.sent.length = 0;
    await storageOf(a).write(ID, "one", {});
    assert.deepEqual(group.sent, []);
  });

  it("ends a session everywhere, also on a worker that did not serve it last", async () => {
    await storageOf(a).write(ID, "one", {});
    await storageOf(b).remove(ID);
    await group.settle();
    assert.equal(storageOf(a).read(ID), undefined);
    assert.equal(storageOf(b).read(ID), undefined);
  });

  it("tells the others that a session is still used before their copies expire", async () => {
    await storageOf(a).write(ID, "one", { maxInactiveSeconds: 100 });
    for (let second = 0; second < 400; second += 20) {
      await clock.advance(20_000);
      await storageOf(a).touch(ID, { maxInactiveSeconds: 100 });
    }
    assert.equal(storageOf(b).read(ID), "one");
    assert.ok(group.routes(SESSION_EVENTS.SessionAccessed).length > 0);
  });

  it("lets an id that is used again win over the session that had it before, with a worker that missed its end", async () => {
    await storageOf(a).write(ID, "old", {});
    for (let n = 0; n < 5; n++) await storageOf(a).write(ID, `old ${n}`, {});
    group.fate = () => "Lost";
    await storageOf(a).remove(ID);
    await clock.advance(1000);
    await storageOf(a).write(ID, "new", {});
    group.fate = () => "Delivered";
    await clock.advance(30_000);
    await group.settle();
    assert.equal(storageOf(a).read(ID), "new");
    assert.equal(storageOf(b).read(ID), "new");
  });
});
