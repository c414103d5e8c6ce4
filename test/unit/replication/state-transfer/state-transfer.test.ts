import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import {
  allSessionData,
  allSessionTransferComplete,
  getAllSessions,
  isStarting,
  noContextManager,
  sessionAccessed,
  sessionDelta,
} from "../../../../src/replication/message-bodies.ts";
import { SESSION_EVENTS, type SessionMessage } from "../../../../src/replication/messages.ts";
import { DELTA_TYPES, DeltaRequest } from "../../../../src/replication/session/delta-request.ts";
import { decodeSessionStates, encodeSessionStates } from "../../../../src/replication/session/session-state.ts";
import { MAX_BLOCK_BYTES } from "../../../../src/replication/state-transfer/state-blocks.ts";
import { javaInteger } from "../../../../src/serialization/index.ts";
import { CONTEXT, DeltaNode } from "../../../support/delta-node.ts";
import { type FakeChannel, FakeGroup } from "../../../support/fake-group.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { MemoryLog } from "../../../support/memory-log.ts";
import { tribesVector } from "../../../support/tribes-vectors.ts";

const { ChangeSessionId, GetAllSessions, AllSessionData, AllSessionTransferComplete, AllSessionNoContextManager, SessionDelta } =
  SESSION_EVENTS;
const TOMCAT_ID = "0123456789ABCDEF0123456789ABCDEF.node1";

let clock: ManualClock;
let group: FakeGroup;

beforeEach(() => {
  clock = new ManualClock();
  group = new FakeGroup(clock);
});

/** A member that the test plays itself: it answers nothing. */
async function silentMember(name: number, kind: "ours" | "Tomcat" = "ours"): Promise<FakeChannel> {
  const channel = group.channel(name, kind);
  await channel.start();
  return channel;
}

/** Starts a node without waiting for it. */
function begin(node: DeltaNode): { started: Promise<void>; readonly ready: boolean } {
  const state = { started: Promise.resolve(), ready: false };
  state.started = node.start().then(() => {
    state.ready = true;
  });
  return state;
}

async function fill(node: DeltaNode, sessions: number, bytes = 1): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < sessions; index++)
    ids.push(await node.create((session) => session.setAttribute("text", `${index}`.padEnd(bytes, "x"))));
  return ids;
}

