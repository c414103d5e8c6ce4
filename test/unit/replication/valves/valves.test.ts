import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { Registry, silentLogger, systemRandom } from "../../../../src/base/index.ts";
import type { AttributeValue } from "../../../../src/config/index.ts";
import type { Manager, Request, Session, Valve } from "../../../../src/container/index.ts";
import { StandardManager } from "../../../../src/container/index.ts";
import { stemOf } from "../../../../src/protocol/index.ts";
import { allSessionData, changeSessionId } from "../../../../src/replication/message-bodies.ts";
import { SESSION_EVENTS } from "../../../../src/replication/messages.ts";
import { encodeSessionStates } from "../../../../src/replication/session/session-state.ts";
import { JvmRouteBinderValve } from "../../../../src/replication/valves/jvm-route-binder-valve.ts";
import { ReplicationValve } from "../../../../src/replication/valves/replication-valve.ts";
import { CONTEXT, DeltaNode } from "../../../support/delta-node.ts";
import { FakeGroup } from "../../../support/fake-group.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

const { ChangeSessionId, SessionAccessed, SessionDelta } = SESSION_EVENTS;

/** What valves see of a request, without a connection behind it. */
class TestRequest {
  readonly attributes = new Map<string, unknown>();
  readonly context: { manager: Manager };
  readonly decodedUri: string;
  readonly requestedSessionId: string | undefined;
  readonly session: Session | undefined;
  readonly usedSessions: Session[] = [];
  cookie: string | undefined;
  /** Bytes of the answer have left. */
  streamed = false;
  clientGone = false;
  complete = false;
  replacedBy: number | undefined;
  readonly res = { destroyed: false, destroy: () => Object.assign(this.res, { destroyed: true }) };
  #beforeEnd: (() => void | Promise<void>)[] = [];

  constructor(manager: Manager, options: { uri?: string; id?: string } = {}) {
    this.context = { manager };
    this.decodedUri = options.uri ?? "/app/page";
    this.requestedSessionId = options.id;
    this.session = options.id === undefined ? undefined : (manager.findSession(options.id) as Session | undefined);
    this.session?.access();
    if (this.session !== undefined) this.usedSessions.push(this.session);
  }

  changeSessionId(newId: string): void {
    const session = this.session!;
    if (session.id !== newId) this.context.manager.changeSessionId(session, newId);
    this.cookie = newId;
  }

  replaceAnswer(status: number): boolean {
    if (!this.streamed) this.replacedBy = status;
    return !this.streamed;
  }

  onBeforeEnd(hook: () => void | Promise<void>): void {
    this.#beforeEnd.push(hook);
  }

  /** Takes the request through the valve to `work`; what the valve has the answer wait for. */
  through(valve: Valve, work: (request: TestRequest) => void = () => undefined): Promise<void> | undefined {
    let called = 0;
    valve.invoke(this as unknown as Request, () => {
      called++;
      work(this);
    });
    assert.equal(called, 1);
    const pending = this.end();
    this.session?.endAccess();
    this.complete = true;
    return pending;
  }

  /** The application ends its answer. */
  end(): Promise<void> | undefined {
    return this.#beforeEnd.map((hook) => hook()).find((result) => result !== undefined) ?? undefined;
  }
}

let clock: ManualClock;
let group: FakeGroup;
let a: DeltaNode;
let b: DeltaNode;

beforeEach(async () => {
  clock = new ManualClock();
  group = new FakeGroup(clock);
  a = await DeltaNode.started(group, 1);
  b = await DeltaNode.started(group, 2);
});

