// A real Express application with express-session, which keeps its sessions in the container's through the store.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { LOADING_APPLICATION } from "../../../src/container/index.ts";
import { cookieOf, RunningContainer } from "../../support/running-container.ts";

/** Both cookies of a browser. */
class Browser {
  readonly container: RunningContainer;
  readonly cookies = new Map<string, string>();

  constructor(container: RunningContainer) {
    this.container = container;
  }

  async send(method: string, path: string, body?: unknown): Promise<Response> {
    const response = await this.container.fetch(`/shop${path}`, {
      method,
      headers: { cookie: [...this.cookies.values()].join("; "), ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    for (const name of ["connect.sid", "JSESSIONID"]) {
      const cookie = cookieOf(response, name);
      if (cookie !== undefined) this.cookies.set(name, cookie);
    }
    return response;
  }

  async json(method: string, path: string, body?: unknown): Promise<unknown> {
    return (await this.send(method, path, body)).json();
  }

  get route(): string | undefined {
    return this.cookies.get("JSESSIONID")?.split(".")[1];
  }
}

describe("an Express application with express-session and the worker's store", () => {
  let container: RunningContainer;

  before(async () => {
    // Once in this process: the module is loaded once, and its store belongs to one context.
    container = await RunningContainer.start({ applications: { shop: "express-session", plain: "plain" }, jvmRoute: "n1" });
  });
  after(() => container.stop());

  it("counts on in its session, and gives the client a cookie with the worker's route", async () => {
    const browser = new Browser(container);
    assert.deepEqual(await browser.json("POST", "/hit"), { n: 1 });
    assert.equal(browser.route, "n1");
    assert.deepEqual(await browser.json("POST", "/hit"), { n: 2 });
    assert.deepEqual(await browser.json("POST", "/hit"), { n: 3 });
    const { id } = (await browser.json("GET", "/")) as { id: string };
    assert.equal(browser.cookies.get("JSESSIONID"), `JSESSIONID=${id}.n1`);
  });

  it("keeps changes made in place", async () => {
    const browser = new Browser(container);
    await browser.json("POST", "/basket", { item: "teapot" });
    await browser.json("POST", "/basket", { item: "honey" });
    assert.deepEqual(((await browser.json("GET", "/")) as { session: unknown }).session, { basket: ["teapot", "honey"] });
  });

  it("makes no session for a client of which nothing is kept", async () => {
    const browser = new Browser(container);
    const before = container.engine.contexts.find(({ path }) => path === "/shop")!.manager!.activeSessions;
    await browser.send("GET", "/");
    assert.deepEqual([...browser.cookies], []);
    assert.equal(container.engine.contexts.find(({ path }) => path === "/shop")!.manager!.activeSessions, before);
  });

  it("gives a client that lost the container's cookie a new one, and the session goes on", async () => {
    const browser = new Browser(container);
    await browser.send("POST", "/hit");
    const cookie = browser.cookies.get("JSESSIONID");
    browser.cookies.delete("JSESSIONID");
    await browser.send("GET", "/");
    assert.equal(browser.cookies.get("JSESSIONID"), cookie);
    assert.deepEqual(await browser.json("POST", "/hit"), { n: 2 });
  });

  it("gives no session for the container's cookie alone", async () => {
    const browser = new Browser(container);
    await browser.send("POST", "/hit");
    browser.cookies.delete("connect.sid");
    assert.deepEqual(((await browser.json("GET", "/")) as { session: unknown }).session, {});
    assert.deepEqual(await browser.json("POST", "/hit"), { n: 1 });
    assert.deepEqual(await browser.json("POST", "/hit"), { n: 2 });
  });

  it("changes the id at a login, and the old one is worth nothing any more", async () => {
    const browser = new Browser(container);
    await browser.send("POST", "/hit");
    const before = new Map(browser.cookies);
    assert.equal((await browser.send("POST", "/login")).status, 302);
    assert.notEqual(browser.cookies.get("connect.sid"), before.get("connect.sid"));
    assert.notEqual(browser.cookies.get("JSESSIONID"), before.get("JSESSIONID"));
    assert.deepEqual(((await browser.json("GET", "/")) as { session: unknown }).session, { user: "alice" });
    const thief = new Browser(container);
    for (const [name, cookie] of before) thief.cookies.set(name, cookie);
    assert.deepEqual(((await thief.json("GET", "/")) as { session: unknown }).session, {});
  });

  it("ends the session at a logout", async () => {
    const browser = new Browser(container);
    await browser.send("POST", "/hit");
    assert.equal((await browser.send("POST", "/logout")).status, 204);
    assert.deepEqual(((await browser.json("GET", "/")) as { session: unknown }).session, {});
  });

  it("saves what a streamed answer changed", async () => {
    const browser = new Browser(container);
    const response = await browser.send("POST", "/stream");
    assert.equal((await response.text()).length, 100_000);
    assert.deepEqual(((await browser.json("GET", "/")) as { session: unknown }).session, { streamed: true });
  });

  it("leaves the request the session that the application makes with getSession()", async () => {
    const browser = new Browser(container);
    const { own } = (await browser.json("POST", "/both")) as { own: string };
    assert.equal(browser.cookies.get("JSESSIONID"), `JSESSIONID=${own}`);
    assert.deepEqual(((await browser.json("GET", "/")) as { session: unknown }).session, { mixed: true });
  });

  it("lists its sessions", async () => {
    const browser = new Browser(container);
    await browser.send("POST", "/hit");
    const { id } = (await browser.json("GET", "/")) as { id: string };
    assert.ok(((await browser.json("GET", "/sessions")) as string[]).includes(id));
  });

  it("refuses to load the same module for a second context, whose sessions would be the first one's", async () => {
    const second = await RunningContainer.start({ applications: { copy: "express-session" } });
    try {
      const [context] = second.engine.contexts;
      assert.match(
        context!.failure!.message,
        /is loaded as "localhost#\/shop" already, which has its sessions; deploy a copy of the folder/,
      );
    } finally {
      await second.stop();
    }
    assert.equal(LOADING_APPLICATION in globalThis, false);
  });
});
