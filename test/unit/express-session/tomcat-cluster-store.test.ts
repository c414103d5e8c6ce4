// Method by method what express-session's README, "Session Store Implementation", asks of a store.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { promisify } from "node:util";
import { Registry, silentLogger, systemRandom } from "../../../src/base/index.ts";
import { type Manager, StandardManager } from "../../../src/container/index.ts";
import { AttributeStorage } from "../../../src/container/webapp/session-storage.ts";
import type { SessionData } from "../../../src/express-session/express-session.ts";
import { OutsideOfWorkerError, TomcatClusterStore } from "../../../src/express-session/index.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const SID = "Jx0_pQ-Zk3vV8mC1nB4tR7yW2eA5sD9f";

let clock: ManualClock;
let manager: StandardManager;
let store: TomcatClusterStore;

function storeOn(findManager: () => Manager | undefined): TomcatClusterStore {
  return new TomcatClusterStore({
    application: { contextName: "localhost#/app", openSessionStorage: (attribute) => new AttributeStorage(attribute, findManager) },
  });
}

beforeEach(async () => {
  clock = new ManualClock();
  const deps = { clock, random: systemRandom, logger: silentLogger, registry: new Registry() };
  manager = new StandardManager(deps, { name: "localhost#/app", jvmRoute: "n1", maxActiveSessions: 5, sessionTimeoutSeconds: 1800 });
  await manager.start();
  store = storeOn(() => manager);
});
afterEach(() => manager.stop());

function data(properties: Record<string, unknown> = {}, cookie: SessionData["cookie"] = { originalMaxAge: null }): SessionData {
  return { cookie, ...properties };
}

const get = (sid: string) => promisify(store.get.bind(store))(sid);
const set = (sid: string, session: SessionData) => promisify<void>((done) => store.set(sid, session, done))();
const touch = (sid: string, session: SessionData) => promisify<void>((done) => store.touch(sid, session, done))();
const destroy = (sid: string) => promisify<void>((done) => store.destroy(sid, done))();
const all = () => promisify(store.all.bind(store))();
const length = () => promisify(store.length.bind(store))();
const clear = () => promisify<void>((done) => store.clear(done))();

