// What operations do to a cluster under load: a worker that is frozen for ten seconds, and a rolling restart of all of them.
import assert from "node:assert/strict";
import { after, afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { CountedLoad, SESSIONS } from "../support/counted-load.ts";
import { LocalRun, ManifestFolder } from "../support/local-cluster.ts";

/** After the others have noticed, which takes six or seven seconds. */
const FROZEN_ON_MS = 3000;
/** Several look-ups and probes of the membership: a view that has been stable for so long does not flap. */
const CALM_MS = 6000;
const EQUAL_WITHIN_MS = 5000;

interface ClusterPage {
  readonly members: readonly { readonly state: string }[];
  readonly managers: readonly { readonly contextName: string; readonly digest: string; readonly sessions: number }[];
}

describe("a cluster under load", () => {
  const folder = new ManifestFolder()
    .writeManifest({
      replicas: 3,
      drain: { quietSeconds: 0.5, deadlineSeconds: 3 },
      applications: [{ path: "/shop" }, { path: "/fragile" }],
    })
    .addShop()
    .addApplication(
      "fragile",
      `export default (req, res) => {
         setTimeout(() => { throw new Error("nobody catches this"); }, 10);
         res.end(String(process.pid));
       };`,
    );
  let run: LocalRun;
  let load: CountedLoad;

  after(() => folder.remove());
  beforeEach(async () => {
    run = new LocalRun(folder.manifest);
    load = new CountedLoad((await run.ready()).url);
    await load.begin();
  });
  afterEach(() => run.dispose());

  async function clusterPages(): Promise<ClusterPage[]> {
    const { workers } = await run.ready();
    return Promise.all(workers.map(async ({ management }) => (await fetch(`${management}/cluster?digest`)).json() as Promise<ClusterPage>));
  }

  async function assertEqualCopies(): Promise<void> {
    const deadlineMs = performance.now() + EQUAL_WITHIN_MS;
    for (;;) {
      const copies = (await clusterPages()).map(({ managers }) => {
        const { sessions, digest } = managers.find(({ contextName }) => contextName === "localhost#/shop")!;
        return `${sessions} ${digest}`;
      });
      if (new Set(copies).size === 1) return assert.match(copies[0]!, new RegExp(`^${SESSIONS} [0-9a-f]{16}$`));
      if (performance.now() > deadlineMs) assert.fail(`copies differ: ${copies.join("; ")}`);
      await sleep(50);
    }
  }

  function assertNothingLost(): void {
    assert.ok(load.requests > 3 * SESSIONS, `only ${load.requests} requests`);
    assert.deepEqual([load.errors, load.lostSessions, load.lostUpdates], [[], [], []]);
  }

  it("survives a worker that is frozen and comes back: no client notices more than a wait, views heal once, copies are equal", async () => {
    const { workers } = await run.ready();
    const victim = workers[1]!;
    const others = workers.filter(({ name }) => name !== victim.name).map(({ name }) => name);
    process.kill(victim.pid, "SIGSTOP");
    await Promise.all(others.map((seenBy) => run.waitFor("memberDisappeared", (event) => event.seenBy === seenBy)));
    await sleep(FROZEN_ON_MS);
    const mark = run.events.length;
    process.kill(victim.pid, "SIGCONT");
    await Promise.all(
      others.map((seenBy) => run.waitFor("memberAdded", (event) => event.seenBy === seenBy && event.name === victim.name, { after: mark })),
    );
    await sleep(CALM_MS);
    await load.end();
    assertNothingLost();
    const changes = run.events
      .slice(mark)
      .map((event) => ("seenBy" in event ? `${event.seenBy} ${event.event} ${event.name}` : event.event));
    assert.deepEqual(changes.toSorted(), others.map((seenBy) => `${seenBy} memberAdded ${victim.name}`).toSorted());
    for (const { members } of await clusterPages())
      assert.deepEqual(
        members.map(({ state }) => state),
        ["Alive", "Alive"],
      );
    await assertEqualCopies();
  });

  it("survives an error of application code that nobody catches: its worker drains, ends with 1 and comes back", async () => {
    const { url, workers } = await run.ready();
    const pid = Number(await (await fetch(`${url}/fragile/`)).text());
    const victim = workers.find((worker) => worker.pid === pid)!;
    const exited = await run.waitFor("workerExited");
    assert.deepEqual([exited.name, exited.pid, exited.signal], [victim.name, pid, null]);
    await run.waitFor("workerStarted", (event) => event.name === victim.name);
    await run.waitForError(`${victim.name} ended with code 1`);
    await load.end();
    assertNothingLost();
    await assertEqualCopies();
  });

  it("survives a rolling restart of every worker: no error, no lost session, no lost update", async () => {
    for (const { name, pid } of (await run.ready()).workers) {
      const mark = run.events.length;
      process.kill(pid, "SIGTERM");
      await run.waitFor("workerExited", (event) => event.name === name, { after: mark });
      await run.waitFor("workerStarted", (event) => event.name === name, { after: mark });
    }
    await load.end();
    assertNothingLost();
    await assertEqualCopies();
  });
});
