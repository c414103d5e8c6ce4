import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { ChannelError, type Member } from "../../../../src/channel/index.ts";
import { stemOf, withRoute } from "../../../../src/protocol/index.ts";
import {
  allSessionData,
  allSessionTransferComplete,
  changeSessionId,
  sessionAccessed,
  sessionDelta,
} from "../../../../src/replication/message-bodies.ts";
import { SESSION_EVENTS } from "../../../../src/replication/messages.ts";
import { DeltaRequest } from "../../../../src/replication/session/delta-request.ts";
import { decodeSessionStates, encodeSessionStates } from "../../../../src/replication/session/session-state.ts";
import { CONTEXT, DeltaNode, type DeltaNodeOptions } from "../../../support/delta-node.ts";
import { FakeGroup } from "../../../support/fake-group.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

const { AllSessionData, GetAllSessions, SessionDelta, SessionExpired } = SESSION_EVENTS;

let clock: ManualClock;
let group: FakeGroup;

beforeEach(() => {
  clock = new ManualClock();
  group = new FakeGroup(clock);
});

async function pair(options?: DeltaNodeOptions): Promise<[DeltaNode, DeltaNode]> {
  return [await DeltaNode.started(group, 1, options), await DeltaNode.started(group, 2, options)];
}

/** Everything from one node to another gets lost; undone by calling the result. */
function cut(...pairs: string[]): () => void {
  group.fate = (from, to) => (pairs.includes(`${from}>${to}`) ? "Lost" : "Delivered");
  return () => {
    group.fate = () => "Delivered";
  };
}

/** A member that takes everything and does nothing. */
async function silent(name: number): Promise<Member> {
  const channel = group.channel(name);
  await channel.start();
  return channel.localMember;
}