describe("state transfer", () => {
  it("brings a joiner every session before its start resolves (rule 6)", async () => {
    const a = await DeltaNode.started(group, 1);
    await fill(a, 500);
    const b = await DeltaNode.started(group, 2);
    assert.equal(b.manager.activeSessions, 500);
    assert.equal(b.digest, a.digest);
    assert.equal(b.manager.stateTransferred, true);
  });

  it("travels in blocks of at most 64 KiB, each acknowledged, and ends after the last acknowledgement (rule 6)", async () => {
    const a = await DeltaNode.started(group, 1);
    await fill(a, 300, 20_000);
    group.sent.length = 0;
    let processed = 0;
    group.fate = (_from, _to, message) => {
      if (message.event === AllSessionData) processed++;
      return "Delivered";
    };
    await DeltaNode.started(group, 2);
    const blocks = group.sent.filter(({ message }) => message.event === AllSessionData);
    assert.ok(blocks.length > 5, `${blocks.length} blocks`);
    for (const { message, acknowledge } of blocks) {
      assert.ok((message.data?.length ?? 0) <= MAX_BLOCK_BYTES);
      assert.equal(acknowledge, "Processed");
    }
    assert.equal(processed, blocks.length);
    assert.equal(group.sent.at(-1)?.message.event, AllSessionTransferComplete);
  });

  it("has four blocks under way, and no fifth one (rule 6)", async () => {
    const a = await DeltaNode.started(group, 1);
    await fill(a, 100, 20_000);
    const joiner = await silentMember(2);
    group.sent.length = 0;
    group.fate = (_from, _to, message) => (message.event === AllSessionData ? "Held" : "Delivered");
    await a.channel.receive(getAllSessions(CONTEXT, clock.now()), joiner.localMember);
    await group.settle();
    assert.deepEqual(group.routes(AllSessionData), ["1>2", "1>2", "1>2", "1>2"]);
    assert.deepEqual(group.routes(AllSessionTransferComplete), []);
  });

  it("lets no request wait for its member until it ends, and ends when that one has what was answered meanwhile (rules 6 and 8)", async () => {
    const a = await DeltaNode.started(group, 1);
    const ids = await fill(a, 10, 20_000);
    const joiner = await silentMember(2);
    group.fate = () => "Held";
    await a.channel.receive(getAllSessions(CONTEXT, clock.now()), joiner.localMember);
    await a.request(ids[0]!, (session) => session.setAttribute("n", 1));

    group.fate = (_from, _to, message) => (message.event === SessionDelta ? "Held" : "Delivered");
    // The first block; those behind it find the way free.
    group.release(1);
    await group.settle();
    assert.deepEqual(group.routes(AllSessionTransferComplete), [], "the change has not arrived");
    let answered = false;
    const late = a.request(ids[1]!, (session) => session.setAttribute("n", 1)).then(() => (answered = true));
    await group.settle();
    assert.equal(answered, false);
    group.release();
    await late;
    await group.settle();
    assert.deepEqual(group.routes(AllSessionTransferComplete), ["1>2"]);
  });

  it("ends when its member has caught up with what was answered while that one took nothing more (rules 6 and 11)", async () => {
    const a = await DeltaNode.started(group, 1);
    const ids = await fill(a, 10, 20_000);
    const joiner = await silentMember(2);
    group.fate = () => "Held";
    await a.channel.receive(getAllSessions(CONTEXT, clock.now()), joiner.localMember);
    let takesChange = false;
    const holdsChange = ({ event, data }: SessionMessage) =>
      event === AllSessionData && decodeSessionStates(data!).some(({ attributes }) => attributes.some(([name]) => name === "n"));
    group.fate = (_from, _to, message) => (!takesChange && (message.event === SessionDelta || holdsChange(message)) ? "Lost" : "Delivered");
    await a.request(ids[0]!, (session) => session.setAttribute("n", 1));
    group.release(1);
    await group.settle();
    assert.deepEqual(group.routes(AllSessionTransferComplete), []);
    takesChange = true;
    await clock.advance(500);
    await group.settle();
    assert.deepEqual(group.routes(AllSessionTransferComplete), ["1>2"]);
    assert.ok(holdsChange(group.sent.at(-2)!.message), "what was missed goes before the end");
  });

  it("lets requests wait for the other members (rule 8)", async () => {
    const a = await DeltaNode.started(group, 1);
    const c = await DeltaNode.started(group, 3);
    const [id] = await fill(a, 1);
    const joiner = await silentMember(2);
    group.fate = () => "Held";
    await a.channel.receive(getAllSessions(CONTEXT, clock.now()), joiner.localMember);
    let answered = false;
    const request = a.request(id!, (session) => session.setAttribute("n", 1)).then(() => (answered = true));
    await group.settle();
    assert.equal(answered, false);
    group.release();
    await request;
    assert.equal(c.attributes(id!).n, 1);
  });

  it("takes a session that is larger than a block alone", async () => {
    const a = await DeltaNode.started(group, 1);
    await fill(a, 3, 1_500_000);
    const b = await DeltaNode.started(group, 2);
    assert.equal(b.digest, a.digest);
  });

  it("lets other work have its turn between two blocks (rule 6)", async () => {
    const a = await DeltaNode.started(group, 1);
    await fill(a, 300, 20_000);
    const b = begin(new DeltaNode(group, 2));
    let turns = 0;
    while (!b.ready) {
      await new Promise((resolve) => setImmediate(resolve));
      turns++;
    }
    const blocks = group.sent.filter(({ message }) => message.event === AllSessionData).length;
    assert.ok(turns >= blocks, `${turns} turns for ${blocks} blocks`);
  });

  it("loses no change that is made while it runs, on the donor or elsewhere (rule 6)", async () => {
    const a = await DeltaNode.started(group, 1);
    const c = await DeltaNode.started(group, 3);
    const ids = await fill(a, 200, 10_000);
    const b = new DeltaNode(group, 2);
    const starting = begin(b);
    let n = 0;
    while (!starting.ready) {
      const id = ids[n % ids.length]!;
      const node = n % 2 === 0 ? a : c;
      await Promise.all([
        node.request(id, (session) => session.setAttribute("n", n)),
        a.create((session) => session.setAttribute("fresh", n)),
        new Promise((resolve) => setImmediate(resolve)),
      ]);
      if (n === 3) await c.request(ids[150]!, (session) => session.invalidate());
      n++;
    }
    assert.ok(n > 3, "there were changes during the transfer");
    await group.settle();
    assert.equal(b.digest, a.digest);
    assert.equal(b.digest, c.digest);
    assert.equal(b.has(ids[150]!), false);
  });

  it("applies what waited in the order of its arrival, the donor's too", async () => {
    const donor = await silentMember(1);
    const other = await silentMember(3);
    const b = new DeltaNode(group, 2);
    const starting = begin(b);
    await group.settle();
    const change = async (sender: FakeChannel, value: number) => {
      const delta = new DeltaRequest();
      delta.set(DELTA_TYPES.Attribute, "n", javaInteger(value));
      await b.channel.receive(sessionDelta(CONTEXT, TOMCAT_ID, delta.encode(TOMCAT_ID), value, clock.now()), sender.localMember);
    };
    await change(other, 1);
    await change(donor, 2);
    await clock.advance(1000);
    await b.channel.receive(allSessionData(CONTEXT, tribesVector("allsessions-payload").bytes, clock.now()), donor.localMember);
    await change(other, 3);
    assert.equal(b.manager.receivedQueueSize, 3);
    assert.equal(starting.ready, false);
    await b.channel.receive(allSessionTransferComplete(CONTEXT, clock.now()), donor.localMember);
    await starting.started;
    assert.equal(b.attributes(TOMCAT_ID).n, 3);
    assert.equal(b.attributes(TOMCAT_ID).user, "alice");
    assert.equal(b.find(TOMCAT_ID).version, 3);
  });

  it("is tried with another donor when one fails in the middle (rule 6)", async () => {
    const a = await DeltaNode.started(group, 1);
    const c = await DeltaNode.started(group, 3);
    await fill(a, 300, 20_000);
    let blocks = 0;
    group.fate = (from, to, message) => {
      if (from !== "1" || to !== "2" || message.event !== AllSessionData || ++blocks < 3) return "Delivered";
      if (blocks === 3) void a.channel.stop();
      return "Lost";
    };
    const b = await DeltaNode.started(group, 2);
    assert.deepEqual(group.routes(GetAllSessions).slice(-2), ["2>1", "2>3"]);
    assert.equal(b.digest, c.digest);
    assert.equal(b.manager.activeSessions, 300);
  });

  it("is tried with another donor when one falls silent (rule 6)", async () => {
    const silent = group.channel(1);
    const c = await DeltaNode.started(group, 3);
    await fill(c, 10);
    await silent.start();
    const b = new DeltaNode(group, 2, { stateTransferTimeoutMs: 5000 });
    const starting = begin(b);
    await clock.advance(4000);
    assert.deepEqual(group.routes(GetAllSessions), ["2>1"]);
    await clock.advance(1000);
    await starting.started;
    assert.deepEqual(group.routes(GetAllSessions), ["2>1", "2>3"]);
    assert.equal(b.digest, c.digest);
    assert.equal(await b.metric("tomcatcluster_replication_no_state_transferred_total"), 1);
  });

  it("is tried with another donor when one sends no more of it, whatever else it sends (rule 6)", async () => {
    const silent = group.channel(1);
    const c = await DeltaNode.started(group, 3);
    const [id] = await fill(c, 10);
    await silent.start();
    const b = new DeltaNode(group, 2, { stateTransferTimeoutMs: 5000 });
    const starting = begin(b);
    for (let second = 0; second < 5; second++) {
      await clock.advance(1000);
      await b.channel.receive(sessionAccessed(CONTEXT, id!, clock.now()), silent.localMember);
    }
    await starting.started;
    assert.deepEqual(group.routes(GetAllSessions), ["2>1", "2>3"]);
    assert.equal(b.manager.activeSessions, 10);
  });

  it("goes on where a busy joiner was late with an acknowledgement (rule 6)", async () => {
    const a = await DeltaNode.started(group, 1);
    await fill(a, 300, 1000);
    let late = 2;
    group.fate = (from, _to, { event }) => (from === "1" && event === AllSessionData && late-- > 0 ? "Lost" : "Delivered");
    const b = new DeltaNode(group, 2);
    const starting = begin(b);
    await group.settle();
    assert.equal(starting.ready, false);
    await clock.advance(500);
    await starting.started;
    assert.deepEqual(group.routes(GetAllSessions), ["2>1"]);
    assert.equal(b.digest, a.digest);
  });

  it("never ends in ready but empty: without a donor that answers it goes on (rule 6)", async () => {
    await silentMember(1);
    const b = new DeltaNode(group, 2, { stateTransferTimeoutMs: 5000 });
    const starting = begin(b);
    await clock.advance(600_000);
    assert.equal(starting.ready, false);
    assert.equal(b.manager.stateTransferred, false);
    b.manager.abortStart();
    await assert.rejects(starting.started, { code: "STATE_TRANSFER_ABORTED" });
    await clock.advance(0);
    assert.equal(clock.pendingTimers, 0);
  });

  it("is asked for again when more arrived meanwhile than may wait", async () => {
    const a = await DeltaNode.started(group, 1);
    const ids = await fill(a, 20);
    let flooded = false;
    const b = new DeltaNode(group, 2, { maxReceiveQueueBytes: 2000 });
    group.fate = (from, to, message) => {
      if (from === "1" && to === "2" && message.event === AllSessionTransferComplete && !flooded) {
        flooded = true;
        for (const id of ids) void a.request(id, (session) => session.setAttribute("n", "y".repeat(500)));
        return "Held";
      }
      return "Delivered";
    };
    const starting = begin(b);
    await group.settle();
    group.release();
    await starting.started;
    await group.settle();
    assert.equal(group.routes(GetAllSessions).length, 2);
    assert.equal(b.digest, a.digest);
  });

  it("asks who changed a session that no donor had, once however many messages it was, and says so once", async () => {
    const donor = await silentMember(1);
    const other = await silentMember(3);
    const log = new MemoryLog();
    const b = new DeltaNode(group, 2, { logger: log.logger });
    const starting = begin(b);
    await group.settle();
    const delta = new DeltaRequest().encode(TOMCAT_ID);
    for (const version of [1, 2]) await b.channel.receive(sessionDelta(CONTEXT, TOMCAT_ID, delta, version, clock.now()), other.localMember);
    await b.channel.receive(allSessionData(CONTEXT, encodeSessionStates([]), clock.now()), donor.localMember);
    await b.channel.receive(allSessionTransferComplete(CONTEXT, clock.now()), donor.localMember);
    await group.settle();
    assert.deepEqual(group.routes(GetAllSessions), ["2>1", "2>3"]);
    assert.equal(log.lines.filter(({ msg }) => msg.includes("does not fit")).length, 1);
    assert.equal(starting.ready, false);
    await b.channel.receive(tribesVector("session-alldata").bytes, other.localMember);
    await b.channel.receive(allSessionTransferComplete(CONTEXT, clock.now()), other.localMember);
    await starting.started;
    assert.equal(b.attributes(TOMCAT_ID).user, "alice");
  });
});

