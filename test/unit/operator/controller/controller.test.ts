import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { Registry } from "../../../../src/base/index.ts";
import type { InformerHandler, KubeObject } from "../../../../src/kube/index.ts";
import {
  Controller,
  ControllerMetrics,
  type ControllerOptions,
  type Reconcile,
  TerminalReconcileError,
} from "../../../../src/operator/controller/index.ts";
import { parseExposition, sampleValue } from "../../../support/exposition.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { MemoryLog } from "../../../support/memory-log.ts";

let clock: ManualClock;
let registry: Registry;
let log: MemoryLog;

beforeEach(() => {
  clock = new ManualClock();
  registry = new Registry();
  log = new MemoryLog();
});

function controller(reconcile: Reconcile, options: Partial<ControllerOptions> = {}): Controller {
  const metrics = new ControllerMetrics(registry, clock);
  return new Controller({ clock, logger: log.logger, metrics, reconcile }, { name: "shops", ...options });
}

async function metric(name: string, labels: Record<string, string> = {}): Promise<number> {
  return sampleValue(parseExposition(await registry.metrics()), `controller_runtime_${name}`, { controller: "shops", ...labels });
}

function object(name: string, owner?: string): KubeObject {
  const labels = owner === undefined ? {} : { owner };
  return { apiVersion: "v1", kind: "Pod", metadata: { namespace: "shop", name, labels } };
}

