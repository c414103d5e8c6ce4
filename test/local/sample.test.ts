// The sample, as a newcomer's script runs it: ready, hit, kill, hit, stop.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import type { ReadyEvent } from "../../src/local/index.ts";
import { isRunning, LocalRun, ROOT } from "../support/local-cluster.ts";
import { SessionClient } from "../support/session-client.ts";

const READY_WITHIN_MS = 10_000;
const GONE_WITHIN_MS = 15_000;

describe("local with the sample manifest", () => {
  let run: LocalRun;
  let url: string;

  before(async () => {
    run = new LocalRun(`${ROOT}/deploy/samples/shop.yaml`);
    url = (await run.ready(READY_WITHIN_MS)).url;
  });
  after(() => run.dispose());

  it("prints the ready line first, with what a script needs", async () => {
    const ready = await run.ready();
    assert.equal(run.events[0], ready);
    assert.match(ready.url, /^http:\/\/127\.0\.0\.1:\d+$/);
    const network = /^http:\/\/(127\.0\.\d+)\.1:9090$/.exec(ready.balancer.management)?.[1];
    assert.ok(network, ready.balancer.management);
    assert.deepEqual(Object.keys(ready), ["event", "url", "balancer", "workers"]);
    assert.deepEqual(
      ready.workers.map(({ pid, ...worker }) => ({ ...worker, running: isRunning(pid) })),
      [0, 1, 2].map((ordinal) => ({
        name: `shop-${ordinal}`,
        route: `shop-${ordinal}`,
        address: `${network}.${ordinal + 2}`,
        http: 8080,
        receiver: 4000,
        management: `http://${network}.${ordinal + 2}:9090`,
        running: true,
      })),
    );
  });

  it("counts on in the same session across kill -9 of the worker that serves it, and starts that worker again", async () => {
    const client = new SessionClient(url);
    const first = await client.hit("GET", "?bytes=1024");
    assert.equal(first.n, 1);
    const second = await client.hit("POST");
    assert.deepEqual([second.n, second.route], [2, first.route]);

    const victim = (await run.ready()).workers.find((worker) => worker.route === second.route)!;
    const mark = run.events.length;
    process.kill(victim.pid, "SIGKILL");
    const third = await client.hit();
    assert.equal(third.n, 3);
    assert.notEqual(third.route, victim.route);
    assert.equal(third.sessionId?.split(".")[0], first.sessionId?.split(".")[0]);

    const exited = await run.waitFor("workerExited", () => true, { after: mark });
    assert.deepEqual(exited, { event: "workerExited", name: victim.name, route: victim.route, pid: victim.pid, signal: "SIGKILL" });
    const started = await run.waitFor("workerStarted", () => true, { after: mark });
    assert.deepEqual([started.name, started.route, isRunning(started.pid)], [victim.name, victim.route, true]);
    assert.notEqual(started.pid, victim.pid);
    await run.waitFor("memberDisappeared", ({ name }) => name === victim.name, { after: mark });
    await run.waitFor("memberAdded", ({ name, seenBy }) => name === victim.name && seenBy !== victim.name, { after: mark });
    assert.equal((await client.hit()).n, 4);
  });

  it("changes nothing with readonly=1, and makes no session for it", async () => {
    const stranger = new SessionClient(url);
    assert.equal((await stranger.hit("GET", "?readonly=1")).n, 0);
    assert.equal(stranger.cookie, undefined);
    await stranger.hit();
    assert.equal((await stranger.hit("GET", "?readonly=1")).n, 1);
    assert.equal((await stranger.hit("GET", "?readonly=1")).n, 1);
  });

  it("serves the shop's page, whose basket goes on with another worker", async () => {
    const client = new SessionClient(url);
    assert.match((await client.send("GET", "/shop/")).body, /<p id="empty">/);
    for (const item of ["teapot", "teapot", "honey"]) {
      assert.equal((await client.send("POST", "/shop/basket", { action: "add", item })).status, 303);
    }
    assert.equal((await client.send("POST", "/shop/basket", { action: "remove", item: "honey" })).status, 303);
    const { body } = await client.send("GET", "/shop/");
    assert.match(body, /data-item="teapot".*data-quantity>2</);
    assert.doesNotMatch(body, /data-item="honey"/);
    const pid = Number(/<strong id="pid">(\d+)</.exec(body)?.[1]);
    const mark = run.events.length;
    process.kill(pid, "SIGKILL");
    const reloaded = (await client.send("GET", "/shop/")).body;
    assert.match(reloaded, /data-item="teapot".*data-quantity>2</);
    assert.notEqual(Number(/<strong id="pid">(\d+)</.exec(reloaded)?.[1]), pid);
    await run.waitFor("workerStarted", () => true, { after: mark });
  });

  it("refuses forms and methods that it does not know", async () => {
    const client = new SessionClient(url);
    assert.equal((await client.send("POST", "/shop/basket", { action: "add", item: "__proto__" })).status, 400);
    assert.equal((await client.send("POST", "/shop/basket", { action: "add", item: "x".repeat(9000) })).status, 413);
    assert.equal((await client.send("POST", "/shop/")).status, 405);
    assert.equal((await client.send("GET", "/shop/nowhere")).status, 404);
  });

  it("stops on SIGTERM in good order and leaves no process, no file and no stray line", async () => {
    const ready = await run.ready();
    const started = run.events.filter((event) => event.event === "workerStarted");
    const pids = [ready.balancer, ...ready.workers, ...started].map(({ pid }) => pid);
    const { code } = await run.stop("SIGTERM");
    assert.equal(code, 0, run.stderr);
    assert.equal(run.events.at(-1)?.event, "stopped");
    assert.deepEqual(pids.filter(isRunning), []);
    assert.deepEqual(run.leftFiles, []);
    assert.deepEqual(run.strayLines, []);
    assert.equal(run.stderr, "");
  });
});

describe("npm start", () => {
  it("leaves no process when npm is told to stop, though npm's shell keeps the signal to itself", async () => {
    const child = spawn("npm", ["start", "--silent", "--", "--json", "--port", "0"], { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
    const exited = once(child, "exit");
    const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    const { workers, balancer } = JSON.parse(line) as ReadyEvent;
    const pids = [balancer, ...workers].map(({ pid }) => pid);
    assert.deepEqual(pids.filter(isRunning), pids);
    child.kill("SIGTERM");
    await exited;
    const deadlineMs = performance.now() + GONE_WITHIN_MS;
    while (pids.some(isRunning) && performance.now() < deadlineMs) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(pids.filter(isRunning), []);
  });
});
