import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { stemOf } from "../../../../src/protocol/index.ts";
import { allSessionData, changeSessionId, sessionCreated, sessionDelta } from "../../../../src/replication/message-bodies.ts";
import { decodeSessionMessage, encodeSessionMessage, SESSION_EVENTS } from "../../../../src/replication/messages.ts";
import { DELTA_TYPES, DeltaRequest } from "../../../../src/replication/session/delta-request.ts";
import { EarlyDeltas } from "../../../../src/replication/session/early-deltas.ts";
import { encodeSessionStates, type SessionState } from "../../../../src/replication/session/session-state.ts";
import { javaInteger } from "../../../../src/serialization/index.ts";
import { CONTEXT, DeltaNode } from "../../../support/delta-node.ts";
import { FakeGroup } from "../../../support/fake-group.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

const { SessionCreated, SessionExpired, SessionAccessed, SessionDelta, ChangeSessionId } = SESSION_EVENTS;

let clock: ManualClock;
let group: FakeGroup;

beforeEach(() => {
  clock = new ManualClock();
  group = new FakeGroup(clock);
});

async function nodes(count: number, options: ConstructorParameters<typeof DeltaNode>[2] = {}): Promise<DeltaNode[]> {
  const started: DeltaNode[] = [];
  for (let name = 1; name <= count; name++) started.push(await DeltaNode.started(group, name, options));
  group.sent.length = 0;
  return started;
}

/** The engine calls every 10 s what looks once a minute (processExpiresFrequency 6). */
function scan(node: DeltaNode): void {
  for (let call = 0; call < 6; call++) node.manager.backgroundProcess();
}

function sentTypes(): number[] {
  return group.sent.map(({ message }) => message.event);
}

describe("DeltaManager", () => {
  it("has a new session's attributes on every member when the answer leaves", async () => {
    const [a, b, c] = (await nodes(3)) as [DeltaNode, DeltaNode, DeltaNode];
    const id = await a.create((session) => session.setAttribute("user", "alice"));
    assert.deepEqual(b.attributes(id), { user: "alice" });
    assert.deepEqual(c.attributes(id), { user: "alice" });
    assert.deepEqual(sentTypes(), [SessionCreated, SessionDelta]);
    assert.equal(b.find(id).maxInactiveInterval, 1800);
  });

  it("encodes a change once, for all members together", async () => {
    const [a] = (await nodes(3)) as [DeltaNode];
    const id = await a.create((session) => session.setAttribute("n", 1));
    group.sent.length = 0;
    await a.request(id, (session) => session.setAttribute("n", 2));
    assert.deepEqual(group.routes(SessionDelta), ["1>2,3"]);
  });

  it("tells nobody of a session without attributes (rule 22)", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    const id = await a.create();
    await a.request(id, (session) => {
      session.maxInactiveInterval = 60;
    });
    a.find(id).invalidate();
    assert.deepEqual(group.sent, []);
    assert.equal(b.has(id), false);
  });

  it("tells of a session with its first attribute, in whichever request (rule 22)", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    const id = await a.create();
    await clock.advance(10_000);
    await a.request(id, (session) => session.setAttribute("n", 1));
    assert.deepEqual(sentTypes(), [SessionCreated, SessionDelta]);
    assert.equal(b.find(id).creationTime, a.find(id).creationTime);
  });

  it("sends nothing for a request that changed nothing (rule 13)", async () => {
    const [a] = (await nodes(2)) as [DeltaNode];
    const id = await a.create((session) => session.setAttribute("n", 1));
    group.sent.length = 0;
    await a.request(id);
    await a.request(id, (session) => void session.getAttribute("n"));
    assert.deepEqual(group.sent, []);
  });

  it("says where a session is used when another member served it before", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    const id = await a.create((session) => session.setAttribute("n", 1));
    group.sent.length = 0;
    await b.request(id);
    assert.deepEqual(group.routes(SessionAccessed), ["2>1"]);
    assert.deepEqual([a.find(id).primary, b.find(id).primary], [false, true]);
  });

  it("says that a session is only read after a quarter of its interval, so that no copy expires while it is used", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    const id = await a.create((session) => session.setAttribute("n", 1));
    group.sent.length = 0;
    for (let minute = 1; minute <= 100; minute++) {
      await clock.advance(60_000);
      await a.request(id);
    }
    assert.equal(group.routes(SessionAccessed).length, 12);
    await a.stop();
    assert.equal(b.find(id).valid, true);
  });

  it("serves a session in turn, each member with what the others changed", async () => {
    const [a, b, c] = (await nodes(3)) as [DeltaNode, DeltaNode, DeltaNode];
    const id = await a.create((session) => session.setAttribute("n", 0));
    for (let turn = 0; turn < 9; turn++) {
      await [a, b, c][turn % 3]!.request(id, (session) => session.setAttribute("n", (session.getAttribute("n") as number) + 1));
    }
    assert.deepEqual(
      [a, b, c].map((node) => node.attributes(id).n),
      [9, 9, 9],
    );
    assert.deepEqual(
      [a, b, c].map((node) => node.find(id).version),
      [10, 10, 10],
    );
  });

  it("loses nothing when requests with one session overlap on two members (rule 13)", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    const id = await a.create((session) => session.setAttribute("start", 1));
    await a.request(id, async (session) => {
      session.setAttribute("fromA", 1);
      await b.request(id, (other) => other.setAttribute("fromB", 2));
      assert.equal(session.getAttribute("fromB"), 2);
    });
    assert.deepEqual(a.attributes(id), { start: 1, fromA: 1, fromB: 2 });
    assert.deepEqual(b.attributes(id), a.attributes(id));
    assert.equal(a.digest, b.digest);
  });
});