describe("ReplicationValve", () => {
  function valve(attributes: Record<string, AttributeValue> = {}): ReplicationValve {
    return new ReplicationValve(a.cluster, attributes);
  }

  it("has the answer wait for what the request changed, and for nothing else (rule 7)", async () => {
    const id = await a.create((session) => session.setAttribute("n", 1));
    assert.equal(new TestRequest(a.manager, { id }).through(valve()), undefined);
    const pending = new TestRequest(a.manager, { id }).through(valve(), ({ session }) => session?.setAttribute("n", 2));
    assert.ok(pending instanceof Promise);
    await pending;
    assert.deepEqual(b.attributes(id), { n: 2 });
  });

  const set = ({ session }: TestRequest) => session?.setAttribute("n", 2);
  const notKept = async () => (await a.registry.getSingleMetric("tomcatcluster_replication_requests_not_kept_total")!.get()).values;

  it("answers, and counts, when no other member has what the request changed: durability Preferred (rule 8)", async () => {
    const id = await a.create((session) => session.setAttribute("n", 1));
    group.fate = () => "Lost";
    const request = new TestRequest(a.manager, { id });
    await request.through(valve(), set);
    assert.equal(request.replacedBy, undefined);
    assert.deepEqual(await notKept(), [{ value: 1, labels: { answer: "sent" } }]);
  });

  it("answers 503 when no other member has what the request changed: durability Required (rule 8)", async () => {
    const id = await a.create((session) => session.setAttribute("n", 1));
    group.fate = () => "Lost";
    const request = new TestRequest(a.manager, { id });
    await request.through(valve({ durability: "Required" }), set);
    assert.equal(request.replacedBy, 503);
    assert.deepEqual(await notKept(), [{ value: 1, labels: { answer: "refused" } }]);
    assert.equal(a.manager.sessionsAtRisk, 1);
    assert.deepEqual(a.attributes(id), { n: 2 }, "the change stays");
  });

  it("cuts an answer that has begun to leave: durability Required (rule 8)", async () => {
    const id = await a.create((session) => session.setAttribute("n", 1));
    group.fate = () => "Lost";
    const request = new TestRequest(a.manager, { id });
    request.streamed = true;
    await request.through(valve({ durability: "Required" }), set);
    assert.equal(request.res.destroyed, true);
  });

  it("is content with one of two other members: durability Required (rule 8)", async () => {
    const c = await DeltaNode.started(group, 3);
    const id = await a.create((session) => session.setAttribute("n", 1));
    group.fate = (_from, to) => (to === "2" ? "Lost" : "Delivered");
    const request = new TestRequest(a.manager, { id });
    await request.through(valve({ durability: "Required" }), set);
    assert.equal(request.replacedBy, undefined);
    assert.deepEqual(c.attributes(id), { n: 2 });
    assert.deepEqual(await notKept(), []);
  });

  it("is content with a member that refused the change and then took the whole session: durability Required (rules 8, 12)", async () => {
    const id = await a.create((session) => session.setAttribute("n", 1));
    group.fate = (_from, _to, message) => (message.event === SessionDelta ? "Refused" : "Delivered");
    const request = new TestRequest(a.manager, { id });
    await request.through(valve({ durability: "Required" }), set);
    assert.equal(request.replacedBy, undefined);
    assert.deepEqual(b.attributes(id), { n: 2 });
  });

  /** A session whose copy on b has more changes than a has heard of. */
  async function overtaken(): Promise<string> {
    const id = await a.create((session) => session.setAttribute("n", 1));
    group.fate = (from) => (from === "2" ? "Lost" : "Delivered");
    for (let n = 10; n < 13; n++) await b.request(id, (session) => session.setAttribute("n", n));
    return id;
  }

  it("answers 503 when a member keeps its own copy against the change: durability Required (rules 8, 11, 12)", async () => {
    const id = await overtaken();
    const request = new TestRequest(a.manager, { id });
    await request.through(valve({ durability: "Required" }), set);
    assert.equal(request.replacedBy, 503);
    assert.deepEqual(b.attributes(id), { n: 12 });
  });

  it("answers 503 also when another member had taken the change, which is going to lose it: durability Required (rules 8, 11)", async () => {
    const c = await DeltaNode.started(group, 3);
    const id = await overtaken();
    const request = new TestRequest(a.manager, { id });
    await request.through(valve({ durability: "Required" }), set);
    assert.equal(request.replacedBy, 503);
    assert.deepEqual(c.attributes(id), { n: 2 });
    group.fate = () => "Delivered";
    await clock.advance(20_000);
    assert.deepEqual(
      [a, b, c].map((node) => node.attributes(id)),
      [{ n: 12 }, { n: 12 }, { n: 12 }],
    );
  });

  it("answers 503 when another copy has replaced the change while the answer waited: durability Required (rules 8, 11)", async () => {
    const id = await a.create((session) => session.setAttribute("n", 1));
    group.fate = () => "Held";
    const request = new TestRequest(a.manager, { id });
    const answered = request.through(valve({ durability: "Required" }), set);
    const newer = { ...b.find(id).exportState(), version: 7 };
    await a.channel.receive(allSessionData(CONTEXT, encodeSessionStates([newer]), 0), b.channel.localMember);
    group.release();
    await answered;
    assert.equal(request.replacedBy, 503);
  });

  it("answers 503 also when the session was renamed while its copy was declined: durability Required (rules 8, 16)", async () => {
    const id = await overtaken();
    group.fate = (from, _to, { event }) => (from === "2" ? "Lost" : event === SESSION_EVENTS.AllSessionData ? "Held" : "Delivered");
    const request = new TestRequest(a.manager, { id });
    const answered = request.through(valve({ durability: "Required" }), set);
    await group.settle();
    const newId = b.manager.generateSessionId();
    await a.channel.receive(changeSessionId(CONTEXT, id, newId, 0, 1), b.channel.localMember);
    group.fate = (from) => (from === "2" ? "Lost" : "Delivered");
    group.release();
    await answered;
    assert.equal(request.replacedBy, 503);
  });

  it("sends what the application changes after its client has gone, and gives way to what another member has answered since", async () => {
    const id = await a.create((session) => session.setAttribute("n", 1));
    const request = new TestRequest(a.manager, { id });
    request.clientGone = true;
    await request.through(valve(), set);
    request.session!.setAttribute("n", 3);
    await request.end();
    assert.deepEqual(b.attributes(id), { n: 3 });
    await b.request(id, (session) => session.setAttribute("n", 10));
    request.session!.setAttribute("n", 4);
    await request.end();
    assert.deepEqual([a.attributes(id), b.attributes(id)], [{ n: 10 }, { n: 10 }]);
  });

  it("answers 503 at once when there is no other member, and only for changes: durability Required (rule 8)", async () => {
    const id = await a.create((session) => session.setAttribute("n", 1));
    await b.stop();
    const change = new TestRequest(a.manager, { id });
    assert.equal(change.through(valve({ durability: "Required" }), set), undefined);
    assert.equal(change.replacedBy, 503);
    const read = new TestRequest(a.manager, { id });
    assert.equal(read.through(valve({ durability: "Required" })), undefined);
    assert.equal(read.replacedBy, undefined);
  });

  it("does not answer 503 for a member that only was not told of an access: durability Required (rule 8)", async () => {
    const id = await b.create((session) => session.setAttribute("n", 1));
    group.fate = () => "Lost";
    const request = new TestRequest(a.manager, { id });
    await request.through(valve({ durability: "Required" }));
    assert.equal(group.routes(SessionAccessed).length, 1);
    assert.equal(request.replacedBy, undefined);
  });

  it("answers 503 when nobody else learnt that the session has ended: durability Required (rule 8)", async () => {
    const id = await a.create((session) => session.setAttribute("n", 1));
    group.fate = () => "Lost";
    const request = new TestRequest(a.manager, { id });
    await request.through(valve({ durability: "Required" }), ({ session }) => session?.invalidate());
    assert.equal(request.replacedBy, 503);
  });

  it("is content again when the member has caught up: durability Required (rules 8, 11)", async () => {
    const id = await a.create((session) => session.setAttribute("n", 1));
    group.fate = () => "Lost";
    await new TestRequest(a.manager, { id }).through(valve({ durability: "Required" }), set);
    group.fate = () => "Delivered";
    await clock.advance(1000);
    await group.settle();
    assert.deepEqual(b.attributes(id), { n: 2 });
    const request = new TestRequest(a.manager, { id });
    await request.through(valve({ durability: "Required" }), ({ session }) => session?.setAttribute("n", 3));
    assert.equal(request.replacedBy, undefined);
    assert.deepEqual(b.attributes(id), { n: 3 });
  });

  it("does nothing for requests without a session", () => {
    assert.equal(new TestRequest(a.manager).through(valve()), undefined);
  });

  it("waits for the end of a session, too", async () => {
    const id = await a.create((session) => session.setAttribute("n", 1));
    const pending = new TestRequest(a.manager, { id }).through(valve(), ({ session }) => session?.invalidate());
    assert.ok(pending instanceof Promise);
    await pending;
    assert.equal(b.has(id), false);
  });

  it("waits for the end of a session of a request that is not replicated, too", async () => {
    const id = await a.create((session) => session.setAttribute("n", 1));
    const pending = new TestRequest(a.manager, { id }).through(valve({ filter: ".*" }), ({ session }) => session?.invalidate());
    assert.ok(pending instanceof Promise);
    await pending;
    assert.equal(b.has(id), false);
  });

  it("answers 503 to none of the requests that run meanwhile when a session's end is not known to others: durability Required (rule 8)", async () => {
    const [id, other] = [
      await a.create((session) => session.setAttribute("n", 1)),
      await a.create((session) => session.setAttribute("n", 1)),
    ];
    group.fate = () => "Lost";
    const ending = new TestRequest(a.manager, { id });
    const innocent = [new TestRequest(a.manager), new TestRequest(a.manager, { id: other })];
    const required = valve({ durability: "Required" });
    const ended = ending.through(required, ({ session }) => session?.invalidate());
    assert.deepEqual(
      innocent.map((request) => request.through(required)),
      [undefined, undefined],
    );
    await ended;
    assert.deepEqual(
      [ending, ...innocent].map(({ replacedBy }) => replacedBy),
      [503, undefined, undefined],
    );
    assert.equal(new TestRequest(a.manager, { id: other }).through(required), undefined);
  });

  const filters: readonly (readonly [string, string, boolean])[] = [
    [".*\\.(gif|png)", "/app/logo.png", true],
    [".*\\.(gif|png)", "/app/logo.png/page", false],
    [".*\\.gif|.*\\.css", "/app/a.css", true],
    [".*\\.gif|.*\\.css", "/app/a.css.page", false],
    ["/app", "/app/page", false],
    ["", "", false],
  ];
  for (const [filter, uri, filtered] of filters) {
    it(`${filtered ? "leaves out" : "replicates"} "${uri}" with the filter "${filter}"`, async () => {
      const id = await a.create((session) => session.setAttribute("n", 1));
      const replicating = valve({ filter });
      await new TestRequest(a.manager, { id, uri }).through(replicating, ({ session }) => session?.setAttribute("n", 2));
      assert.deepEqual(b.attributes(id), { n: filtered ? 1 : 2 });
      await new TestRequest(a.manager, { id }).through(replicating);
      assert.deepEqual(b.attributes(id), { n: 2 });
    });
  }

  it("refuses a filter that is no regular expression, naming it", () => {
    assert.throws(() => valve({ filter: ".*\\.(gif" }), { code: "INVALID_PATTERN", message: /"filter"/ });
  });

  it("tells whether this worker served the session last, when asked to", async () => {
    const id = await a.create((session) => session.setAttribute("n", 1));
    const indicating = valve({ primaryIndicator: true, primaryIndicatorName: "isPrimary" });
    const seen: unknown[] = [];
    const look = (request: TestRequest) => seen.push(request.attributes.get("isPrimary"));
    await new TestRequest(a.manager, { id }).through(indicating, look);
    await b.request(id);
    await new TestRequest(a.manager, { id }).through(indicating, look);
    await new TestRequest(a.manager).through(indicating, look);
    assert.deepEqual(seen, [true, false, undefined]);
  });

  it("leaves the sessions of other managers alone", async () => {
    const clock = new ManualClock();
    const manager = new StandardManager({ clock, random: systemRandom, logger: silentLogger, registry: new Registry() }, { name: "local" });
    const session = manager.createSession();
    session.setAttribute("n", () => "kept here only");
    assert.equal(new TestRequest(manager, { id: session.id }).through(valve()), undefined);
  });
});