describe("synchronous replication (rule 8)", () => {
  it("lets the answer go when every member has acknowledged", async () => {
    const [a, b] = await pair();
    const id = await a.create((session) => session.setAttribute("n", 1));
    group.fate = () => "Held";
    let answered = false;
    const request = a.request(id, (session) => session.setAttribute("n", 2)).then(() => (answered = true));
    await group.settle();
    assert.equal(answered, false);
    group.fate = () => "Delivered";
    group.release();
    await request;
    assert.deepEqual(b.attributes(id), { n: 2 });
  });

  it("lets the answer go when a member has failed, and waits for that member no more", async () => {
    const [a] = await pair();
    const c = await DeltaNode.started(group, 3);
    const id = await a.create((session) => session.setAttribute("n", 1));
    cut("1>2");
    await a.request(id, (session) => session.setAttribute("n", 2));
    assert.equal(a.cluster.describe().peers.find(({ member }) => member.includes("10.0.0.2"))?.lagging, true);
    group.sent.length = 0;
    await a.request(id, (session) => session.setAttribute("n", 3));
    assert.deepEqual(group.routes(SessionDelta), ["1>3"]);
    assert.deepEqual(c.attributes(id), { n: 3 });
  });

  it("does not wait for a newcomer that can have its state from this member alone, until it has it or does not ask", async () => {
    const a = await DeltaNode.started(group, 1);
    const id = await a.create((session) => session.setAttribute("n", 1));
    await silent(2);
    group.fate = () => "Held";
    await a.request(id, (session) => session.setAttribute("n", 2));
    assert.deepEqual(group.routes(SessionDelta).slice(-1), ["1>2"], "it is sent the change");
    await clock.advance(10_000);
    let answered = false;
    const request = a.request(id, (session) => session.setAttribute("n", 3)).then(() => (answered = true));
    await group.settle();
    assert.equal(answered, false, "it does not ask, so it may have its state from elsewhere");
    // The change before it, and then this one.
    group.release();
    await group.settle();
    group.release();
    await request;
  });

  it("waits for a newcomer that may ask somebody else", async () => {
    const [a] = await pair();
    const id = await a.create((session) => session.setAttribute("n", 1));
    await silent(3);
    group.fate = (_from, to) => (to === "3" ? "Held" : "Delivered");
    let answered = false;
    const request = a.request(id, (session) => session.setAttribute("n", 2)).then(() => (answered = true));
    await group.settle();
    assert.equal(answered, false);
    group.release();
    await request;
  });

  it("catches a lagging member up by itself, and then sends it changes again (rule 11)", async () => {
    const [a, b] = await pair();
    const id = await a.create((session) => session.setAttribute("n", 1));
    const heal = cut("1>2");
    await a.request(id, (session) => session.setAttribute("n", 2));
    await a.request(id, (session) => session.setAttribute("m", 3));
    const fresh = await a.create((session) => session.setAttribute("new", true));
    assert.deepEqual(b.attributes(id), { n: 1 });
    heal();
    await clock.advance(20_000);
    assert.deepEqual(b.attributes(id), { n: 2, m: 3 });
    assert.deepEqual(b.attributes(fresh), { new: true });
    assert.equal(a.cluster.replicator.sessionsBehind, 0);
    group.sent.length = 0;
    await a.request(id, (session) => session.setAttribute("n", 4));
    assert.deepEqual(group.routes(SessionDelta), ["1>2"]);
    assert.equal(a.digest, b.digest);
  });

  it("gives a Tomcat that was silent a moment for what waits in its sockets, before it catches up (rule 11)", async () => {
    const a = await DeltaNode.started(group, 1);
    await group.channel(2, "Tomcat").start();
    const id = await a.create((session) => session.setAttribute("n", 1));
    const heal = cut("1>2");
    await a.request(id, (session) => session.setAttribute("n", 2));
    heal();
    await clock.advance(999);
    assert.deepEqual(group.routes(AllSessionData), []);
    await clock.advance(1);
    await group.settle();
    assert.deepEqual(group.routes(AllSessionData), ["1>2"]);
  });

  it("keeps only ids for a member that does not answer, however many changes it misses (rule 11)", async () => {
    const [a] = await pair();
    const id = await a.create((session) => session.setAttribute("n", 1));
    cut("1>2");
    for (let n = 0; n < 1000; n++) await a.request(id, (session) => session.setAttribute("n", n));
    assert.equal(a.cluster.replicator.sessionsBehind, 1);
    assert.ok(group.sent.length < 20, `${group.sent.length} messages`);
  });

  it("counts sessions whose newest version no other member has", async () => {
    const [a] = await pair();
    const id = await a.create((session) => session.setAttribute("n", 1));
    assert.equal(await a.metric("tomcatcluster_sessions_at_risk"), 0);
    const heal = cut("1>2");
    await a.request(id, (session) => session.setAttribute("n", 2));
    assert.equal(await a.metric("tomcatcluster_sessions_at_risk"), 1);
    heal();
    await clock.advance(20_000);
    assert.equal(await a.metric("tomcatcluster_sessions_at_risk"), 0);
  });
});