describe("DeltaManager and requests that overlap (rule 8)", () => {
  /** Whether a promise has resolved when everything that can arrive has arrived. */
  async function isOver(promise: Promise<unknown>): Promise<boolean> {
    let over = false;
    void promise.then(() => {
      over = true;
    });
    await group.settle();
    return over;
  }

  it("has an answer wait for its change also when another request with the session has taken it along", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    const id = await a.create((session) => session.setAttribute("n", 1));
    group.fate = () => "Held";
    const otherEnded = Promise.withResolvers<void>();
    const request = a.request(id, async (session) => {
      session.setAttribute("n", 2);
      await otherEnded.promise;
    });
    const other = a.request(id);
    otherEnded.resolve();
    assert.equal(await isOver(request), false);
    group.release();
    await Promise.all([request, other]);
    assert.deepEqual(b.attributes(id), { n: 2 });
  });

  for (const [what, work] of [
    ["its new id", (a: DeltaNode, id: string) => a.manager.changeSessionId(a.find(id), a.manager.generateSessionId())],
    ["the end of its session", (a: DeltaNode, id: string) => a.find(id).invalidate()],
  ] as const) {
    it(`has an answer wait for ${what}, also when a request with another session ends meanwhile`, async () => {
      const [a] = (await nodes(2)) as [DeltaNode];
      const id = await a.create((session) => session.setAttribute("n", 1));
      const otherId = await a.create((session) => session.setAttribute("n", 1));
      group.fate = () => "Held";
      const otherEnded = Promise.withResolvers<void>();
      const request = a.request(id, async () => {
        work(a, id);
        await otherEnded.promise;
      });
      const other = a.request(otherId);
      otherEnded.resolve();
      assert.equal(await isOver(request), false);
      group.release();
      await Promise.all([request, other]);
    });
  }

  it("tells each of them that nobody else has the change, and those that come later nothing", async () => {
    const [a] = (await nodes(2)) as [DeltaNode];
    const session = a.find(await a.create((created) => created.setAttribute("n", 1)));
    group.fate = () => "Lost";
    session.access();
    session.setAttribute("n", 2);
    session.access();
    assert.equal(await a.manager.requestCompleted(session), false, "this one sent it");
    session.endAccess();
    assert.equal(await a.manager.requestCompleted(session), false, "this one made it");
    session.endAccess();
    session.access();
    assert.equal(await a.manager.requestCompleted(session), true, "this one has changed nothing");
    session.endAccess();
  });
});