describe("a joiner (rule 4)", () => {
  it("asks for the state only when a definitive answer lists it: an older one may lack other members too", async () => {
    const a = await DeltaNode.started(group, 1);
    await fill(a, 1);
    const b = new DeltaNode(group, 2);
    b.channel.listsLocalMember = false;
    let knownToAll = false;
    b.channel.hello.knownToAll = () => {
      knownToAll = true;
    };
    const starting = begin(b);
    await clock.advance(10_000);
    assert.deepEqual([starting.ready, knownToAll, group.routes(GetAllSessions)], [false, false, []]);
    b.channel.listsLocalMember = true;
    await clock.advance(1000);
    await starting.started;
    assert.equal(knownToAll, true);
    assert.equal(b.manager.activeSessions, 1);
  });
});

describe("old ids that clients may still have (rule 16)", () => {
  it("find the session on a joiner whatever it has been called since, also the first of several", async () => {
    const a = await DeltaNode.started(group, 1);
    const [first, gone] = (await fill(a, 2)) as [string, string];
    const ids = [first];
    for (const id of [first, first]) {
      await a.request(id, (session) => a.manager.changeSessionId(session, a.manager.generateSessionId()));
      ids.push(a.find(id).id);
    }
    await a.request(gone, (session) => a.manager.changeSessionId(session, a.manager.generateSessionId()));
    await a.request(gone, (session) => session.invalidate());
    group.sent.length = 0;
    const b = await DeltaNode.started(group, 2);
    assert.deepEqual(
      ids.map((id) => b.find(id).id),
      [ids[2], ids[2], ids[2]],
    );
    assert.equal(group.routes(ChangeSessionId).length, 2, "nothing of what has ended");
  });

  it("are told to a joiner a few at a time, so that a small queue holds them", async () => {
    const a = await DeltaNode.started(group, 1);
    const ids = await fill(a, 30);
    for (const id of ids) await a.request(id, (session) => a.manager.changeSessionId(session, a.manager.generateSessionId()));
    let most = 0;
    let held = 0;
    group.fate = (_from, _to, { event }) => {
      if (event !== ChangeSessionId) return "Delivered";
      most = Math.max(most, ++held);
      return "Held";
    };
    const starting = begin(new DeltaNode(group, 2));
    while (!starting.ready) {
      await group.settle();
      held = 0;
      group.release();
    }
    assert.deepEqual([most, group.routes(ChangeSessionId).length], [8, 30]);
  });
});