describe("asynchronous replication (rule 9)", () => {
  it("sends whole what changed lately to a member that lost messages after their answers had left (rule 11)", async () => {
    const [a, b] = await pair({ channelSendOptions: 8 });
    const old = await a.create((session) => session.setAttribute("n", 1));
    await clock.advance(31_000);
    const id = await a.create((session) => session.setAttribute("n", 1));
    await group.settle();
    const heal = cut("1>2");
    await a.request(id, (session) => session.setAttribute("n", 2)).catch(() => undefined);
    heal();
    group.sent.length = 0;
    const lost = new ChannelError([{ member: b.channel.localMember, cause: new Error("given up") }]);
    for (let message = 0; message < 3; message++) a.cluster.replicator.sendFailed(lost);
    await clock.advance(20_000);
    assert.deepEqual(b.attributes(id), { n: 2 });
    const states = group.sent.filter(({ message }) => message.event === AllSessionData);
    assert.equal(states.length, 1);
    assert.equal(
      decodeSessionStates(states[0]!.message.data!).some((state) => state.id === old),
      false,
    );
    assert.equal(a.cluster.replicator.sessionsBehind, 0);
  });

  it("lets the answer go when the message is written, not when it is processed", async () => {
    const [a, b] = await pair({ channelSendOptions: 8 });
    const id = await a.create((session) => session.setAttribute("n", 1));
    await group.settle();
    group.fate = () => "Held";
    await a.request(id, (session) => session.setAttribute("n", 2));
    assert.deepEqual(b.attributes(id), { n: 1 });
    group.release();
    await group.settle();
    assert.deepEqual(b.attributes(id), { n: 2 });
  });

  it("with acknowledgement (10) does not wait, and still keeps book", async () => {
    const [a, b] = await pair({ channelSendOptions: 10 });
    const id = await a.create((session) => session.setAttribute("n", 1));
    await group.settle();
    const heal = cut("1>2");
    await a.request(id, (session) => session.setAttribute("n", 2));
    await group.settle();
    assert.equal(a.cluster.replicator.sessionsBehind, 1);
    heal();
    await clock.advance(20_000);
    assert.deepEqual(b.attributes(id), { n: 2 });
  });

  it("waits for acknowledgements from SIGTERM on (rule 18)", async () => {
    const [a] = await pair({ channelSendOptions: 8 });
    const id = await a.create((session) => session.setAttribute("n", 1));
    a.cluster.switchToSynchronous();
    group.sent.length = 0;
    await a.request(id, (session) => session.setAttribute("n", 2));
    assert.deepEqual(
      group.sent.map(({ acknowledge, asynchronous }) => [acknowledge, asynchronous]),
      [["Processed", false]],
    );
    assert.equal(a.cluster.describe().mode, "Synchronous");
  });

  it("loses no change when it stops, although what it had written got lost (rule 18)", async () => {
    const [a, b] = await pair({ channelSendOptions: 8 });
    const id = await a.create((session) => session.setAttribute("n", 1));
    await group.settle();
    const heal = cut("1>2");
    await a.request(id, (session) => session.setAttribute("n", 2));
    heal();
    a.cluster.switchToSynchronous();
    await a.stop();
    assert.deepEqual(b.attributes(id), { n: 2 });
  });

  it("sends what unreplicated requests left behind when it stops (rule 18)", async () => {
    const [a, b] = await pair();
    const id = await a.create((session) => session.setAttribute("n", 1));
    a.find(id).setAttribute("filtered", true);
    await a.stop();
    assert.deepEqual(b.attributes(id), { n: 1, filtered: true });
  });
});

