// The container as clients and applications see it, through a real connector.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ManualClock } from "../../support/manual-clock.ts";
import { RawConnection } from "../../support/raw-http.ts";
import { cookieOf, RunningContainer } from "../../support/running-container.ts";

describe("applications in a folder", () => {
  let container: RunningContainer;
  before(async () => {
    container = await RunningContainer.start({
      applications: {
        ROOT: "plain",
        shop: "plain",
        "shop.war": "",
        "shop#api": "plain",
        "shop##2": "plain",
        "two words": "plain",
        cjs: "commonjs",
        stray: null,
        ".hidden": "plain",
        node_modules: null,
      },
    });
  });
  after(() => container.stop());

  it("are mounted by Tomcat's names, and what is no application is left out", () => {
    assert.deepEqual(container.engine.contexts.map((context) => context.name).sort(), [
      "localhost#",
      "localhost#/cjs",
      "localhost#/shop",
      "localhost#/shop/api",
    ]);
    assert.equal(container.engine.notReadyReason(), undefined);
  });

  for (const [target, url, contextPath] of [
    ["/url", "/url", ""],
    ["/shop/url?a=1", "/url?a=1", "/shop"],
    ["/shop/api/url", "/url", "/shop/api"],
    ["/%73hop/url", "/url", "/shop"],
    ["/shop;v=1/url?q", "/url?q", "/shop"],
  ] as const) {
    it(`see ${target} as ${url} below "${contextPath}"`, async () => {
      const answer = await container.fetch(target);
      assert.deepEqual(await answer.json(), { url, originalUrl: target, contextPath });
    });
  }

  it("may be CommonJS modules", async () => {
    const answer = (await (await container.fetch("/cjs/a?b")).json()) as { url: string; interval: number };
    assert.equal(answer.url, "/a?b");
    assert.equal(answer.interval, 60);
  });

  it("begin one slash behind their path: GET is sent there with its query, POST is served", async () => {
    for (const [target, location] of [
      ["/shop", "/shop/"],
      ["/shop?a=1&b", "/shop/?a=1&b"],
      ["/shop;x=1?a", "/shop/;x=1?a"],
    ] as const) {
      const answer = await container.fetch(target);
      assert.equal(answer.status, 302);
      assert.equal(answer.headers.get("location"), location);
    }
    const posted = await container.fetch("/shop", { method: "POST" });
    assert.equal(await posted.text(), "no such page of the application");
  });

  for (const target of ["/shop/%", "/shop/%ff", "/%00"]) {
    it(`never see ${target}: 400`, async () => {
      const answer = await container.fetch(target);
      assert.equal(answer.status, 400);
      assert.match(await answer.text(), /cannot be read/);
    });
  }
});