describe("DeltaManager and the end of sessions", () => {
  it("ends an invalidated session everywhere before the answer leaves", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    const id = await a.create((session) => session.setAttribute("n", 1));
    await a.request(id, (session) => session.invalidate());
    assert.deepEqual([a.has(id), b.has(id)], [false, false]);
    assert.deepEqual(group.routes(SessionExpired), ["1>2"]);
  });

  it("ends a session everywhere also where another member served it last", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    const id = await a.create((session) => session.setAttribute("n", 1));
    await b.request(id, (session) => session.invalidate());
    assert.deepEqual([a.has(id), b.has(id)], [false, false]);
  });

  it("ends an idle session everywhere when its primary finds it", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    const id = await a.create((session) => session.setAttribute("n", 1));
    await clock.advance(1_800_000);
    scan(a);
    await group.settle();
    assert.deepEqual([a.has(id), b.has(id)], [false, false]);
  });

  it("ends a copy silently after twice the interval when its primary is gone", async () => {
    const [a, b, c] = (await nodes(3)) as [DeltaNode, DeltaNode, DeltaNode];
    const id = await a.create((session) => session.setAttribute("n", 1));
    await a.stop();
    group.sent.length = 0;
    await clock.advance(3_600_000);
    for (const node of [b, c]) scan(node);
    await group.settle();
    assert.deepEqual([b.has(id), c.has(id)], [false, false]);
    assert.deepEqual(group.sent, []);
  });

  it("does not bring a session back that was ended while another member changed it", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    const id = await a.create((session) => session.setAttribute("n", 1));
    await b.request(id, async (session) => {
      session.setAttribute("n", 2);
      await a.request(id, (other) => other.invalidate());
    });
    await group.settle();
    assert.deepEqual([a.has(id), b.has(id)], [false, false]);
  });

  it("keeps sessions on the others when it stops, unless told otherwise", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    const id = await a.create((session) => session.setAttribute("n", 1));
    await a.stop();
    assert.equal(b.has(id), true);
    const c = await DeltaNode.started(group, 3, { expireSessionsOnShutdown: true });
    const other = await c.create((session) => session.setAttribute("n", 1));
    await c.stop();
    assert.deepEqual([b.has(id), b.has(other)], [false, false]);
  });
});