describe("copies after a partition (rule 11)", () => {
  /** Both sides see the other one go, and come back when healed. */
  function partition(a: DeltaNode, b: DeltaNode): () => void {
    a.channel.part(b.channel);
    b.channel.part(a.channel);
    return () => {
      a.channel.meet(b.channel);
      b.channel.meet(a.channel);
    };
  }

  it("are equal again, with what either side changed, made or ended", async () => {
    const [a, b] = await pair();
    const [onA, onB, ended, renamed] = await Promise.all([1, 2, 3, 4].map((n) => a.create((session) => session.setAttribute("n", n))));
    const heal = partition(a, b);
    await a.request(onA!, (session) => session.setAttribute("n", 10));
    await b.request(onB!, (session) => session.setAttribute("n", 20));
    await a.request(ended!, (session) => session.invalidate());
    const newId = a.manager.generateSessionId();
    await a.request(renamed!, (session) => a.manager.changeSessionId(session, newId));
    const made = await b.create((session) => session.setAttribute("made", "on b"));
    heal();
    await clock.advance(1000);
    assert.equal(a.digest, b.digest);
    assert.deepEqual([a.attributes(onA!).n, b.attributes(onA!).n], [10, 10]);
    assert.deepEqual([a.attributes(onB!).n, b.attributes(onB!).n], [20, 20]);
    assert.deepEqual([a.has(ended!), b.has(ended!)], [false, false]);
    assert.deepEqual([b.has(newId), b.manager.sessionWithStem(stemOf(renamed!))], [true, undefined]);
    assert.equal(a.has(made), true);
  });

  it("are those with more changes when both sides changed a session", async () => {
    const [a, b] = await pair();
    const id = await a.create((session) => session.setAttribute("n", 0));
    const heal = partition(a, b);
    await clock.advance(1000);
    await b.request(id, (session) => session.setAttribute("n", 1));
    await clock.advance(1000);
    for (let n = 0; n < 3; n++) await a.request(id, (session) => session.setAttribute("n", 100 + n));
    heal();
    await clock.advance(1000);
    assert.deepEqual([a.attributes(id), b.attributes(id)], [{ n: 102 }, { n: 102 }]);
  });

  it("are those with more changes, also when one that was away was used later; all members take them over", async () => {
    const [a, b] = await pair();
    const c = await DeltaNode.started(group, 3);
    const id = await a.create((session) => session.setAttribute("n", 0));
    const heal = partition(a, b);
    for (let n = 0; n < 3; n++) await a.request(id, (session) => session.setAttribute("n", 100 + n));
    await clock.advance(1000);
    c.channel.part(b.channel);
    b.channel.part(c.channel);
    await b.request(id, (session) => session.setAttribute("n", 1));
    heal();
    c.channel.meet(b.channel);
    b.channel.meet(c.channel);
    await clock.advance(1000);
    assert.deepEqual(
      [a, b, c].map((node) => node.attributes(id)),
      [{ n: 102 }, { n: 102 }, { n: 102 }],
    );
    assert.equal(new Set([a, b, c].map((node) => node.find(id).version)).size, 1);
    assert.equal(await b.metric("tomcatcluster_replication_conflicts_total"), 1);
  });

  it("keep what was changed under the old id where a member that was away gives a new one", async () => {
    const [a, b] = await pair();
    const id = await a.create((session) => session.setAttribute("n", 0));
    const heal = partition(a, b);
    for (let n = 1; n < 4; n++) await a.request(id, (session) => session.setAttribute("n", n));
    const newId = b.manager.generateSessionId();
    await b.request(id, (session) => b.manager.changeSessionId(session, newId));
    heal();
    await clock.advance(1000);
    assert.deepEqual([a.attributes(newId), b.attributes(newId)], [{ n: 3 }, { n: 3 }]);
    assert.deepEqual([a.has(id), b.has(id), a.digest === b.digest], [true, true, true]);
  });

  it("are taken over also by one that is back, and of which is not known yet that it is one of ours", async () => {
    const [a, b] = await pair();
    const id = await a.create((session) => session.setAttribute("n", 0));
    a.channel.hello.kindOf = () => undefined;
    const [c] = [group.channel(3)];
    await assert.rejects(a.channel.receive(sessionDelta(CONTEXT, id, new DeltaRequest().encode(id), 1, 0), c.localMember), {
      code: "OUTDATED_DELTA",
    });
    await group.settle();
    assert.deepEqual([a.find(id).version, b.find(id).version], [2, 2]);
  });

  it("are not acknowledged of one that was away and has given the session its own route before (rule 12)", async () => {
    const [a, b] = await pair();
    const c = await DeltaNode.started(group, 3);
    const id = await a.create((session) => session.setAttribute("n", 0));
    const heal = cut("1>3");
    await a.request(id, (session) => session.setAttribute("n", 1));
    assert.deepEqual([b.attributes(id), c.attributes(id)], [{ n: 1 }, { n: 0 }]);
    await b.channel.receive(changeSessionId(CONTEXT, id, withRoute(id, "n3"), 0, undefined), c.channel.localMember);
    const late = sessionDelta(CONTEXT, id, new DeltaRequest().encode(id), 2, 0);
    await assert.rejects(b.channel.receive(late, c.channel.localMember), { code: "OUTDATED_DELTA" });
    await b.channel.receive(late, a.channel.localMember);
    heal();
    await clock.advance(20_000);
    assert.deepEqual(
      [a, b, c].map((node) => node.attributes(id)),
      [{ n: 1 }, { n: 1 }, { n: 1 }],
    );
  });

  it("include a newcomer's, whose state came from the side that had not the change (rule 4)", async () => {
    const [a, b] = await pair();
    const id = await a.create((session) => session.setAttribute("n", 1));
    await clock.advance(60_000);
    const heal = partition(a, b);
    a.channel.suspects = [b.channel.localMember];
    await a.request(id, (session) => session.setAttribute("n", 2));
    const c = new DeltaNode(group, 3);
    const starting = c.start();
    a.channel.part(c.channel);
    c.channel.part(a.channel);
    await starting;
    assert.deepEqual(c.attributes(id), { n: 1 });
    await clock.advance(60_000);
    a.channel.suspects = [];
    heal();
    await clock.advance(1000);
    c.channel.meet(a.channel);
    a.channel.meet(c.channel);
    await clock.advance(1000);
    assert.deepEqual([b.attributes(id), c.attributes(id)], [{ n: 2 }, { n: 2 }]);
  });

  it("include those of a newcomer that DNS hid until it had its state from others, and what it changed itself (rules 4, 11)", async () => {
    const [a, b] = await pair();
    const id = await a.create((session) => session.setAttribute("n", 1));
    const old = await b.create((session) => session.setAttribute("n", 1));
    group.apart = (one) => one === "3";
    const c = new DeltaNode(group, 3);
    const starting = c.start();
    b.channel.meet(c.channel);
    c.channel.meet(b.channel);
    await starting;
    await a.request(id, (session) => session.setAttribute("n", 2));
    await c.request(old, (session) => session.setAttribute("n", 3));
    assert.deepEqual([c.attributes(id), a.attributes(old)], [{ n: 1 }, { n: 1 }]);
    await clock.advance(600_000);
    group.sent.length = 0;
    for (const [one, other] of [
      [a, c],
      [c, a],
    ] as const) {
      one.channel.meet(other.channel);
      one.channel.hello.onMet!(other.channel.localMember, "ours", true);
    }
    await group.settle();
    assert.deepEqual([c.attributes(id), a.attributes(old)], [{ n: 2 }, { n: 3 }]);
    assert.deepEqual(group.routes(AllSessionData).sort(), ["1>3", "3>1"]);
  });

  it("are not sent whole to a newcomer that made itself known in time, nor again to one that was away (rules 4, 11)", async () => {
    const [a, b] = await pair();
    await a.create((session) => session.setAttribute("n", 1));
    group.sent.length = 0;
    a.channel.hello.onMet!(b.channel.localMember, "ours", false);
    await clock.advance(60_000);
    partition(a, b)();
    a.channel.hello.onMet!(b.channel.localMember, "ours", true);
    await group.settle();
    assert.deepEqual(group.routes(AllSessionData), []);
  });

  it("of a Tomcat that was away are asked for, and taken where nobody here has used the session since it had everything", async () => {
    const [a] = await pair();
    const tomcat = group.channel(3, "Tomcat");
    await tomcat.start();
    const sender = tomcat.localMember;
    const ids = await Promise.all(["idle", "used", "its own", "used of its own"].map((name) => a.create((s) => s.setAttribute("n", name))));
    const [idle, used, itsOwn, usedOfItsOwn] = ids as [string, string, string, string];
    await clock.advance(31_000);
    const accessed = (id: string) => a.channel.receive(sessionAccessed(CONTEXT, id, clock.now()), sender);
    for (const id of [itsOwn, usedOfItsOwn]) await accessed(id);
    a.channel.hello.onMet!(sender, "Tomcat", false);
    assert.deepEqual(
      group.routes(GetAllSessions).filter((route) => route.startsWith("1")),
      [],
      "it was not away",
    );

    a.channel.part(tomcat);
    for (const id of [used, usedOfItsOwn]) await a.request(id, (session) => session.setAttribute("n", "newer"));
    await clock.advance(20_000);
    a.channel.meet(tomcat);
    a.channel.hello.onMet!(sender, "Tomcat", false);
    assert.deepEqual(
      group.routes(GetAllSessions).filter((route) => route.startsWith("1")),
      ["1>3"],
    );
    const text = ["n", "changed there"] as const;
    const states = ids.map((id) => ({ ...a.find(id).exportState(), thisAccessedTime: clock.now() + 5000, attributes: [text] }));
    const fresh = { ...states[0]!, id: "0123456789ABCDEF0123456789ABCDEF.java" };
    await a.channel.receive(allSessionData(CONTEXT, encodeSessionStates([...states, fresh]), 0), sender);
    await a.channel.receive(allSessionTransferComplete(CONTEXT, 0), sender);
    assert.deepEqual(
      [idle, used, itsOwn, usedOfItsOwn, fresh.id].map((id) => a.attributes(id).n),
      ["changed there", "newer", "changed there", "newer", "changed there"],
    );
  });

  it("are sent to a newcomer once when this member alone can give it state, also without acknowledgements (rule 4)", async () => {
    const a = await DeltaNode.started(group, 1, { channelSendOptions: 8 });
    for (let n = 0; n < 5; n++) await a.create((session) => session.setAttribute("n", n));
    const b = await DeltaNode.started(group, 2, { channelSendOptions: 8 });
    await group.settle();
    assert.equal(b.digest, a.digest);
    assert.deepEqual(group.routes(SESSION_EVENTS.AllSessionData), ["1>2"]);
    assert.equal(await a.metric("tomcatcluster_replication_sessions_caught_up_total"), 0);
  });

  it("are brought up to date by a member that wrote into a dead connection before it noticed", async () => {
    const [a, b] = await pair({ channelSendOptions: 8 });
    const id = await a.create((session) => session.setAttribute("n", 1));
    await group.settle();
    const restore = cut("1>2");
    await a.request(id, (session) => session.setAttribute("n", 2));
    await clock.advance(5000);
    const heal = partition(a, b);
    restore();
    await clock.advance(60_000);
    heal();
    await clock.advance(1000);
    assert.deepEqual(b.attributes(id), { n: 2 });
  });
});

