import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import { ReplicatedWorker, type ReplicatedWorkerOptions } from "../support/replicated-worker.ts";
import { ScriptedResolver } from "../support/scripted-resolver.ts";

const PORT = 4271;

let resolver: ScriptedResolver;
let running: ReplicatedWorker[];

beforeEach(() => {
  resolver = new ScriptedResolver();
  running = [];
});

afterEach(async () => {
  await Promise.all(running.map((worker) => worker.kill()));
});

function address(n: number): string {
  return `127.0.71.${n}`;
}

function create(n: number, options: Partial<ReplicatedWorkerOptions> = {}): ReplicatedWorker {
  return new ReplicatedWorker({ address: address(n), port: PORT, resolver, ...options });
}

async function start(n: number, options: Partial<ReplicatedWorkerOptions> = {}): Promise<ReplicatedWorker> {
  const worker = create(n, options);
  await worker.start();
  running.push(worker);
  return worker;
}

async function group(count: number, options: Partial<ReplicatedWorkerOptions> = {}): Promise<ReplicatedWorker[]> {
  resolver.found(...Array.from({ length: count }, (_, index) => address(index + 1)));
  const workers: ReplicatedWorker[] = [];
  for (let n = 1; n <= count; n++) workers.push(await start(n, options));
  await until(() => workers.every((worker) => worker.channel.members.length === count - 1), "every worker sees the others");
  return workers;
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadlineMs = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`Waited 10 s for: ${what}`);
    await pause(5);
  }
}

function addOne(worker: ReplicatedWorker, id: string): Promise<void> {
  return worker.request(id, (session) => session.setAttribute("n", (session.getAttribute("n") as number) + 1));
}

function forget(worker: ReplicatedWorker): void {
  running = running.filter((other) => other !== worker);
}

describe("replication over loopback", () => {
  for (const channelSendOptions of [6, 8, 10, 2]) {
    it(`keeps sessions equal on three workers that serve them in turn (options ${channelSendOptions})`, async () => {
      const workers = await group(3, { channelSendOptions });
      const ids = await Promise.all(
        Array.from({ length: 20 }, (_, index) => workers[index % 3]!.create((session) => session.setAttribute("n", 0))),
      );
      await until(() => workers.every((worker) => worker.manager.activeSessions === 20), "sessions are everywhere");
      for (let turn = 1; turn <= 30; turn++) {
        const worker = workers[turn % 3]!;
        await Promise.all(ids.map((id) => addOne(worker, id)));
        await until(
          () => workers.every((other) => ids.every((id) => other.find(id).getAttribute("n") === turn)),
          `turn ${turn} is everywhere`,
        );
      }
      assert.equal(new Set(workers.map((worker) => worker.digest)).size, 1);
    });
  }

  it("loses no answered update of a worker that is killed (rule 8)", async () => {
    const [a, b, c] = (await group(3)) as [ReplicatedWorker, ReplicatedWorker, ReplicatedWorker];
    const ids = await Promise.all(Array.from({ length: 50 }, () => a.create((session) => session.setAttribute("n", 0))));
    const answered = new Map(ids.map((id) => [id, 0]));
    let alive = true;
    const load = Promise.all(
      ids.map(async (id) => {
        while (alive) {
          await addOne(a, id);
          if (alive) answered.set(id, answered.get(id)! + 1);
        }
      }),
    );
    await pause(150);
    alive = false;
    forget(a);
    await a.kill();
    await load;
    for (const [id, n] of answered) {
      for (const worker of [b, c]) assert.ok((worker.find(id).getAttribute("n") as number) >= n, "every answered addition is there");
    }
    assert.ok([...answered.values()].every((n) => n > 2));
  });

  for (const channelSendOptions of [6, 8]) {
    it(`loses no update of a worker that is stopped under load (rule 18, options ${channelSendOptions})`, async () => {
      const [a, b] = (await group(2, { channelSendOptions })) as [ReplicatedWorker, ReplicatedWorker];
      const ids = await Promise.all(Array.from({ length: 50 }, () => a.create((session) => session.setAttribute("n", 0))));
      for (let turn = 0; turn < 20; turn++) await Promise.all(ids.map((id) => addOne(a, id)));
      forget(a);
      await a.stop();
      assert.deepEqual(
        ids.map((id) => b.find(id).getAttribute("n")),
        ids.map(() => 20),
      );
    });
  }

  it("gives a joiner every session while others are changed, made and ended (rule 6)", async () => {
    resolver.found(address(1), address(2));
    const [a, b] = [await start(1), await start(2)];
    const ids = await Promise.all(
      Array.from({ length: 3000 }, () => a.create((session) => session.setAttribute("text", "x".repeat(1024)))),
    );
    const nobodyIsBehind = (workers: ReplicatedWorker[]) =>
      until(() => workers.every((worker) => worker.cluster.replicator.sessionsBehind === 0), "nobody is behind");
    // On a busy machine some acknowledgements are late.
    await nobodyIsBehind([a, b]);
    resolver.found(address(1), address(2), address(3));
    const c = create(3);
    let joined = false;
    const joining = c.start().then(() => (joined = true));
    running.push(c);
    for (let n = 0; !joined; n++) {
      const worker = n % 2 === 0 ? a : b;
      await worker.request(ids[n % 100]!, (session) => session.setAttribute("n", n));
      if (n % 50 === 7) await worker.request(ids.pop()!, (session) => session.invalidate());
      if (n % 50 === 9) await worker.create((session) => session.setAttribute("fresh", n));
      await nextTurn();
    }
    await joining;
    await nobodyIsBehind([a, b, c]);
    assert.equal(c.digest, a.digest);
    assert.equal(c.digest, b.digest);
  });

  it("has one first worker when all start together, and everybody's sessions afterwards (rule 5)", async () => {
    resolver.found(address(1), address(2), address(3));
    const workers = [1, 2, 3].map((n) => create(n));
    running.push(...workers);
    await Promise.all(workers.map((worker) => worker.start()));
    for (const worker of workers) await worker.create((session) => session.setAttribute("by", worker.address));
    assert.deepEqual(
      workers.map((worker) => worker.manager.activeSessions),
      [3, 3, 3],
    );
  });

  it("brings a worker that was cut off up to date (rule 11)", async () => {
    const [a, b] = (await group(2)) as [ReplicatedWorker, ReplicatedWorker];
    const id = await a.create((session) => session.setAttribute("n", 0));
    forget(b);
    await b.kill();
    for (let turn = 0; turn < 5; turn++) await addOne(a, id);
    assert.equal(a.find(id).getAttribute("n"), 5);
    const again = await start(2);
    assert.equal(again.find(id).getAttribute("n"), 5);
    await until(() => a.channel.members.length === 1, "the worker is back");
    await until(() => a.cluster.replicator.sessionsBehind === 0, "it has caught up");
    await addOne(a, id);
    assert.equal(again.find(id).getAttribute("n"), 6);
  });
});
