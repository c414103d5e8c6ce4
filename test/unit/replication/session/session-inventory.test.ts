import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { sessionIdHash } from "../../../../src/container/index.ts";
import { DeltaNode } from "../../../support/delta-node.ts";
import { FakeGroup } from "../../../support/fake-group.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

let clock: ManualClock;
let a: DeltaNode;
let b: DeltaNode;

beforeEach(async () => {
  clock = new ManualClock();
  const group = new FakeGroup(clock);
  a = await DeltaNode.started(group, 1);
  b = await DeltaNode.started(group, 2);
});

async function fill(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n++) ids.push(await a.create((session) => session.setAttribute("n", n)));
  return ids;
}

/** Reading gives way to timers between its steps. */
async function read<T>(reading: Promise<T>): Promise<T> {
  let done = false;
  const watched = reading.finally(() => {
    done = true;
  });
  while (!done) await clock.advance(1);
  return watched;
}

describe("SessionInventory", () => {
  it("has equal digests on workers with equal sessions, and others after a change of content or version", async () => {
    const [id] = await fill(3);
    const before = await a.manager.inventory.digests();
    assert.deepEqual(await b.manager.inventory.digests(), before);
    b.find(id!).version++;
    const { digest, versionDigest } = await b.manager.inventory.digests();
    assert.equal(digest, before.digest);
    assert.notEqual(versionDigest, before.versionDigest);
    await a.request(id!, (session) => session.setAttribute("n", "changed"));
    assert.notEqual((await a.manager.inventory.digests()).digest, before.digest);
    assert.equal(a.manager.inventory.digestAtOnce(), (await a.manager.inventory.digests()).digest);
  });

  it("lists sessions by hashed id, page by page, each once, and never an id that can be used (rule 22)", async () => {
    const ids = await fill(25);
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const { sessions, next } = await a.manager.inventory.page({ after, limit: 10 });
      assert.ok(sessions.length <= 10);
      seen.push(...sessions.map(({ id }) => id));
      for (const { id } of sessions)
        assert.equal(
          ids.some((used) => used.includes(id)),
          false,
        );
      after = next;
    } while (after !== undefined);
    assert.deepEqual(seen, ids.map((id) => sessionIdHash(id, 16)).sort());
    assert.ok(
      seen.some((id) => id.startsWith(sessionIdHash(ids[0]!))),
      "the hash of the logs is its beginning",
    );
  });

  it("lists the same of a session on each worker", async () => {
    await fill(3);
    const page = await a.manager.inventory.page({ limit: 10 });
    assert.equal(page.next, undefined);
    assert.equal(page.sessions[0]!.version, 1);
    assert.deepEqual(await b.manager.inventory.page({ limit: 10 }), page);
  });

  it("gives way between its steps", async () => {
    await fill(250);
    let finished = false;
    const reading = a.manager.inventory.digests().finally(() => {
      finished = true;
    });
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(finished, false, "it waits for the clock after a step");
    assert.deepEqual(await read(reading), await read(b.manager.inventory.digests()));
  });
});