describe("DeltaManager and ids (rule 16)", () => {
  it("finds a session by its stem, whatever the route", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    const id = await a.create((session) => session.setAttribute("n", 1));
    for (const other of [stemOf(id), `${stemOf(id)}.gone`, `${stemOf(id)}.a.b`]) assert.equal(b.has(other), true);
  });

  it("keeps the old id as an alias for 60 s, here and elsewhere", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    const id = await a.create((session) => session.setAttribute("n", 1));
    const newId = a.manager.generateSessionId();
    await a.request(id, (session) => {
      a.manager.changeSessionId(session, newId);
      session.setAttribute("n", 2);
    });
    assert.deepEqual(b.attributes(newId), { n: 2 });
    assert.equal(b.find(id), b.find(newId));
    await clock.advance(59_999);
    assert.deepEqual([a.has(id), b.has(id)], [true, true]);
    await clock.advance(1);
    assert.deepEqual([a.has(id), b.has(id), b.has(newId)], [false, false, true]);
  });

  it("is told to a member that joins, also of a session that it got under its old id before the state", async () => {
    const a = await DeltaNode.started(group, 1);
    const id = await a.create((session) => session.setAttribute("n", 1));
    const state = a.manager.stateOf(stemOf(id))!;
    const newId = a.manager.generateSessionId();
    await a.request(id, (session) => a.manager.changeSessionId(session, newId));
    const b = new DeltaNode(group, 2);
    await b.cluster.start();
    const started = b.manager.start();
    await b.channel.receive(allSessionData(CONTEXT, encodeSessionStates([state]), clock.now()), a.channel.localMember);
    await started;
    assert.equal(b.find(id), b.find(newId));
    assert.equal(b.manager.activeSessions, 1);
    assert.equal(b.find(id).nameNumber, 1, "the next one is later");
  });

  it("keeps it also where the session came under its new id, from another member, before the news (rule 16)", async () => {
    const a = await DeltaNode.started(group, 1);
    const id = await a.create((session) => session.setAttribute("n", 1));
    const newId = a.manager.generateSessionId();
    a.manager.changeSessionId(a.find(id), newId);
    await clock.advance(60_001);
    const b = await DeltaNode.started(group, 2);
    assert.equal(b.has(id), false, "no member knows it any more");
    await b.channel.receive(changeSessionId(CONTEXT, id, newId, clock.now()), a.channel.localMember);
    assert.equal(b.find(id), b.find(newId));
  });

  it("gives a session that has a new stem no new route under the old one, which comes late", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    const id = await a.create((session) => session.setAttribute("n", 1));
    const newId = a.manager.generateSessionId();
    await a.request(id, (session) => a.manager.changeSessionId(session, newId));
    await b.channel.receive(changeSessionId(CONTEXT, id, `${stemOf(id)}.n2`, clock.now()), a.channel.localMember);
    assert.equal(b.find(id).id, newId);
  });

  it("leaves the route alone when it hears of a new id that it knows", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    const id = await a.create((session) => session.setAttribute("n", 1));
    const stem = "F".repeat(32);
    await a.request(id, (session) => a.manager.changeSessionId(session, `${stem}.n1`));
    await b.request(id, (session) => b.manager.changeSessionId(session, `${stem}.n2`));
    await b.channel.receive(changeSessionId(CONTEXT, id, `${stem}.n1`, clock.now(), 1), a.channel.localMember);
    assert.deepEqual([b.find(id).id, b.find(id).primary], [`${stem}.n2`, true]);
  });

  it("keeps the greater of two stems that were given at the same time, and the other one as an alias", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    const id = await a.create((session) => session.setAttribute("n", 1));
    const [lower, greater] = [`${"0".repeat(32)}.n1`, `${"F".repeat(32)}.n2`];
    group.fate = () => "Held";
    a.manager.changeSessionId(a.find(id), lower);
    b.manager.changeSessionId(b.find(id), greater);
    await group.settle();
    group.release();
    await group.settle();
    assert.deepEqual([a.find(id).id, b.find(id).id], [greater, greater]);
    assert.deepEqual([a.has(lower), b.has(lower)], [true, true]);
  });

  it("keeps the later of two stems that were given one after the other, however late it hears of the earlier", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    const id = await a.create((session) => session.setAttribute("n", 1));
    const [greater, lower] = [`${"F".repeat(32)}.n1`, `${"0".repeat(32)}.n1`];
    await b.channel.receive(changeSessionId(CONTEXT, id, lower, clock.now(), 2), a.channel.localMember);
    await b.channel.receive(changeSessionId(CONTEXT, id, greater, clock.now(), 1), a.channel.localMember);
    assert.deepEqual([b.find(id).id, b.find(greater).id], [lower, lower]);
  });

  it("takes over what comes of a session under its old id from a member that has not heard of the new one (rule 11)", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    const id = await a.create((session) => session.setAttribute("n", 1));
    const state = { ...a.manager.stateOf(stemOf(id))!, version: 2, attributes: [["n", javaInteger(2)] as const] };
    const newId = b.manager.generateSessionId();
    await b.request(id, (session) => b.manager.changeSessionId(session, newId));
    await b.channel.receive(allSessionData(CONTEXT, encodeSessionStates([state]), clock.now()), a.channel.localMember);
    assert.deepEqual([b.find(id).id, b.attributes(newId)], [newId, { n: 2 }]);
  });

  it("makes one session of two when it hears that one is the other under its new id", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    const id = await a.create((session) => session.setAttribute("n", 1));
    const newId = a.manager.generateSessionId();
    const state = { ...a.manager.stateOf(stemOf(id))!, id: newId, version: 2, attributes: [["n", javaInteger(2)] as const] };
    await b.channel.receive(allSessionData(CONTEXT, encodeSessionStates([state]), clock.now()), a.channel.localMember);
    await b.channel.receive(changeSessionId(CONTEXT, id, newId, clock.now()), a.channel.localMember);
    assert.deepEqual([b.attributes(id), b.attributes(newId), b.manager.activeSessions], [{ n: 2 }, { n: 2 }, 1]);
  });

  it("tells of a new id before anything under it, in the lane of the old one (rule 10)", async () => {
    const [a] = (await nodes(2, { channelSendOptions: 8 })) as [DeltaNode];
    const id = await a.create((session) => session.setAttribute("n", 1));
    group.sent.length = 0;
    const newId = a.manager.generateSessionId();
    await a.request(id, (session) => {
      a.manager.changeSessionId(session, newId);
      session.setAttribute("n", 2);
    });
    assert.deepEqual(sentTypes(), [ChangeSessionId, SessionDelta]);
    assert.deepEqual([...new Set(group.sent.map(({ orderKey }) => orderKey))], [stemOf(id)]);
  });

  it("says nothing of a new id for a session that nobody knows", async () => {
    const [a] = (await nodes(2)) as [DeltaNode];
    const id = await a.create();
    a.manager.changeSessionId(a.find(id), a.manager.generateSessionId());
    assert.deepEqual(group.sent, []);
  });
});