describe("sessions that have ended (rule 11)", () => {
  it("do not come back where their end was heard of, when a member that missed it sends them", async () => {
    const [a, b] = await pair();
    const c = await DeltaNode.started(group, 3);
    const id = await a.create((session) => session.setAttribute("n", 1));
    cut("1>2");
    await a.request(id, (session) => session.invalidate());
    assert.deepEqual(
      [a, b, c].map((node) => node.has(id)),
      [false, true, false],
    );
    await b.cluster.replicator.resend(b.manager, new Map([[stemOf(id), id]]));
    assert.deepEqual(
      [a, b, c].map((node) => node.has(id)),
      [false, true, false],
    );
  });
});

describe("sessions at risk (rule 11)", () => {
  it("are those whose newest version no other member has, until one has it", async () => {
    const [a] = await pair();
    const [id] = await Promise.all([1, 2].map((n) => a.create((session) => session.setAttribute("n", n))));
    assert.equal(a.manager.sessionsAtRisk, 0);
    const heal = cut("1>2");
    await a.request(id!, (session) => session.setAttribute("n", 3));
    assert.equal(a.manager.sessionsAtRisk, 1);
    heal();
    await clock.advance(5000);
    assert.equal(a.manager.sessionsAtRisk, 0);
  });

  it("are all when nobody else is there", async () => {
    const [a, b] = await pair();
    await Promise.all([a, a, b].map((node) => node.create((session) => session.setAttribute("n", 1))));
    await b.stop();
    assert.equal(a.manager.sessionsAtRisk, 3, "also one that the other member served");
  });

  it("are also those that a member had which has gone, when the others have yet to catch up", async () => {
    const [a, b] = await pair();
    await DeltaNode.started(group, 3);
    const id = await a.create((session) => session.setAttribute("n", 1));
    const heal = cut("1>3");
    await a.request(id, (session) => session.setAttribute("n", 2));
    assert.equal(a.manager.sessionsAtRisk, 0, "the second member has it");
    await b.stop();
    assert.equal(a.manager.sessionsAtRisk, 1, "the third one has not");
    heal();
    await clock.advance(5000);
    assert.equal(a.manager.sessionsAtRisk, 0);
  });

  it("stay so when an older version arrives somewhere while the newest is on its way", async () => {
    const [a] = await pair();
    await DeltaNode.started(group, 3);
    const id = await a.create((session) => session.setAttribute("n", 1));
    cut("1>2");
    await a.request(id, (session) => session.setAttribute("n", 2));
    group.fate = () => "Held";
    group.sent.length = 0;
    await clock.advance(1000);
    const request = a.request(id, (session) => session.setAttribute("n", 3));
    await group.settle();
    group.release(1);
    await group.settle();
    assert.deepEqual(group.routes(AllSessionData), ["1>2", "1>2"], "the first one, with the version before, has arrived");
    assert.equal(a.manager.sessionsAtRisk, 1);
    group.fate = () => "Delivered";
    group.release();
    await request;
    await group.settle();
    assert.equal(a.manager.sessionsAtRisk, 0);
  });

  it("stay so when it turns out late that one member has an older version", async () => {
    const [a] = await pair();
    await DeltaNode.started(group, 3);
    const session = a.find(await a.create((created) => created.setAttribute("n", 1)));
    session.access();
    const publish = (n: number) => {
      session.setAttribute("n", n);
      return a.manager.requestCompleted(session);
    };
    group.fate = (_from, to) => (to === "2" ? "Held" : "Lost");
    const requests = [publish(2), publish(3)];
    await group.settle();
    group.release(1);
    await group.settle();
    assert.equal(a.manager.sessionsAtRisk, 1);
    group.release();
    await Promise.all(requests);
    assert.equal(a.manager.sessionsAtRisk, 0);
    session.endAccess();
  });
});

