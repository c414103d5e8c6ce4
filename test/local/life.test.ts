// How runs of `local` begin and end beside each other: networks, ports, signals, restarts.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { isRunning, LocalRun, ManifestFolder } from "../support/local-cluster.ts";
import { SessionClient } from "../support/session-client.ts";

const QUICK_DRAIN = { quietSeconds: 0.5, deadlineSeconds: 5 };

describe("local", () => {
  let folder: ManifestFolder;
  let runs: LocalRun[];

  before(() => {
    folder = new ManifestFolder().writeManifest({ replicas: 2, drain: QUICK_DRAIN, applications: [{ path: "/shop" }] }).addShop();
  });
  after(() => folder.remove());
  beforeEach(() => {
    runs = [];
  });
  afterEach(async () => {
    for (const run of runs) await run.dispose();
  });

  function start(...args: string[]): LocalRun {
    const run = new LocalRun(folder.manifest, args);
    runs.push(run);
    return run;
  }

  it("runs two clusters side by side, started at once, whose sessions and members are apart", async () => {
    const [one, two] = await Promise.all([start(), start()].map((run) => run.ready()));
    assert.notEqual(one!.balancer.management, two!.balancer.management);
    const client = new SessionClient(one!.url);
    assert.equal((await client.hit()).n, 1);
    const stranger = await fetch(`${two!.url}/shop/hit?readonly=1`, { headers: { cookie: client.cookie! } });
    assert.equal(((await stranger.json()) as { n: number }).n, 0);
    assert.equal((await client.hit()).n, 2);
  });

  it("takes the network and the port that it is told, and says which is taken", async () => {
    const first = start("--network", "127.0.77.0/24");
    const ready = await first.ready();
    assert.equal(ready.balancer.management, "http://127.0.77.1:9090");
    const second = start("--network", "127.0.77.0/24");
    assert.equal((await second.exited).code, 1);
    assert.match(second.stderr, /127\.0\.77\.0\/24.*in use.*--network/s);
    const third = start("--port", new URL(ready.url).port);
    assert.equal((await third.exited).code, 1);
    assert.match(
      third.stderr,
      new RegExp(`^Port ${new URL(ready.url).port} on 127.0.0.1 is in use. Choose another one with --port, for instance --port \\d+\n$`),
    );
    assert.deepEqual([second.events, third.events, second.leftFiles, third.leftFiles], [[], [], [], []]);
    assert.equal((await new SessionClient(ready.url).hit()).n, 1);
  });

  it("names a port that a program without a cluster holds", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    const run = start("--port", String(port));
    assert.equal((await run.exited).code, 1);
    assert.match(run.stderr, new RegExp(`Port ${port} .*--port`));
    other.close();
  });

  it("leaves a dead worker dead with --no-restart, while the others serve", async () => {
    const run = start("--no-restart");
    const ready = await run.ready();
    const client = new SessionClient(ready.url);
    const { route } = await client.hit();
    process.kill(ready.workers.find((worker) => worker.route === route)!.pid, "SIGKILL");
    await run.waitFor("workerExited");
    assert.equal((await client.hit()).n, 2);
    await run.waitFor("memberDisappeared", ({ name }) => name === route);
    assert.equal(
      run.events.some(({ event }) => event === "workerStarted"),
      false,
    );
  });

  it("answers every request that it has accepted when it is told to stop", async () => {
    const slow = new ManifestFolder()
      .writeManifest({ replicas: 2, drain: QUICK_DRAIN }, "slow")
      .addApplication("slow", `export default (req, res) => { res.write("be"); setTimeout(() => res.end("gun"), 1500); };`);
    const run = new LocalRun(slow.manifest);
    runs.push(run);
    const { url } = await run.ready();
    const response = await fetch(`${url}/slow/`);
    run.kill("SIGINT");
    assert.equal(await response.text(), "begun");
    assert.equal((await run.exited).code, 0, run.stderr);
    assert.equal(run.events.at(-1)?.event, "stopped");
    slow.remove();
  });

  it("takes its processes along when it is killed itself", async () => {
    const run = start();
    const ready = await run.ready();
    const pids = [ready.balancer, ...ready.workers].map(({ pid }) => pid);
    run.kill("SIGKILL");
    await run.exited;
    const deadlineMs = performance.now() + 5000;
    while (pids.some(isRunning) && performance.now() < deadlineMs) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(pids.filter(isRunning), []);
  });

  it("removes what runs that were killed have left, and nothing of those that run", async () => {
    const killed = start();
    const { temporaryFolder } = killed;
    await killed.ready();
    const beside = new LocalRun(folder.manifest, [], { temporaryFolder });
    runs.push(beside);
    await beside.ready();
    assert.equal(killed.leftFiles.length, 2);
    killed.kill("SIGKILL");
    await killed.exited;
    const next = new LocalRun(folder.manifest, [], { temporaryFolder });
    runs.push(next);
    await next.ready();
    assert.equal(next.leftFiles.length, 2);
    await beside.stop();
    assert.equal(next.leftFiles.length, 1);
    assert.equal((await next.stop()).code, 0, next.stderr);
    assert.deepEqual(next.leftFiles, []);
  });

  it("starts a balancer that dies again, and sessions go on", async () => {
    const run = start();
    const ready = await run.ready();
    const client = new SessionClient(ready.url);
    assert.equal((await client.hit()).n, 1);
    process.kill(ready.balancer.pid, "SIGKILL");
    const exited = await run.waitFor("balancerExited");
    assert.deepEqual(exited, { event: "balancerExited", pid: ready.balancer.pid, signal: "SIGKILL" });
    const { pid } = await run.waitFor("balancerStarted");
    assert.notEqual(pid, ready.balancer.pid);
    assert.equal(isRunning(pid), true);
    assert.equal((await client.hit()).n, 2);
    assert.equal(run.stderr, "");
  });
});
