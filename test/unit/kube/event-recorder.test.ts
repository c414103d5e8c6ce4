import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { ApiError, EventRecorder, type KubeObject } from "../../../src/kube/index.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { MemoryLog } from "../../support/memory-log.ts";
import { SeededRandom } from "../../support/seeded-random.ts";

const SHOP: KubeObject = {
  apiVersion: "example.com/v1",
  kind: "Shop",
  metadata: { namespace: "shops", name: "one", uid: "u1", resourceVersion: "7" },
};

interface Written extends KubeObject {
  readonly count: number;
  readonly message: string;
  readonly firstTimestamp: string;
  readonly lastTimestamp: string;
  readonly [field: string]: unknown;
}

let clock: ManualClock;
let log: MemoryLog;
let created: Written[];
let merged: { name: string; patch: Record<string, unknown> }[];
let failures: Error[];
let recorder: EventRecorder;

beforeEach(() => {
  clock = new ManualClock();
  log = new MemoryLog();
  created = [];
  merged = [];
  failures = [];
  const client = {
    create: async (_of: unknown, object: KubeObject) => {
      const failure = failures.shift();
      if (failure) throw failure;
      created.push(object as Written);
      return object;
    },
    merge: async (_of: unknown, { name }: { name: string }, patch: object) => {
      const failure = failures.shift();
      if (failure) throw failure;
      merged.push({ name, patch: patch as Record<string, unknown> });
      return {};
    },
  };
  recorder = new EventRecorder(
    { clock, random: new SeededRandom(1), logger: log.logger, client: client as never },
    { component: "tester", instance: "tester-0" },
  );
});

const record = (reason: string, message: string, about = SHOP) => recorder.record(about, { type: "Warning", reason, message });

describe("EventRecorder", () => {
  it("writes an event as kubectl describe shows it", async () => {
    record("RollStuck", "pod one-0 does not get ready");
    await clock.advance(0);
    const [{ metadata, ...event }] = created as [Written];
    assert.match(metadata.name, /^one\.[0-9a-f]{16}$/);
    assert.equal(metadata.namespace, "shops");
    assert.deepEqual(event, {
      apiVersion: "v1",
      kind: "Event",
      involvedObject: { apiVersion: "example.com/v1", kind: "Shop", namespace: "shops", name: "one", uid: "u1", resourceVersion: "7" },
      type: "Warning",
      reason: "RollStuck",
      message: "pod one-0 does not get ready",
      count: 1,
      firstTimestamp: "2023-11-14T22:13:20Z",
      lastTimestamp: "2023-11-14T22:13:20Z",
      source: { component: "tester" },
      reportingComponent: "tester",
      reportingInstance: "tester-0",
    });
    await recorder.stop();
    assert.equal(clock.pendingTimers, 0);
  });

  it("counts what happens again within ten minutes, and begins anew after a quiet time", async () => {
    for (let time = 0; time < 3; time++) {
      record("Failed", "again");
      await clock.advance(60_000);
    }
    assert.equal(created.length, 1);
    assert.deepEqual(
      merged.map(({ patch }) => patch.count),
      [2, 3],
    );
    assert.equal(merged[1]?.name, created[0]?.metadata.name);
    assert.equal(merged[1]?.patch.lastTimestamp, "2023-11-14T22:15:20Z");
    await clock.advance(600_000);
    record("Failed", "again");
    await clock.advance(0);
    assert.equal(created.length, 2);
    assert.equal(created[1]?.count, 1);
  });

  it("writes a burst of one event once, with its count", async () => {
    record("Failed", "first");
    for (let time = 0; time < 4; time++) record("Failed", "again");
    await clock.advance(0);
    assert.deepEqual(
      created.map(({ message, count }) => [message, count]),
      [
        ["first", 1],
        ["again", 4],
      ],
    );
    assert.equal(merged.length, 0);
  });

  it("puts many messages of one reason together, and shuts a source up that talks too much", async () => {
    for (let time = 0; time < 40; time++) {
      record("Failed", `message ${time}`);
      await clock.advance(100);
    }
    assert.equal(created.length, 11);
    assert.equal(created[10]?.message, "(combined from similar events): message 10");
    assert.equal(merged.at(-1)?.patch.message, "(combined from similar events): message 24");
    assert.equal(created.length + merged.length, 25);
    record("Failed", "of another", { ...SHOP, metadata: { ...SHOP.metadata, name: "two", uid: "u2" } });
    await clock.advance(0);
    assert.equal(created.length, 12);
    await clock.advance(300_000);
    record("Other", "after five minutes one is free");
    record("Other", "and no more");
    await clock.advance(0);
    assert.equal(created.length, 13);
  });

  it("makes an event anew that the API server has forgotten", async () => {
    record("Failed", "again");
    await clock.advance(1000);
    failures = [new ApiError("x", 404, { kind: "Status", reason: "NotFound" }, "")];
    record("Failed", "again");
    await clock.advance(0);
    assert.deepEqual(
      created.map(({ count }) => count),
      [1, 2],
    );
  });

  it("loses what cannot be written, with a line in the log, and writes the next", async () => {
    failures = [new Error("forbidden")];
    record("Failed", "lost");
    record("Failed", "kept");
    await clock.advance(0);
    assert.deepEqual(
      created.map(({ message }) => message),
      ["kept"],
    );
    assert.equal(log.lines[0]?.msg, "Event was not written");
  });

  it("cuts what the API server would not take", async () => {
    record("Failed", "x".repeat(5000), { ...SHOP, metadata: { ...SHOP.metadata, name: "n".repeat(253) } });
    await clock.advance(0);
    assert.equal(created[0]?.message.length, 1024);
    assert.ok(created[0]!.metadata.name.length <= 253);
  });

  it("writes what waits before it stops", async () => {
    record("Stopping", "one");
    record("Stopping", "two");
    await recorder.stop();
    assert.equal(created.length, 2);
    record("Late", "dropped");
    await clock.advance(0);
    assert.equal(created.length, 2);
  });
});
