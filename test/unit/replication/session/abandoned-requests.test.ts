// Requests whose client has gone: repeated on another worker (rule 19), or answered with an error by the balancer.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { DeltaNode } from "../../../support/delta-node.ts";
import { FakeGroup } from "../../../support/fake-group.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

let a: DeltaNode;
let b: DeltaNode;
let id: string;

beforeEach(async () => {
  const group = new FakeGroup(new ManualClock());
  a = await DeltaNode.started(group, 1);
  b = await DeltaNode.started(group, 2);
  id = await a.create((session) => session.setAttribute("n", 1));
});

describe("a request whose client has gone before its end", () => {
  it("has its changes sent, with those that the application made after the client had gone", async () => {
    const session = a.find(id);
    session.access();
    session.setAttribute("n", 2);
    await a.manager.requestAbandoned(session, { uses: 1 });
    session.endAccess();
    assert.deepEqual(b.attributes(id), { n: 2 });
    session.setAttribute("n", 3);
    await a.manager.requestAbandoned(session, { uses: 0 });
    assert.deepEqual(b.attributes(id), { n: 3 });
  });

  it("does not overwrite what another worker has answered since (rules 11, 19)", async () => {
    const session = a.find(id);
    session.access();
    session.setAttribute("n", 2);
    await b.request(id, (copy) => copy.setAttribute("n", 10));
    assert.equal(a.manager.requestAbandoned(session, { uses: 1 }), true);
    session.endAccess();
    assert.deepEqual([a.attributes(id), b.attributes(id)], [{ n: 10 }, { n: 10 }]);
    assert.equal(a.digest, b.digest);
  });

  it("does not do so either when it began after that: a repeat that comes late", async () => {
    await b.request(id, (copy) => copy.setAttribute("n", 10));
    const session = a.find(id);
    session.access();
    session.setAttribute("n", 2);
    await a.manager.requestAbandoned(session, { uses: 1 });
    session.endAccess();
    assert.deepEqual([a.attributes(id), b.attributes(id)], [{ n: 10 }, { n: 10 }]);
    assert.equal(a.digest, b.digest);
  });

  it("takes nothing from another request that runs with the session and will be answered", async () => {
    const session = a.find(id);
    session.access();
    session.access();
    session.setAttribute("mine", true);
    await b.request(id, (copy) => copy.setAttribute("n", 10));
    await a.manager.requestAbandoned(session, { uses: 1 });
    session.endAccess();
    await a.manager.requestCompleted(session);
    session.endAccess();
    assert.deepEqual(
      [a.attributes(id), b.attributes(id)],
      [
        { n: 10, mine: true },
        { n: 10, mine: true },
      ],
    );
  });
});