describe("Controller", () => {
  it("reconciles the keys of what an informer tells, the old owner's among them, from its start on", async () => {
    const seen: string[] = [];
    const shops = controller(async (key) => void seen.push(key));
    let handler: InformerHandler<KubeObject> = {};
    const informer = { hasSynced: true, addHandler: (added: InformerHandler<KubeObject>) => (handler = added) };
    shops.watch(informer, ({ metadata }) => (metadata.labels?.owner === undefined ? [] : [`shop/${metadata.labels.owner}`]));
    handler.added?.(object("before", "nobody"));
    await shops.start();
    await clock.advance(0);
    assert.deepEqual(seen, []);
    handler.added?.(object("a", "one"));
    handler.added?.(object("c"));
    await clock.advance(0);
    assert.deepEqual(seen, ["shop/one"]);
    handler.updated?.(object("a", "two"), object("a", "one"));
    await clock.advance(0);
    assert.deepEqual(seen.slice(1), ["shop/two", "shop/one"]);
    handler.deleted?.(object("a", "two"));
    await clock.advance(0);
    assert.deepEqual(seen.slice(3), ["shop/two"]);
    await shops.stop();
  });

  it("looks over what is only listed after what has changed: with an informer's first list, and at a resync", async () => {
    const seen: string[] = [];
    const work = Promise.withResolvers<void>();
    const shops = controller(async (key) => {
      seen.push(key);
      await work.promise;
      return undefined;
    });
    let handler: InformerHandler<KubeObject> = {};
    const informer = { hasSynced: false, addHandler: (added: InformerHandler<KubeObject>) => (handler = added) };
    shops.watch(informer, ({ metadata }) => [metadata.name]);
    await shops.start();
    shops.add("busy");
    for (const name of ["a", "b"]) handler.added?.(object(name));
    informer.hasSynced = true;
    handler.added?.(object("new"));
    const same = object("resynced");
    handler.updated?.(same, same);
    handler.updated?.(object("b"), object("b"));
    shops.lookOver("named");
    work.resolve();
    await clock.advance(0);
    assert.deepEqual(seen, ["busy", "new", "b", "a", "resynced", "named"]);
    await shops.stop();
  });

  it("works on so many keys at a time, and never twice on one", async () => {
    const running: string[] = [];
    const ends: (() => void)[] = [];
    let most = 0;
    const shops = controller(
      async (key) => {
        assert.ok(!running.includes(key), `${key} twice`);
        running.push(key);
        most = Math.max(most, running.length);
        await new Promise<void>((resolve) => ends.push(resolve));
        running.splice(running.indexOf(key), 1);
        return undefined;
      },
      { concurrency: 3 },
    );
    await shops.start();
    for (let round = 0; round < 5; round++) {
      for (const key of ["a", "b", "c", "d", "e"]) shops.add(key);
      await clock.advance(0);
      assert.equal(await metric("active_workers"), 3);
      for (const end of ends.splice(0)) end();
      await clock.advance(0);
    }
    assert.equal(most, 3);
    assert.equal(await metric("max_concurrent_reconciles"), 3);
    const stopped = shops.stop();
    for (const end of ends.splice(0)) end();
    await stopped;
  });

  it("repeats a failure later and later, and calls again when asked to", async () => {
    const calls: number[] = [];
    const shops = controller(async () => {
      calls.push(clock.monotonic());
      if (calls.length <= 3) throw new Error("not yet");
      return { requeueAfterMs: 60_000 };
    });
    await shops.start();
    shops.add("a");
    await clock.advance(100);
    assert.deepEqual(calls, [0, 5, 15, 35]);
    await clock.advance(60_000);
    assert.deepEqual(calls.slice(4), [60_035]);
    assert.equal(await metric("reconcile_errors_total"), 3);
    assert.equal(await metric("reconcile_total", { result: "error" }), 3);
    assert.equal(await metric("reconcile_total", { result: "requeue_after" }), 2);
    assert.equal(await metric("reconcile_time_seconds_count"), 5);
    const [line] = log.lines;
    assert.deepEqual([line?.msg, line?.key, line?.failures], ["Reconcile failed", "a", 1]);
    await shops.stop();
  });

  it("does not repeat what cannot succeed, and counts mistakes of the program apart", async () => {
    let calls = 0;
    const shops = controller(async (key) => {
      calls++;
      if (key === "final") throw new TerminalReconcileError("never");
      throw new TypeError("undefined is not a function");
    });
    await shops.start();
    shops.add("final");
    await clock.advance(1000);
    assert.equal(calls, 1);
    assert.equal(await metric("terminal_reconcile_errors_total"), 1);
    shops.add("fault");
    await clock.advance(0);
    assert.equal(await metric("reconcile_panics_total"), 1);
    await shops.stop();
  });

  it("ends a call that takes too long by its signal, and repeats it", async () => {
    let calls = 0;
    const shops = controller(
      (_key, signal) => {
        calls++;
        return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      },
      { timeoutMs: 1000 },
    );
    await shops.start();
    shops.add("a");
    await clock.advance(1010);
    assert.equal(calls, 2);
    assert.equal(await metric("reconcile_timeouts_total"), 1);
    const stopped = shops.stop();
    await clock.advance(10_000);
    await stopped;
    assert.equal(clock.pendingTimers, 0);
  });

  it("lets what runs end when it stops, and begins nothing new", async () => {
    const seen: string[] = [];
    let end = () => undefined as undefined;
    const shops = controller((key) => {
      seen.push(key);
      return new Promise((resolve) => {
        end = () => void resolve(undefined) as undefined;
      });
    });
    await shops.start();
    shops.add("a");
    shops.add("b");
    await clock.advance(0);
    const stopped = shops.stop();
    end();
    await stopped;
    assert.deepEqual(seen, ["a"]);
    assert.equal(clock.pendingTimers, 0);
  });

  it("cuts off at once what runs when it is abandoned, and begins nothing new", async () => {
    const seen: string[] = [];
    const shops = controller((key, signal) => {
      seen.push(key);
      return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    });
    await shops.start();
    shops.add("a");
    shops.add("b");
    await clock.advance(0);
    shops.abandon(new Error("somebody else leads"));
    await shops.stop();
    assert.deepEqual(seen, ["a"]);
    assert.match(log.text, /somebody else leads/);
    assert.equal(clock.pendingTimers, 0);
  });
});