describe("DeltaManager and Tomcats in the group (rule 10)", () => {
  for (const channelSendOptions of [6, 8, 10]) {
    it(`sends them everything with options 6, in the session's lane, in a cluster with options ${channelSendOptions}`, async () => {
      const a = await DeltaNode.started(group, 1, { channelSendOptions });
      await DeltaNode.started(group, 2, { channelSendOptions });
      const tomcat = group.channel(3, "Tomcat");
      await tomcat.start();
      group.sent.length = 0;
      const id = await a.create((session) => session.setAttribute("n", 1));
      await a.request(id, (session) => a.manager.changeSessionId(session, `${stemOf(id)}.other`));
      await group.settle();
      const toTomcat = group.sent.filter(({ to }) => to.includes("3"));
      assert.deepEqual(
        toTomcat.map(({ message, acknowledge, asynchronous, to }) => [message.event, acknowledge, asynchronous, to.length]),
        [
          [SessionCreated, "Processed", false, 1],
          [SessionDelta, "Processed", false, channelSendOptions === 6 ? 2 : 1],
          [ChangeSessionId, "Processed", false, 1],
        ],
      );
      assert.deepEqual([...new Set(toTomcat.map(({ orderKey }) => orderKey))], [stemOf(id)]);
    });
  }

  it("announces a session to them as of now, since a joining one drops what is older than its state", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    await group.channel(3, "Tomcat").start();
    const id = await a.create();
    await clock.advance(5000);
    await a.request(id, (session) => session.setAttribute("n", 1));
    const stamps = group.sent
      .filter(({ message }) => message.event === SessionCreated)
      .map(({ to, message }) => [to.join(), message.timestamp]);
    assert.deepEqual(stamps, [
      ["2", clock.now() - 5000],
      ["3", clock.now()],
    ]);
    assert.equal(b.has(id), true);
  });

  it("counts a change of a copy that came from a Tomcat above every other one", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    const id = await a.create((session) => session.setAttribute("n", 0));
    for (let n = 1; n <= 5; n++) await a.request(id, (session) => session.setAttribute("n", n));
    b.find(id).importState({ ...b.find(id).exportState(), version: 0 });
    await b.request(id, (session) => session.setAttribute("n", 6));
    assert.deepEqual([a.attributes(id), a.find(id).version, b.find(id).version], [{ n: 6 }, clock.now(), clock.now()]);
    group.fate = (from) => (from === "2" ? "Lost" : "Delivered");
    await b.request(id, (session) => session.setAttribute("n", 7));
    group.fate = () => "Delivered";
    await clock.advance(20_000);
    assert.deepEqual(a.attributes(id), { n: 7 });
    await b.request(id, (session) => session.setAttribute("n", 8));
    assert.deepEqual(a.attributes(id), { n: 8 });
  });

  it("takes no version that a Tomcat hands on for a count of its changes", async () => {
    const [a] = (await nodes(1)) as [DeltaNode];
    const tomcat = group.channel(3, "Tomcat");
    await tomcat.start();
    const id = await a.create((session) => session.setAttribute("n", 1));
    for (let n = 2; n <= 5; n++) await a.request(id, (session) => session.setAttribute("n", n));
    const old = a.find(id).exportState();
    const state = encodeSessionStates([{ ...old, version: 2, thisAccessedTime: clock.now() + 1, attributes: [["n", javaInteger(6)]] }]);
    await a.channel.receive(allSessionData(CONTEXT, state, clock.now()), tomcat.localMember);
    assert.deepEqual(a.attributes(id), { n: 6 });
    await a.request(id, (session) => session.setAttribute("n", 7));
    assert.equal(a.find(id).version, clock.now());
  });

  it("takes their sessions and changes, and counts them itself", async () => {
    const [a] = (await nodes(1)) as [DeltaNode];
    const tomcat = group.channel(3, "Tomcat");
    await tomcat.start();
    const id = "0123456789ABCDEF0123456789ABCDEF.tomcat";
    await a.channel.receive(sessionCreated(CONTEXT, id, clock.now() - 1000, clock.now()), tomcat.localMember);
    const delta = new DeltaRequest();
    delta.set(DELTA_TYPES.Attribute, "n", javaInteger(7));
    await a.channel.receive(Buffer.from(sessionDelta(CONTEXT, id, delta.encode(id), 1, 0)), tomcat.localMember);
    assert.deepEqual(a.attributes(id), { n: 7 });
    assert.equal(a.find(id).creationTime, clock.now() - 1000);
    assert.equal(a.find(id).primary, false);
    assert.equal(a.find(id).isNew, false);
  });
});