describe("JvmRouteBinderValve (rule 16)", () => {
  function valve(attributes: Record<string, AttributeValue> = {}, route: string | undefined = "n2"): JvmRouteBinderValve {
    return new JvmRouteBinderValve(b.cluster, attributes, route);
  }

  it("gives a session of another worker this one's route, and the client its new id", async () => {
    const id = await a.create((session) => session.setAttribute("n", 1));
    const request = new TestRequest(b.manager, { id });
    void request.through(valve(), ({ session }) => assert.equal(session?.id, `${stemOf(id)}.n2`));
    assert.equal(request.cookie, `${stemOf(id)}.n2`);
    assert.equal(request.attributes.get("org.apache.catalina.ha.session.JvmRouteOriginalSessionID"), id);
    await group.settle();
    assert.deepEqual(group.routes(ChangeSessionId), ["2>1"]);
    assert.equal(a.find(id).id, `${stemOf(id)}.n2`);
    assert.equal(await b.metric("tomcatcluster_replication_sessions_taken_over_total"), 1);
  });

  it("only renews the cookie when another request of the client has taken the session over", async () => {
    const id = await a.create((session) => session.setAttribute("n", 1));
    void new TestRequest(b.manager, { id }).through(valve());
    await group.settle();
    group.sent.length = 0;
    const late = new TestRequest(b.manager, { id });
    void late.through(valve({ sessionIdAttribute: "was" }));
    assert.equal(late.cookie, `${stemOf(id)}.n2`);
    assert.equal(late.attributes.get("was"), id);
    assert.deepEqual(group.routes(ChangeSessionId), []);
  });

  it("does nothing for a session with this worker's route, without a session, when disabled, or without a route", async () => {
    const own = await b.create((session) => session.setAttribute("n", 1));
    const foreign = await a.create((session) => session.setAttribute("n", 1));
    for (const [id, binder] of [
      [own, valve()],
      [undefined, valve()],
      [`${"F".repeat(32)}.n1`, valve()],
      [foreign, valve({ enabled: false })],
      [foreign, new JvmRouteBinderValve(b.cluster, {}, undefined)],
    ] as const) {
      const request = new TestRequest(b.manager, id === undefined ? {} : { id });
      void request.through(binder);
      assert.equal(request.cookie, undefined);
    }
  });

  it("never changes an id without a route", async () => {
    const id = await a.create((session) => session.setAttribute("n", 1));
    await a.request(id, (session) => a.manager.changeSessionId(session, stemOf(id)));
    const request = new TestRequest(b.manager, { id: stemOf(id) });
    void request.through(valve());
    assert.equal(request.cookie, undefined);
    assert.equal(b.find(id).id, stemOf(id));
  });

  it("is followed by the change under the new id, in one lane (rule 10)", async () => {
    const id = await a.create((session) => session.setAttribute("n", 1));
    group.sent.length = 0;
    const binder = valve();
    const replicating = new ReplicationValve(b.cluster, {});
    const request = new TestRequest(b.manager, { id });
    const both: Valve = { invoke: (passed, next) => binder.invoke(passed, (bound) => replicating.invoke(bound, next)) };
    await request.through(both, ({ session }) => session?.setAttribute("n", 2));
    assert.deepEqual(
      group.sent.map(({ message }) => message.event),
      [ChangeSessionId, SessionDelta],
    );
    assert.equal(new Set(group.sent.map(({ orderKey }) => orderKey)).size, 1);
    assert.equal(group.sent[1]?.message.sessionId, `${stemOf(id)}.n2`);
    assert.deepEqual(group.routes(SessionAccessed), []);
  });
});

describe("ReplicationValve after a standstill of its process", () => {
  it("carries out what waited only when the others' news have been read, and nothing whose client has gone (rules 11, 13)", async () => {
    const waiting = Promise.withResolvers<void>();
    const valve = new ReplicationValve(
      { owns: () => true, metrics: a.cluster.metrics, standstill: { settled: () => waiting.promise } },
      {},
    );
    const requests = [false, true].map((clientGone) => Object.assign(new TestRequest(a.manager), { clientGone }));
    const carriedOut: boolean[] = [];
    for (const request of requests) valve.invoke(request as unknown as Request, () => carriedOut.push(request.clientGone));
    assert.deepEqual(carriedOut, []);
    waiting.resolve();
    await waiting.promise;
    await group.settle();
    assert.deepEqual([carriedOut, requests.map(({ res }) => res.destroyed)], [[false], [false, true]]);
  });
});
