// Failover under load, counted: 200 sessions, one addition per request, while a worker is killed or stopped.
import assert from "node:assert/strict";
import { Agent } from "node:http";
import { after, afterEach, beforeEach, describe, it, type TestContext } from "node:test";
import { LocalRun, ManifestFolder } from "../support/local-cluster.ts";
import { SessionClient } from "../support/session-client.ts";

const SESSIONS = 200;
const CONNECTIONS = 16;

/** One session and the last answer that its client has seen. */
interface Counted {
  readonly client: SessionClient;
  stem: string;
  route: string;
  lastN: number;
}

/** Adds to all sessions in turn until it is told to end, and counts what went wrong. */
class Load {
  readonly errors: string[] = [];
  /** Answers with a smaller count than an answer before had promised. */
  readonly lostUpdates: string[] = [];
  readonly lostSessions: string[] = [];
  requests = 0;
  readonly #sessions: Counted[];
  readonly #agent: Agent;
  #ended = false;
  #workers: Promise<void>[] = [];

  constructor(url: string) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
    this.#sessions = Array.from({ length: SESSIONS }, () => ({
      client: new SessionClient(url, { agent: this.#agent }),
      stem: "",
      route: "",
      lastN: 0,
    }));
  }

  /** How many sessions this worker served last. */
  sessionsOf(worker: string): number {
    return this.#sessions.filter(({ route }) => route === worker).length;
  }

  /** Resolves when every session has had its first addition. */
  async begin(): Promise<void> {
    await this.#each((session) => this.#add(session));
    this.#workers = Array.from({ length: CONNECTIONS }, (_, lane) => this.#run(lane));
  }

  async end(): Promise<void> {
    this.#ended = true;
    await Promise.all(this.#workers);
    // Once more, so that every session has been asked after what happened.
    await this.#each((session) => this.#add(session));
    this.#agent.destroy();
  }

  async #each(action: (session: Counted) => Promise<void>): Promise<void> {
    const waiting = [...this.#sessions];
    const lane = async () => {
      for (let session = waiting.pop(); session; session = waiting.pop()) await action(session);
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, lane));
  }

  /** A session belongs to one lane: its requests never overlap. */
  async #run(lane: number): Promise<void> {
    const own = this.#sessions.filter((_, index) => index % CONNECTIONS === lane);
    while (!this.#ended) {
      for (const session of own) {
        await this.#add(session);
        if (this.#ended) return;
      }
    }
  }

  async #add(session: Counted): Promise<void> {
    this.requests += 1;
    try {
      const { n, route, sessionId } = await session.client.hit("GET");
      const stem = sessionId!.split(".")[0]!;
      if (session.stem !== "" && session.stem !== stem) this.lostSessions.push(`${session.stem} became ${stem}`);
      else if (n <= session.lastN) this.lostUpdates.push(`${stem}: ${n} after ${session.lastN}`);
      session.stem = stem;
      session.route = route;
      session.lastN = n;
    } catch (error) {
      this.errors.push(String(error));
    }
  }
}

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
    let load: Load;

    after(() => folder.remove());
    beforeEach(async () => {
      run = new LocalRun(folder.manifest);
      load = new Load((await run.ready()).url);
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