describe("a member that refuses (rules 11 and 12)", () => {
  it("a whole session keeps what it has, and holds up no other", async () => {
    const [a, b] = await pair();
    const [one, other] = [
      await a.create((session) => session.setAttribute("n", 1)),
      await a.create((session) => session.setAttribute("n", 1)),
    ];
    const heal = cut("1>2");
    for (const id of [one, other]) await a.request(id, (session) => session.setAttribute("n", 2));
    heal();
    const bad = Buffer.from(stemOf(one));
    group.fate = (_from, _to, message) => (message.event === AllSessionData && message.data?.includes(bad) ? "Refused" : "Delivered");
    await clock.advance(20_000);
    assert.deepEqual([b.attributes(one).n, b.attributes(other).n], [1, 2]);
    assert.equal(a.cluster.replicator.sessionsBehind, 0);
  });

  it("everything, before its manager has heard of it, is told again later", async () => {
    const [a, b] = await pair();
    const ids = [await a.create((session) => session.setAttribute("n", 1)), await a.create((session) => session.setAttribute("n", 1))];
    const newId = a.manager.generateSessionId();
    group.fate = (from) => (from === "1" ? "Refused" : "Delivered");
    for (const id of ids) await a.request(id, (session) => session.setAttribute("n", 2));
    await a.request(ids[1]!, (session) => a.manager.changeSessionId(session, newId));
    await clock.advance(20_000);
    assert.ok(a.cluster.replicator.sessionsBehind >= 2);
    group.fate = () => "Delivered";
    await clock.advance(20_000);
    assert.deepEqual([b.attributes(ids[0]!), b.attributes(newId), b.digest], [{ n: 2 }, { n: 2 }, a.digest]);
    assert.equal(a.cluster.replicator.sessionsBehind, 0);
  });

  it("one message alone takes it the second time", async () => {
    const [a, b] = await pair();
    const id = await a.create((session) => session.setAttribute("n", 1));
    const heal = cut("1>2");
    await a.request(id, (session) => session.setAttribute("n", 2));
    heal();
    let refusals = 0;
    group.fate = (_from, _to, message) => (message.event === AllSessionData && refusals++ === 0 ? "Refused" : "Delivered");
    await clock.advance(20_000);
    assert.deepEqual([b.attributes(id), a.cluster.replicator.sessionsBehind], [{ n: 2 }, 0]);
  });

  it("a whole session hears of the end of another that it missed at the same time", async () => {
    const [a, b] = await pair();
    const [one, ended] = [
      await a.create((session) => session.setAttribute("n", 1)),
      await a.create((session) => session.setAttribute("n", 1)),
    ];
    cut("1>2", "2>1");
    await a.request(one, (session) => session.setAttribute("n", 2));
    await a.request(ended, (session) => session.invalidate());
    for (let n = 10; n < 13; n++) await b.request(one, (session) => session.setAttribute("n", n));
    cut("2>1");
    await clock.advance(20_000);
    assert.deepEqual([b.attributes(one), b.has(ended)], [{ n: 12 }, false]);
  });

  it("hears of the end of a session that it has missed changes of", async () => {
    const [a, b] = await pair();
    const id = await a.create((session) => session.setAttribute("n", 1));
    const heal = cut("1>2");
    await a.request(id, (session) => session.invalidate());
    assert.equal(b.has(id), true);
    heal();
    await clock.advance(20_000);
    assert.equal(b.has(id), false);
    assert.ok(group.routes(SessionExpired).length >= 2);
  });

  it("gets no change of a session while the whole of it is on its way, so that none overtakes (rule 10)", async () => {
    const [a, b] = await pair();
    const id = await a.create((session) => session.setAttribute("n", 1));
    const heal = cut("1>2");
    await a.request(id, (session) => session.setAttribute("n", 2));
    heal();
    group.fate = (_from, _to, message) => (message.event === AllSessionData ? "Held" : "Delivered");
    await clock.advance(5000);
    group.sent.length = 0;
    await a.request(id, (session) => session.setAttribute("m", 3));
    assert.deepEqual(group.routes(SessionDelta), []);
    group.fate = () => "Delivered";
    group.release();
    await clock.advance(5000);
    assert.deepEqual(b.attributes(id), { n: 2, m: 3 });
  });
});

