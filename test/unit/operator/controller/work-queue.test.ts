import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { Registry } from "../../../../src/base/index.ts";
import { ControllerMetrics, WorkQueue } from "../../../../src/operator/controller/index.ts";
import { parseExposition, sampleValue } from "../../../support/exposition.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

let clock: ManualClock;
let registry: Registry;
let queue: WorkQueue;

beforeEach(() => {
  clock = new ManualClock();
  registry = new Registry();
  queue = new WorkQueue({ clock, metrics: new ControllerMetrics(registry, clock) }, { name: "shops" });
});

async function takeAll(): Promise<string[]> {
  const taken: string[] = [];
  while (queue.size > 0) taken.push((await queue.take())!);
  return taken;
}

describe("WorkQueue", () => {
  it("gives keys out in the order of their coming, each once", async () => {
    for (const key of ["a", "b", "a", "c", "b"]) queue.add(key);
    assert.deepEqual(await takeAll(), ["a", "b", "c"]);
  });

  it("keeps a key back that is being worked on, and gives it out once more when that is done", async () => {
    queue.add("a");
    await queue.take();
    queue.add("a");
    queue.add("a");
    assert.equal(queue.size, 0);
    queue.done("a");
    assert.deepEqual(await takeAll(), ["a"]);
    queue.done("a");
    assert.equal(queue.size, 0);
  });

  it("gives out what nobody waits for after all others, unless it is wanted meanwhile, and after a minute", async () => {
    for (const key of ["a", "b", "c"]) queue.addLater(key);
    queue.add("x");
    queue.add("b");
    queue.addLater("x");
    assert.equal(queue.size, 4);
    assert.deepEqual(await takeAll(), ["x", "b", "a", "c"]);
    for (const key of ["x", "b", "a", "c"]) queue.done(key);
    queue.addLater("a");
    await clock.advance(60_000);
    queue.add("x");
    assert.deepEqual(await takeAll(), ["a", "x"]);
  });

  it("lets whoever waits have the next key, one each", async () => {
    const first = queue.take();
    const second = queue.take();
    queue.add("a");
    queue.add("b");
    assert.deepEqual(await Promise.all([first, second]), ["a", "b"]);
  });

  it("adds later, at the earliest of several times", async () => {
    queue.addAfter("a", 1000);
    queue.addAfter("a", 5000);
    queue.addAfter("b", 5000);
    queue.addAfter("b", 1000);
    await clock.advance(999);
    assert.equal(queue.size, 0);
    await clock.advance(1);
    assert.deepEqual(await takeAll(), ["a", "b"]);
    assert.equal(clock.pendingTimers, 0);
  });

  it("repeats failures after 5 ms, doubled each time, up to 1000 s, until they are forgotten", async () => {
    const delays: number[] = [];
    for (let failure = 0; failure < 20; failure++) {
      queue.addAfterFailure("a");
      const sinceMs = clock.monotonic();
      while (queue.size === 0) await clock.advance(clock.monotonic() - sinceMs < 100 ? 5 : 10_000);
      delays.push(clock.monotonic() - sinceMs);
      await queue.take();
      queue.done("a");
    }
    assert.deepEqual(delays.slice(0, 4), [5, 10, 20, 40]);
    assert.ok(delays.at(-1)! >= 1_000_000 && delays.at(-1)! < 1_010_200);
    assert.equal(queue.failures("a"), 20);
    queue.forget("a");
    queue.addAfterFailure("a");
    await clock.advance(5);
    assert.equal(queue.size, 1);
  });

  it("gives nothing out once it is closed", async () => {
    const waiting = queue.take();
    queue.addAfter("a", 10);
    queue.close();
    assert.equal(await waiting, undefined);
    queue.add("b");
    assert.equal(await queue.take(), undefined);
    assert.equal(clock.pendingTimers, 0);
  });

  it("tells Prometheus what waits, for how long, and what is being worked on", async () => {
    queue.add("a");
    queue.add("b");
    await clock.advance(2000);
    await queue.take();
    await clock.advance(3000);
    queue.addAfterFailure("c");
    let families = parseExposition(await registry.metrics());
    const value = (name: string, labels = {}) => sampleValue(families, name, { name: "shops", controller: "shops", ...labels });
    assert.equal(value("workqueue_depth"), 1);
    assert.equal(value("workqueue_adds_total"), 2);
    assert.equal(value("workqueue_retries_total"), 1);
    assert.equal(value("workqueue_queue_duration_seconds_sum"), 2);
    assert.equal(value("workqueue_unfinished_work_seconds"), 3);
    assert.equal(value("workqueue_longest_running_processor_seconds"), 3);
    queue.done("a");
    families = parseExposition(await registry.metrics());
    assert.equal(value("workqueue_work_duration_seconds_sum"), 3);
    assert.equal(value("workqueue_unfinished_work_seconds"), 0);
  });
});