describe("TomcatClusterStore", () => {
  it("get: gives what was set, as plain data of its own", async () => {
    await set(SID, data({ user: { name: "alice" }, nothing: null, list: [1, "2"], at: new Date(0), gone: undefined }));
    const session = (await get(SID))!;
    assert.deepEqual(session, {
      cookie: { originalMaxAge: null },
      user: { name: "alice" },
      nothing: null,
      list: [1, "2"],
      at: "1970-01-01T00:00:00.000Z",
    });
    (session.user as { name: string }).name = "mallory";
    assert.deepEqual((await get(SID))?.user, { name: "alice" });
  });

  it("get: calls back with undefined and no error when there is no such session", async () => {
    assert.equal(await get("unknown"), undefined);
  });

  it("get: gives nothing of a session that the application keeps without this store", async () => {
    const own = manager.createSession();
    own.setAttribute("n", 1);
    assert.equal(await get(own.id.split(".")[0]!), undefined);
  });

  it("set: replaces all of a session's data", async () => {
    await set(SID, data({ a: 1, b: 2 }));
    await set(SID, data({ b: 3 }));
    assert.deepEqual(await get(SID), data({ b: 3 }));
  });

  it("set: keeps what JSON keeps of keys like __proto__, and nobody's prototype changes", async () => {
    await set(SID, JSON.parse('{"cookie":{},"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'));
    const session = await get(SID);
    assert.ok(Object.hasOwn(session!, "__proto__"));
    assert.equal(({} as { polluted?: boolean }).polluted, undefined);
  });

  it("set: finds the session under its id whatever the id looks like, and tells ids apart", async () => {
    const ids = ["short", "with.dots.in.it", "a b;c=d", "ü".repeat(300), "with.dots"];
    for (const id of ids) await set(id, data({ id }));
    for (const id of ids) assert.equal((await get(id))?.id, id);
    for (const session of manager.findSessions()) assert.match(session.id, /^[A-Za-z0-9_-]+\.n1$/);
  });

  it("set: ends the session when its cookie's time is over", async () => {
    await set(SID, data({ a: 1 }));
    await set(SID, data({ a: 1 }, { originalMaxAge: 0 }));
    assert.equal(await get(SID), undefined);
  });

  it("set: gives limits and data that is no JSON to the callback", async () => {
    await assert.rejects(set(SID, data({ big: 1n })), /BigInt/);
    for (let n = 0; n < 5; n++) await set(`id-${n}`, data());
    await assert.rejects(set(SID, data()), { code: "TOO_MANY_SESSIONS", status: 503 });
  });

  it("set, touch: the session lives for its cookie's maxAge after its last use", async () => {
    const session = data({ a: 1 }, { originalMaxAge: 60_000 });
    await set(SID, session);
    await clock.advance(59_000);
    await touch(SID, session);
    await clock.advance(59_000);
    assert.equal((await get(SID))?.a, 1);
    await clock.advance(1000);
    assert.equal(await get(SID), undefined);
  });

  it("set: without a maxAge the session lives as long as the application's", async () => {
    await set(SID, data({ a: 1 }));
    await clock.advance(1_799_000);
    assert.equal((await get(SID))?.a, 1);
    await clock.advance(1000);
    assert.equal(await get(SID), undefined);
  });

  it("set: takes ages of centuries", async () => {
    await set(SID, data({ a: 1 }, { originalMaxAge: 1e14 }));
    assert.equal((await get(SID))?.a, 1);
  });

  it("touch: does nothing when there is no such session", async () => {
    await touch("unknown", data());
    assert.equal(await length(), 0);
  });

  it("destroy: ends the session, and calls back without an error when there is none", async () => {
    await set(SID, data());
    await destroy(SID);
    await destroy(SID);
    assert.equal(await get(SID), undefined);
  });

  it("all, length, clear: mean this store's sessions only", async () => {
    const own = manager.createSession();
    own.setAttribute("n", 1);
    await set("a", data({ n: 1 }));
    await set("with.dot", data({ n: 2 }));
    assert.equal(await length(), 2);
    const sessions = (await all())!;
    assert.deepEqual(sessions.map(({ n }) => n).sort(), [1, 2]);
    for (const session of sessions) assert.equal((await get(session.id as string))?.n, session.n);
    await clear();
    assert.deepEqual(await all(), []);
    assert.equal(own.valid, true);
  });

  it("calls back in the same turn, takes no callback, and leaves the callback's exceptions alone", () => {
    let called = 0;
    store.set(SID, data({ a: 1 }), () => called++);
    store.set(SID, data({ a: 2 }));
    store.touch(SID, data());
    assert.throws(
      () =>
        store.get(SID, (_error, session) => {
          called++;
          throw new Error(`seen ${session?.a}`);
        }),
      /seen 2/,
    );
    store.destroy(SID);
    assert.equal(called, 2);
  });

  it("says so when the application has not started yet", async () => {
    store = storeOn(() => undefined);
    await assert.rejects(get(SID), { code: "ILLEGAL_STATE" });
  });

  it("cannot be made outside of a worker's loading application, and says what to do", () => {
    assert.throws(() => new TomcatClusterStore(), OutsideOfWorkerError);
  });

  it("is what the package exports", () => {
    const exported = new URL("../../../dist/express-session/index.js", import.meta.url).href;
    assert.equal(import.meta.resolve("tomcat-cluster/express-session"), exported);
  });

  it("has what express-session's own Store brings", () => {
    for (const method of ["regenerate", "load", "createSession", "on", "emit"] as const) assert.equal(typeof store[method], "function");
  });
});
