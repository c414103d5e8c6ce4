// Failover under load, counted: 200 sessions, one addition per request, while a worker is killed or stopped.
import assert from "node:assert/strict";
import { after, afterEach, beforeEach, describe, it, type TestContext } from "node:test";
import { CountedLoad, SESSIONS } from "../support/counted-load.ts";
import { LocalRun, ManifestFolder } from "../support/local-cluster.ts";

for (const mode of ["Synchronous", "Asynchronous"] as const) {
  describe(`failover under load, ${mode} replication`, () => {
    const folder = new ManifestFolder()
      .writeManifest({
        replicas: 3,
        replication: { mode },
        drain: { quietSeconds: 1, deadlineSeconds: 4 },
        applications: [{ path: "/shop" }],
      })
      .addShop();
    let run: LocalRun;
    let load: CountedLoad;

    after(() => folder.remove());
    beforeEach(async () => {
      run = new LocalRun(folder.manifest);
      load = new CountedLoad((await run.ready()).url);
      await load.begin();
    });
    afterEach(() => run.dispose());

    /** Sends the signal to a worker and goes on until it is back in service. */
    async function strike(context: TestContext, signal: NodeJS.Signals): Promise<void> {
      const victim = (await run.ready()).workers[1]!;
      assert.ok(load.sessionsOf(victim.route) > SESSIONS / 6, "the worker has its share of the sessions");
      process.kill(victim.pid, signal);
      await run.waitFor("workerExited", ({ name }) => name === victim.name);
      await run.waitFor("workerStarted", ({ name }) => name === victim.name);
      await load.end();
      context.diagnostic(`${load.requests} requests, ${load.lostUpdates.length} lost updates`);
      assert.ok(load.requests > 3 * SESSIONS, `only ${load.requests} requests`);
    }

    it("loses no session and fails no GET when a worker is killed", async (context) => {
      await strike(context, "SIGKILL");
      assert.deepEqual(load.errors, []);
      assert.deepEqual(load.lostSessions, []);
      // Asynchronous: what had been answered was written to the peers' sockets, but a peer may be asked before it has read it.
      if (mode === "Synchronous") assert.deepEqual(load.lostUpdates, []);
    });

    it("loses no update, no session and no request when a worker is stopped", async (context) => {
      await strike(context, "SIGTERM");
      assert.deepEqual(load.errors, []);
      assert.deepEqual(load.lostSessions, []);
      assert.deepEqual(load.lostUpdates, []);
    });
  });
}