describe("the first one (rule 5)", () => {
  it("starts empty when nobody else is there", async () => {
    const a = await DeltaNode.started(group, 1);
    assert.equal(a.manager.stateTransferred, true);
    assert.deepEqual(group.sent, []);
  });

  it("does not when no definitive answer lists it", async () => {
    const a = new DeltaNode(group, 1);
    a.channel.listsLocalMember = undefined;
    const starting = begin(a);
    await clock.advance(10_000);
    assert.equal(starting.ready, false);
    a.channel.listsLocalMember = true;
    await clock.advance(1000);
    assert.equal(starting.ready, true);
  });

  it("does not while a member neither answers nor fails", async () => {
    const a = new DeltaNode(group, 1);
    a.channel.suspects = [group.channel(2).localMember];
    const starting = begin(a);
    await clock.advance(600_000);
    assert.equal(starting.ready, false);
    a.channel.suspects = [];
    await clock.advance(500);
    assert.equal(starting.ready, true);
  });

  it("starts empty when every member says that it has no such manager", async () => {
    const other = await silentMember(2);
    const a = new DeltaNode(group, 1);
    const starting = begin(a);
    await group.settle();
    await a.channel.receive(noContextManager(CONTEXT, false), other.localMember);
    await starting.started;
  });

  it("is the lowest in absolute order when all start together; the others wait for it", async () => {
    const all = [3, 1, 2].map((name) => new DeltaNode(group, name));
    await Promise.all(all.map((node) => node.cluster.start()));
    const order: string[] = [];
    const started = all.map((node) => node.manager.start().then(() => order.push(node.channel.name)));
    await group.settle();
    assert.deepEqual(order, ["1"]);
    await clock.advance(1000);
    await Promise.all(started);
    assert.equal(order[0], "1");
    assert.ok(group.sent.some(({ message }) => message.event === AllSessionNoContextManager && isStarting(message.uniqueId)));
  });

  it("gives the others what it got while they waited", async () => {
    const [a, b] = [1, 2].map((name) => new DeltaNode(group, name)) as [DeltaNode, DeltaNode];
    await Promise.all([a.cluster.start(), b.cluster.start()]);
    const waiting = b.manager.start();
    await a.manager.start();
    const id = await a.create((session) => session.setAttribute("n", 1));
    await clock.advance(1000);
    await waiting;
    assert.deepEqual(b.attributes(id), { n: 1 });
  });

  it("answers at once, while it starts, that it has no state", async () => {
    const asker = await silentMember(1, "Tomcat");
    const b = new DeltaNode(group, 2);
    const starting = begin(b);
    await group.settle();
    const question = group.sent.find(({ message }) => message.event === GetAllSessions)!;
    assert.deepEqual(question.to, ["1"]);
    assert.equal(question.acknowledge, "Received");
    await b.channel.receive(tribesVector("session-get-all").bytes, asker.localMember);
    assert.deepEqual(group.routes(AllSessionNoContextManager), ["2>1"]);
    b.manager.abortStart();
    await assert.rejects(starting.started);
  });
});