describe("DeltaManager and messages that overtake one another", () => {
  const id = "0123456789ABCDEF0123456789ABCDEF.tomcat";

  function delta(value: number): Buffer {
    const record = new DeltaRequest();
    record.set(DELTA_TYPES.Attribute, "n", javaInteger(value));
    return encodeSessionMessage({ ...decodeSessionMessage(sessionDelta(CONTEXT, id, record.encode(id), 1, 0)), uniqueId: `${id}-0` });
  }

  async function arrive(node: DeltaNode, ...bodies: Buffer[]): Promise<void> {
    const { localMember } = group.channels.find(({ kind }) => kind === "Tomcat") ?? group.channel(9, "Tomcat");
    for (const body of bodies) await node.channel.receive(body, localMember).catch(() => undefined);
  }

  it("keeps the later of two changes that a Tomcat sent, in whichever order they arrive (rule 10)", async () => {
    const [a] = (await nodes(1)) as [DeltaNode];
    const sent = (value: number, atMs: number) => encodeSessionMessage({ ...decodeSessionMessage(delta(value)), timestamp: atMs });
    await arrive(a, sessionCreated(CONTEXT, id, clock.now(), clock.now()), sent(2, 1002), sent(1, 1001));
    assert.deepEqual(a.attributes(id), { n: 2 });
    await arrive(a, sent(3, 1003));
    assert.deepEqual(a.attributes(id), { n: 3 });
  });

  it("keeps the change of a session whose announcement is still on its way", async () => {
    const [a] = (await nodes(1)) as [DeltaNode];
    await arrive(a, delta(1), delta(2), sessionCreated(CONTEXT, id, clock.now(), clock.now()));
    assert.deepEqual(a.attributes(id), { n: 2 });
  });

  it("keeps the change of a session whose new id is still on its way", async () => {
    const [a] = (await nodes(1)) as [DeltaNode];
    const oldId = "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF.tomcat";
    await arrive(a, sessionCreated(CONTEXT, oldId, clock.now(), clock.now()), delta(1), changeSessionId(CONTEXT, oldId, id, clock.now()));
    assert.deepEqual(a.attributes(id), { n: 1 });
  });

  it("forgets it when the session does not come within seconds, and when too much waits", async () => {
    const [a] = (await nodes(1)) as [DeltaNode];
    await arrive(a, delta(1));
    await clock.advance(5000);
    await arrive(a, sessionCreated(CONTEXT, id, clock.now(), clock.now()));
    assert.deepEqual(a.attributes(id), {});
    const early = new EarlyDeltas(clock);
    const action = { type: 0, remove: false, name: "n", value: "v" };
    for (let index = 0; index < 20; index++) early.add(`S${index}`, [action], 100_000);
    assert.deepEqual([early.take("S0"), early.take("S9"), early.take("S19")], [[], [], [action]]);
  });
});

