// A robot that keeps no cookies: each of its requests makes a session (rule 22).
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TooManySessionsError } from "../../../../src/container/index.ts";
import { DeltaNode } from "../../../support/delta-node.ts";
import { FakeGroup } from "../../../support/fake-group.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

const REQUESTS = 200_000;

/** The engine's calls of a minute, at its end: looks once (processExpiresFrequency 6), in slices. */
async function scan(clock: ManualClock, node: DeltaNode): Promise<void> {
  for (let call = 0; call < 6; call++) node.manager.backgroundProcess();
  await clock.advance(1);
}

describe("a robot that opens 200 000 sessions (rule 22)", () => {
  it("costs other members nothing, and its sessions are gone after 60 s; a client's session stays", async () => {
    const clock = new ManualClock();
    const group = new FakeGroup(clock);
    const a = await DeltaNode.started(group, 1, { maxActiveSessions: -1 });
    const b = await DeltaNode.started(group, 2);
    const client = await a.create((session) => session.setAttribute("basket", "teapot"));
    group.sent.length = 0;
    for (let request = 0; request < REQUESTS; request++) {
      const session = a.manager.createSession();
      session.access();
      assert.equal(a.manager.requestCompleted(session), true);
      session.endAccess();
    }
    assert.equal(a.manager.activeSessions, REQUESTS + 1);
    assert.deepEqual(group.sent, []);
    assert.equal(b.manager.activeSessions, 1);
    assert.equal(a.manager.sessionsAtRisk, 0, "nothing of them can be lost");
    assert.equal(a.manager.stems().length, 1, "nor has a joiner to fetch them");
    await clock.advance(59_000);
    await scan(clock, a);
    assert.equal(a.manager.activeSessions, REQUESTS + 1);
    await clock.advance(1000);
    await scan(clock, a);
    assert.equal(a.manager.activeSessions, 1);
    assert.deepEqual(group.sent, [], "nobody is told of their end");
    assert.deepEqual(a.attributes(client), { basket: "teapot" });
  });

  it("is refused at maxActiveSessions with 503, and clients that have a session go on", async () => {
    const clock = new ManualClock();
    const a = await DeltaNode.started(new FakeGroup(clock), 1, { maxActiveSessions: 1000 });
    const client = await a.create((session) => session.setAttribute("n", 1));
    let refused = 0;
    for (let request = 0; request < 1500; request++) {
      try {
        a.manager.createSession();
      } catch (error) {
        refused++;
        assert.ok(error instanceof TooManySessionsError);
        assert.deepEqual([error.status, error.headers], [503, { "Retry-After": "10" }]);
      }
    }
    assert.equal(refused, 501);
    assert.equal(await a.metric("tomcat_sessions_rejected_sessions_total"), 501);
    await a.request(client, (session) => session.setAttribute("n", 2));
    assert.deepEqual(a.attributes(client), { n: 2 });
    await clock.advance(60_000);
    await scan(clock, a);
    assert.ok(a.manager.createSession(), "there is room again");
  });
});