describe("a Tomcat as donor", () => {
  it("gives its state in one message", async () => {
    const tomcat = await silentMember(1, "Tomcat");
    const b = new DeltaNode(group, 2);
    const starting = begin(b);
    await group.settle();
    await b.channel.receive(tribesVector("session-alldata").bytes, tomcat.localMember);
    await b.channel.receive(tribesVector("session-transfercomplete").bytes, tomcat.localMember);
    await starting.started;
    assert.deepEqual(b.attributes(TOMCAT_ID), { count: 3, list: ["a", 1, true], user: "alice" });
    assert.equal(b.manager.activeSessions, 2);
  });

  it("is asked again when it says complete although its one message never came", async () => {
    const tomcat = await silentMember(1, "Tomcat");
    const b = new DeltaNode(group, 2);
    const starting = begin(b);
    await clock.advance(5100);
    await b.channel.receive(tribesVector("session-transfercomplete").bytes, tomcat.localMember);
    await clock.advance(600);
    assert.equal(starting.ready, false);
    assert.deepEqual(group.routes(GetAllSessions), ["2>1", "2>1"]);
    await b.channel.receive(tribesVector("session-alldata").bytes, tomcat.localMember);
    await b.channel.receive(tribesVector("session-transfercomplete").bytes, tomcat.localMember);
    await starting.started;
    assert.equal(b.manager.activeSessions, 2);
  });

  it("that has no sessions and sends blocks says complete at once", async () => {
    const tomcat = await silentMember(1, "Tomcat");
    const b = new DeltaNode(group, 2);
    const starting = begin(b);
    await group.settle();
    await b.channel.receive(tribesVector("session-transfercomplete").bytes, tomcat.localMember);
    await starting.started;
  });

  it("that starts itself has queued our question, and is asked again", async () => {
    const tomcat = await silentMember(1, "Tomcat");
    const b = new DeltaNode(group, 2);
    const starting = begin(b);
    await group.settle();
    await b.channel.receive(tribesVector("session-get-all").bytes, tomcat.localMember);
    await clock.advance(600);
    assert.deepEqual(group.routes(GetAllSessions), ["2>1", "2>1"]);
    await b.channel.receive(allSessionData(CONTEXT, encodeSessionStates([]), clock.now()), tomcat.localMember);
    await b.channel.receive(allSessionTransferComplete(CONTEXT, clock.now()), tomcat.localMember);
    await starting.started;
  });

  it("is asked only after the members of ours", async () => {
    await silentMember(1, "Tomcat");
    const c = new DeltaNode(group, 3);
    await c.cluster.start();
    const b = new DeltaNode(group, 2);
    const starting = begin(b);
    await group.settle();
    assert.deepEqual(group.routes(GetAllSessions), ["2>3", "2>1"]);
    b.manager.abortStart();
    await assert.rejects(starting.started);
  });
});