describe("DeltaManager and honest acknowledgements (rule 12)", () => {
  it("refuses a change of a session that it does not have", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    const id = "0123456789ABCDEF0123456789ABCDEF.b";
    const delta = new DeltaRequest().encode(id);
    await assert.rejects(a.channel.receive(sessionDelta(CONTEXT, id, delta, 1, 0), b.channel.localMember), { code: "UNKNOWN_SESSION" });
    assert.equal(await a.metric("tomcatcluster_replication_messages_refused_total"), 1);
  });

  it("refuses a whole session that comes alone and is older than its own, or ended here; among others it gives it up silently", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    const [id, ended] = [
      await a.create((session) => session.setAttribute("n", 1)),
      await a.create((session) => session.setAttribute("n", 1)),
    ];
    const [older, other] = [id, ended].map((one) => a.find(one).exportState()) as [SessionState, SessionState];
    const offer = (...states: SessionState[]) =>
      a.channel.receive(allSessionData(CONTEXT, encodeSessionStates(states), 0), b.channel.localMember);
    await offer(older);
    await a.request(id, (session) => session.setAttribute("n", 2));
    await a.request(ended, (session) => session.invalidate());
    await assert.rejects(offer(older), { code: "OUTDATED_COPY" });
    await assert.rejects(offer(other), { code: "UNKNOWN_SESSION" });
    await offer(older, other);
    assert.deepEqual([a.attributes(id), a.has(ended)], [{ n: 2 }, false]);
  });

  it("refuses what it cannot read, and a delta that belongs to another session", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    const id = await a.create((session) => session.setAttribute("n", 1));
    const sender = b.channel.localMember;
    const foreign = new DeltaRequest().encode("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF.x");
    await assert.rejects(a.channel.receive(sessionDelta(CONTEXT, id, foreign, 2, 0), sender), { code: "INVALID_SESSION_MESSAGE" });
    await assert.rejects(a.channel.receive(sessionDelta(CONTEXT, id, Buffer.from("garbage"), 2, 0), sender), { code: "MALFORMED_STREAM" });
    const whole = sessionDelta(CONTEXT, id, new DeltaRequest().encode(id), 2, 0);
    await assert.rejects(a.channel.receive(whole.subarray(0, whole.length - 3), sender), { code: "MALFORMED_STREAM" });
  });

  it("takes messages for managers that it does not have, since members need not have the same applications", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    await a.channel.receive(sessionCreated("localhost#/other", "X.b", 0, 0), b.channel.localMember);
    assert.equal(a.has("X"), false);
  });

  it("sends creation and full state to a member that refused a change, before the answer leaves", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    const id = await a.create((session) => session.setAttribute("n", 1));
    b.find(id).expire(false);
    await a.request(id, (session) => session.setAttribute("m", 2));
    assert.deepEqual(b.attributes(id), { n: 1, m: 2 });
  });

  it("notices a change that it has missed, and gets the whole session", async () => {
    const [a, b] = (await nodes(2)) as [DeltaNode, DeltaNode];
    const id = await a.create((session) => session.setAttribute("n", 1));
    a.find(id).setAttribute("lost", 1);
    a.find(id).takeDelta();
    await a.request(id, (session) => session.setAttribute("m", 2));
    assert.deepEqual(b.attributes(id), { n: 1, lost: 1, m: 2 });
    assert.equal(b.find(id).version, a.find(id).version);
  });
});