describe("an application that fails", () => {
  let container: RunningContainer;
  before(async () => {
    container = await RunningContainer.start({
      applications: { ok: "plain", broken: "broken", object: "object", gone: "no-main", servlets: "servlets", "old.war": "" },
      contexts: [{ path: "/missing", docBase: "nowhere" }],
    });
  });
  after(() => container.stop());

  for (const [path, reason] of [
    ["/broken", /"[^"]*broken\/index.js" failed to load: no database/],
    ["/object", /must export a request listener \(req, res\) by default; of a Koa application, export app.callback\(\)/],
    ["/gone", /package.json": its main module "gone.js" does not exist/],
    ["/servlets", /web.xml": servlets are not supported in this version/],
    ["/old", /"old.war" is an archive, which this version does not unpack/],
    ["/missing", /nowhere" cannot be read: ENOENT/],
  ] as const) {
    it(`to load at ${path} answers 503 there and says why`, async () => {
      const answer = await container.fetch(`${path}/x`);
      assert.equal(answer.status, 503);
      assert.equal(answer.headers.get("retry-after"), "10");
      const context = container.engine.contexts.find((each) => each.path === path)!;
      assert.equal(context.state, "Failed");
      assert.match(context.failure!.message, reason);
    });
  }

  it("keeps the worker not ready while others serve (rule 18)", async () => {
    assert.match(container.engine.notReadyReason()!, /^context "localhost#\/[a-z]+" failed to start: /);
    assert.equal((await container.fetch("/ok/url")).status, 200);
  });

  for (const path of ["/ok/throw", "/ok/reject"]) {
    it(`in ${path} answers 500 without a word of the error`, async () => {
      const answer = await container.fetch(path);
      assert.equal(answer.status, 500);
      assert.doesNotMatch(await answer.text(), /secret|half|at /);
    });
  }

  it("after its head has left ends the connection", async () => {
    await assert.rejects(async () => (await container.fetch("/ok/cut")).text());
  });

  it("after its end has answered all the same", async () => {
    assert.equal(await (await container.fetch("/ok/throw-after-end")).text(), "answered");
  });
});

describe("an application that never finishes loading", () => {
  it("has failed after 60 s", async () => {
    const clock = new ManualClock();
    const starting = RunningContainer.start({ applications: { slow: "hanging", ok: "plain" }, clock });
    while (clock.pendingTimers === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(60_000);
    const container = await starting;
    try {
      assert.match(container.engine.notReadyReason()!, /"localhost#\/slow" failed to start: .*did not finish loading within 60 s/);
      assert.equal((await container.fetch("/ok/url")).status, 200);
    } finally {
      await container.stop();
    }
  });
});

describe("a body", () => {
  it("of 4 MB goes to the application and comes back whole", async () => {
    const container = await RunningContainer.start({ applications: { ROOT: "plain" } });
    try {
      const body = Buffer.alloc(4 * 1024 * 1024, "0123456789abcdef");
      const answer = await container.fetch("/echo", { method: "POST", body });
      assert.ok(Buffer.from(await answer.arrayBuffer()).equals(body));
      const events = await RawConnection.open(container.port);
      events.get("/events");
      await events.until("data: 1");
      events.destroy();
    } finally {
      await container.stop();
    }
  });
});

describe("an unchanged Express application", () => {
  let container: RunningContainer;
  before(async () => {
    container = await RunningContainer.start({ applications: { store: "express" } });
  });
  after(() => container.stop());

  it("routes below its context path and keeps a session", async () => {
    const post = (cookie?: string) =>
      container.fetch("/store/basket", {
        method: "POST",
        body: JSON.stringify({ item: "tea" }),
        headers: { "content-type": "application/json", ...(cookie === undefined ? {} : { cookie }) },
      });
    const first = await post();
    assert.equal(first.status, 201);
    assert.equal(first.headers.get("location"), "/store/basket/");
    const cookie = cookieOf(first)!;
    assert.deepEqual(await first.json(), { count: 1 });
    assert.deepEqual(await (await post(cookie)).json(), { count: 2 });
    const seen = await container.fetch("/store/basket?x", { headers: { cookie } });
    assert.deepEqual(await seen.json(), { items: ["tea", "tea"], at: "/store/basket", from: "/store/basket?x" });
  });

  it("answers HEAD, conditional GET, errors, large bodies and files as on node:http", async () => {
    const page = await container.fetch("/store/");
    assert.equal(await page.text(), "<p>shop</p>");
    const etag = page.headers.get("etag")!;
    const unchanged = await container.fetch("/store/", { headers: { "if-none-match": etag, "cache-control": "max-age=0" } });
    assert.equal(unchanged.status, 304);
    const head = await container.fetch("/store/", { method: "HEAD" });
    assert.equal(head.headers.get("content-length"), "11");
    const failed = await container.fetch("/store/fail");
    assert.equal(failed.status, 418);
    assert.equal((await (await container.fetch("/store/large")).text()).length, 200_000);
    assert.match(await (await container.fetch("/store/static/package.json")).text(), /express-shop/);
    assert.equal((await container.fetch("/store/nothing")).status, 404);
  });

  it("finds req.session null without a session", async () => {
    assert.deepEqual(await (await container.fetch("/store/session")).json(), { id: null });
  });
});

describe("hosts", () => {
  it("are found by name and alias without case and port; any other name gets the default host", async () => {
    const container = await RunningContainer.start({
      applications: { ROOT: "plain" },
      hosts: { "shop.example": { aliases: ["www.shop.example", "*.stores.example"], applications: { ROOT: "commonjs" } } },
    });
    try {
      for (const [target, host, isShop] of [
        ["/url", "localhost:8080", false],
        ["/url", "shop.example", true],
        ["/url", "WWW.Shop.Example:80", true],
        ["/url", "a.stores.example", true],
        ["/url", "a.b.stores.example", false],
        ["/url", "unknown.example", false],
        ["/url", "[::1]:8080", false],
        ["http://shop.example/url", "localhost", true],
      ] as const) {
        const client = await RawConnection.open(container.port);
        client.send(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
        const answer = await client.untilClosed();
        assert.equal(answer.includes('"interval"'), isShop, `${target} at ${host}: ${answer}`);
      }
    } finally {
      await container.stop();
    }
  });
});

describe("a worker without applications", () => {
  it("shows a page that says what to do, and 404 elsewhere", async () => {
    const container = await RunningContainer.start({});
    try {
      const page = await container.fetch("/");
      assert.equal(page.status, 200);
      assert.match(await page.text(), /no web application.*webapps<\/code>.*getSession/s);
      assert.equal((await container.fetch("/x")).status, 404);
    } finally {
      await container.stop();
    }
  });
});