describe("a Tomcat as asker", () => {
  it("gets the state as soon as it is here when it asked before, since it asks only once (rule 5)", async () => {
    const a = await DeltaNode.started(group, 1);
    await fill(a, 3);
    group.fate = (_from, to, message) => (to === "1" && message.event === GetAllSessions ? "Held" : "Delivered");
    const b = new DeltaNode(group, 2);
    const starting = begin(b);
    await group.settle();
    const tomcat = await silentMember(3, "Tomcat");
    await b.channel.receive(getAllSessions(CONTEXT, clock.now()), tomcat.localMember);
    assert.deepEqual(group.routes(AllSessionNoContextManager), ["2>3"]);
    assert.deepEqual([starting.ready, group.routes(AllSessionData)], [false, []]);
    group.release();
    await starting.started;
    await group.settle();
    assert.deepEqual(group.routes(AllSessionData), ["1>2", "2>3"]);
    assert.deepEqual(group.routes(AllSessionTransferComplete), ["1>2", "2>3"]);
  });

  it("gets everything in acknowledged blocks, then the end with the time stamp of the beginning", async () => {
    const a = await DeltaNode.started(group, 1);
    await fill(a, 100, 20_000);
    const tomcat = await silentMember(3, "Tomcat");
    group.sent.length = 0;
    const askedMs = clock.now();
    await a.channel.receive(tribesVector("session-get-all").bytes, tomcat.localMember);
    while (group.sent.at(-1)?.message.event !== AllSessionTransferComplete) await group.settle();
    const answer = group.sent.filter(({ to }) => to.includes("3"));
    assert.ok(answer.length > 2);
    assert.ok(answer.every(({ acknowledge }) => acknowledge === "Processed"));
    assert.equal(answer.at(-1)?.message.timestamp, askedMs);
  });

  it("gets a block without sessions from an empty donor", async () => {
    const a = await DeltaNode.started(group, 1);
    const tomcat = await silentMember(3, "Tomcat");
    await a.channel.receive(tribesVector("session-get-all").bytes, tomcat.localMember);
    await group.settle();
    assert.deepEqual(
      group.sent.map(({ message }) => message.event),
      [AllSessionData, AllSessionTransferComplete],
    );
    assert.deepEqual(group.sent[0]?.message.data, tribesVector("allsessions-empty").bytes);
  });

  it("hears that there is no such manager", async () => {
    const a = await DeltaNode.started(group, 1);
    await a.manager.stop();
    const tomcat = await silentMember(3, "Tomcat");
    await a.channel.receive(tribesVector("session-get-all").bytes, tomcat.localMember);
    const [answer] = group.sent;
    assert.equal(answer?.message.event, AllSessionNoContextManager);
    assert.equal(isStarting(answer.message.uniqueId), false);
  });
});