describe("a replicator", () => {
  it("leaves no timer behind when its cluster stops", async () => {
    const [a, b] = await pair();
    const id = await a.create((session) => session.setAttribute("n", 1));
    cut("1>2", "2>1");
    await a.request(id, (session) => session.setAttribute("n", 2));
    await a.stop();
    await b.stop();
    assert.equal(clock.pendingTimers, 0);
  });

  it("says who lags behind, with how much", async () => {
    const [a] = await pair();
    const id = await a.create((session) => session.setAttribute("n", 1));
    cut("1>2");
    await a.request(id, (session) => session.setAttribute("n", 2));
    assert.deepEqual(a.cluster.describe().peers, [
      { member: "tcp://10.0.0.2:4000", kind: "ours", present: true, lagging: true, sessionsBehind: 1 },
    ]);
    assert.equal(await a.metric("tomcatcluster_replication_sessions_behind"), 1);
    assert.ok((await a.metric("tomcatcluster_replication_send_failures_total")) >= 1);
  });
});

describe("a member that says hello (rule 4)", () => {
  it("is answered when the others have what was sent before, whatever is sent meanwhile", async () => {
    const [a, b] = await pair();
    const id = await a.create((session) => session.setAttribute("n", 1));
    group.fate = () => "Held";
    const before = a.request(id, (session) => session.setAttribute("n", 2));
    await group.settle();
    const c = await silent(3);
    let answered = false;
    const answer = a.cluster.replicator.broughtUpToDate(c).then(() => {
      answered = true;
    });
    const meanwhile = a.request(id, (session) => session.setAttribute("n", 3));
    await group.settle();
    assert.equal(answered, false);
    group.release();
    await answer;
    await before;
    assert.equal(b.attributes(id).n, 2);
    group.release();
    await meanwhile;
  });

  it("is sent what the others have yet to catch up with, one of whom may give it the state", async () => {
    const [a, b] = await pair();
    const id = await a.create((session) => session.setAttribute("n", 1));
    const heal = cut("1>2");
    await a.request(id, (session) => session.setAttribute("n", 2));
    const missing = await a.create((session) => session.setAttribute("n", 1));
    const c = new DeltaNode(group, 3);
    await c.cluster.start();
    c.channel.part(a.channel);
    await c.manager.start();
    assert.deepEqual([c.attributes(id), c.has(missing)], [{ n: 1 }, false], "its donor is the one that is behind");
    c.channel.meet(a.channel);
    await a.cluster.replicator.broughtUpToDate(c.channel.localMember);
    assert.deepEqual([c.attributes(id), c.attributes(missing)], [{ n: 2 }, { n: 1 }]);
    heal();
    assert.equal(b.has(missing), false);
  });

  it("is not answered while it has yet to catch up, and is when it has", async () => {
    const [a, b] = await pair();
    const id = await a.create((session) => session.setAttribute("n", 1));
    const heal = cut("1>2");
    await a.request(id, (session) => session.setAttribute("n", 2));
    await assert.rejects(a.cluster.replicator.broughtUpToDate(b.channel.localMember), { code: "MEMBER_BEHIND" });
    heal();
    await a.cluster.replicator.broughtUpToDate(b.channel.localMember);
    assert.deepEqual(b.attributes(id), { n: 2 });
  });
});
