// Sessions over HTTP: cookies, look-up, aliases, limits, expiry, and what applications may do with them.
import assert from "node:assert/strict";
import { after, afterEach, beforeEach, describe, it } from "node:test";
import type { Manager, Session } from "../../../src/container/index.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { type ContainerOptions, cookieOf, RunningContainer } from "../../support/running-container.ts";

interface Count {
  readonly n: number;
  readonly id: string;
  readonly isNew: boolean;
  readonly last: number;
}

let container: RunningContainer;
const running: RunningContainer[] = [];

async function start(options: ContainerOptions = {}): Promise<ManualClock> {
  const clock = new ManualClock();
  container = await RunningContainer.start({ applications: { ROOT: "plain", shop: "plain" }, jvmRoute: "shop-0", clock, ...options });
  running.push(container);
  return clock;
}

async function count(cookie?: string, path = "/shop/count"): Promise<Count & { cookie: string | undefined }> {
  const answer = await container.fetch(path, cookie === undefined ? {} : { headers: { cookie } });
  return { ...((await answer.json()) as Count), cookie: cookieOf(answer) };
}

afterEach(async () => {
  for (const each of running.splice(0)) await each.stop();
});

describe("the session cookie", () => {
  it("carries 32 hexadecimal digits and the route, once, for the context path", async () => {
    await start();
    const answer = await container.fetch("/shop/count");
    const cookies = answer.headers.getSetCookie();
    assert.equal(cookies.length, 1);
    assert.match(cookies[0]!, /^JSESSIONID=[0-9A-F]{32}\.shop-0; Path=\/shop; HttpOnly$/);
    assert.match((await container.fetch("/count")).headers.getSetCookie()[0]!, /; Path=\/; HttpOnly$/);
  });

  it("is not set again for a client that has it", async () => {
    await start();
    const first = await count();
    const second = await count(first.cookie);
    assert.deepEqual([second.n, second.id, second.cookie], [2, first.id, undefined]);
    assert.deepEqual([first.isNew, second.isNew], [true, false]);
  });

  it("takes name, path, domain, SameSite and HttpOnly from server.xml", async () => {
    const defaults = {
      sessionCookieName: "SID",
      sessionCookiePath: "/",
      sessionCookieDomain: "shop.example",
      sameSiteCookies: "lax",
      useHttpOnly: false,
    };
    await start({ defaults: defaults as NonNullable<ContainerOptions["defaults"]> });
    assert.match(
      (await container.fetch("/shop/count")).headers.getSetCookie()[0]!,
      /^SID=[^;]+; Path=\/; Domain=shop\.example; SameSite=Lax$/,
    );
  });

  it("survives what the application hands to writeHead, and a session asked for after it", async () => {
    await start();
    const late = await container.fetch("/shop/late");
    assert.equal(cookieOf(late), `JSESSIONID=${await late.text()}`);
    assert.equal(cookieOf(late, "mine"), "mine=1");
    const names = (await container.fetch("/shop/cookies")).headers.getSetCookie().map((cookie) => cookie.split("=")[0]);
    assert.deepEqual(names, ["a", "b", "JSESSIONID"]);
  });

  it("cannot be set once the head has left: getSession() says so", async () => {
    await start();
    assert.match(await (await container.fetch("/shop/too-late")).text(), /cannot be created after the head of the answer has left/);
  });

  it("is not set for a session that the application invalidated at once", async () => {
    await start();
    const answer = await container.fetch("/shop/invalidate");
    assert.deepEqual(await answer.json(), { message: "ILLEGAL_STATE", session: null });
    assert.deepEqual(answer.headers.getSetCookie(), []);
  });
});

describe("a session is found", () => {
  it("under its stem, whatever route follows (rule 16)", async () => {
    await start();
    const { cookie, id } = await count();
    const elsewhere = await count(cookie!.replace("shop-0", "shop-7"));
    assert.deepEqual([elsewhere.n, elsewhere.id], [2, id]);
  });

  it("by the first of several cookies that leads to one", async () => {
    await start();
    const one = await count();
    const two = await count();
    const found = await count(`JSESSIONID=0.x; a=b; ${two.cookie}; ${one.cookie}`);
    assert.equal(found.id, two.id);
  });

  it("in the path only where the application says so, and after the cookie", async () => {
    await start({ applications: { ROOT: "plain", cjs: "commonjs" } });
    const made = (await (await container.fetch("/cjs/")).json()) as { id: string };
    const other = (await (await container.fetch("/cjs/")).json()) as { id: string };
    const found = (await (await container.fetch(`/cjs/a;jsessionid=${made.id}?q`)).json()) as { id: string; url: string };
    assert.deepEqual(found, { ...found, id: made.id, url: "/a?q" });
    const cookieWins = await container.fetch(`/cjs/a;jsessionid=${made.id}`, { headers: { cookie: `JSESSIONID=${other.id}` } });
    assert.equal(((await cookieWins.json()) as { id: string }).id, other.id);
    const ignored = await container.fetch(`/peek;jsessionid=${made.id}`);
    assert.equal(ignored.status, 404);
  });

  it("not in another application", async () => {
    await start();
    const { cookie } = await count();
    const other = await container.fetch("/peek", { headers: { cookie: cookie! } });
    assert.deepEqual(await other.json(), { session: null, got: null });
  });

  it("before the application runs, also where the manager has to fetch it", async () => {
    let manager!: Manager;
    await start({
      applications: { shop: "plain" },
      createManager: (standard) => {
        manager = standard;
        const find = standard.findSession.bind(standard);
        standard.findSession = (id: string) => Promise.resolve(find(id) as Session | undefined);
        return standard;
      },
    });
    const { cookie, id } = await count();
    const second = await count(`JSESSIONID=unknown; ${cookie}`);
    assert.deepEqual([second.n, second.id], [2, id]);
    manager.findSession = () => Promise.reject(new Error("store unreachable"));
    assert.equal((await container.fetch("/shop/peek", { headers: { cookie: cookie! } })).status, 500);
  });
});

describe("a changed id", () => {
  it("goes to the client, and the old one leads to the session for 60 s (rule 16)", async () => {
    const clock = await start();
    const old = await count();
    const renewed = await container.fetch("/shop/renew", { headers: { cookie: old.cookie! } });
    const newId = await renewed.text();
    assert.equal(cookieOf(renewed), `JSESSIONID=${newId}`);
    assert.match(newId, /^[0-9A-F]{32}\.shop-0$/);
    assert.notEqual(newId, old.id);
    await clock.advance(59_000);
    const byAlias = await count(old.cookie);
    assert.deepEqual([byAlias.n, byAlias.id, byAlias.cookie], [2, newId, `JSESSIONID=${newId}`]);
    await clock.advance(1000);
    assert.notEqual((await count(old.cookie)).id, newId);
    assert.equal((await count(`JSESSIONID=${newId}`)).n, 3);
  });
});

describe("an application", () => {
  beforeEach(() => start().then(() => undefined));

  it("that assigns a property to the session gets an error, and its client 500", async () => {
    assert.equal((await container.fetch("/shop/assign")).status, 500);
  });

  it("may bring a req.session of its own", async () => {
    assert.deepEqual(await (await container.fetch("/shop/own")).json(), { own: true });
  });

  it("sees when the session was used last", async () => {
    const clock = container.clock as ManualClock;
    const first = await count();
    const usedMs = clock.now();
    await clock.advance(5000);
    assert.equal((await count(first.cookie)).last, usedMs);
  });
});

describe("limits", () => {
  it("answer 503 with Retry-After and count, while known sessions go on (rule 22)", async () => {
    await start({ manager: { maxActiveSessions: 2 } });
    const known = await count();
    await count();
    const refused = await container.fetch("/shop/count");
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get("retry-after"), "10");
    assert.equal((await count(known.cookie)).n, 2);
    assert.equal(await container.metric("tomcat_sessions_rejected_sessions_total"), 1);
    assert.equal(await container.metric("tomcat_sessions_active_current_sessions"), 2);
  });

  it("refuse sessions while more than 85 % of the heap is in use, sampled once a second (rule 22)", async () => {
    let heapFull = true;
    const clock = await start({ heapFull: () => heapFull });
    assert.equal((await container.fetch("/shop/count")).status, 503);
    heapFull = false;
    assert.equal((await container.fetch("/shop/count")).status, 503);
    await clock.advance(1000);
    assert.equal((await container.fetch("/shop/count")).status, 200);
  });
});

describe("a session expires", () => {
  it("after its idle time, at the next look or the next scan", async () => {
    const clock = await start({ defaults: { sessionTimeoutSeconds: 90 } });
    const first = await count();
    await clock.advance(89_000);
    assert.equal((await count(first.cookie)).n, 2);
    await clock.advance(89_999);
    assert.equal(await container.metric("tomcat_sessions_active_current_sessions"), 1);
    await clock.advance(61_000);
    assert.equal(await container.metric("tomcat_sessions_active_current_sessions"), 0);
    assert.equal(await container.metric("tomcat_sessions_expired_sessions_total"), 1);
    assert.notEqual((await count(first.cookie)).id, first.id);
  });

  it("not while a request uses it", async () => {
    const clock = await start({ defaults: { sessionTimeoutSeconds: 5 } });
    const { cookie } = await count();
    const waiting = new Promise<{ end(text: string): void }>((resolve) => process.once("test:waiting" as "exit", resolve as never));
    const pending = container.fetch("/shop/wait", { headers: { cookie: cookie! } });
    const response = await waiting;
    await clock.advance(300_000);
    assert.equal((await count(cookie)).n, 2);
    response.end("done");
    await (await pending).text();
  });

  it("after 60 s when it holds nothing and its cookie never came back (rule 22)", async () => {
    const clock = await start();
    await (await container.fetch("/shop/empty")).text();
    const back = await container.fetch("/shop/empty");
    const cookie = cookieOf(back)!;
    await back.text();
    await (await container.fetch("/shop/peek", { headers: { cookie } })).text();
    await count();
    await clock.advance(120_000);
    assert.equal(await container.metric("tomcat_sessions_active_current_sessions"), 2);
  });
});

after(() => assert.equal(running.length, 0));
