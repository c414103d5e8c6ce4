import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { Registry } from "../../../src/base/index.ts";
import { ApiError, ConnectionError, SilentWatchError } from "../../../src/kube/errors.ts";
import {
  Informer,
  type InformerHandler,
  InformerMetrics,
  type InformerOptions,
  type KubeObject,
  RESOURCES,
} from "../../../src/kube/index.ts";
import { parseExposition, sampleValue } from "../../support/exposition.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { MemoryLog } from "../../support/memory-log.ts";
import { ScriptedSource } from "../../support/scripted-source.ts";
import { SeededRandom } from "../../support/seeded-random.ts";

const EXPIRED = new ApiError("watch", 410, { kind: "Status", code: 410, reason: "Expired" }, "");
const BROKEN = new ConnectionError("watch", new Error("reset"));

let clock: ManualClock;
let source: ScriptedSource;
let registry: Registry;
let log: MemoryLog;
let told: string[];

function pod(name: string, resourceVersion: string, uid = `uid of ${name}`, extra: object = {}): KubeObject {
  return { apiVersion: "v1", kind: "Pod", metadata: { namespace: "shop", name, uid, resourceVersion, ...extra } };
}

const page = (resourceVersion: string, ...items: KubeObject[]) => ({ items, resourceVersion });

function informer(options: Partial<InformerOptions<KubeObject>> = {}, handler?: InformerHandler<KubeObject>): Informer<KubeObject> {
  const made = new Informer<KubeObject>(
    { clock, random: new SeededRandom(1), logger: log.logger, metrics: new InformerMetrics(registry), client: source },
    { resource: RESOURCES.Pod, ...options },
  );
  made.addHandler(handler ?? recorder);
  return made;
}

const recorder: InformerHandler<KubeObject> = {
  added: ({ metadata: { name, resourceVersion } }) => void told.push(`+${name}@${resourceVersion}`),
  updated: ({ metadata }, before) => void told.push(`~${metadata.name}@${before.metadata.resourceVersion}>${metadata.resourceVersion}`),
  deleted: ({ metadata: { name, resourceVersion } }) => void told.push(`-${name}@${resourceVersion}`),
};

async function metric(name: string): Promise<number> {
  return sampleValue(parseExposition(await registry.metrics()), name, { resource: "pods" });
}

beforeEach(() => {
  clock = new ManualClock();
  source = new ScriptedSource();
  registry = new Registry();
  log = new MemoryLog();
  told = [];
});

describe("Informer", () => {
  it("has synced when the last page was told, and watches from that version on with its selection", async () => {
    source.lists = [[page("5", pod("a", "1"), pod("b", "2")), page("5", pod("c", "3"))]];
    const selection = { namespace: "shop", labelSelector: "app=shop" };
    const pods = informer({ selection });
    assert.equal(pods.hasSynced, false);
    await pods.start();
    assert.equal(pods.hasSynced, true);
    assert.deepEqual(told, ["+a@1", "+b@2", "+c@3"]);
    assert.deepEqual(source.selections, [selection]);
    await clock.advance(0);
    const { resourceVersion, labelSelector, namespace, timeoutSeconds } = source.latest.options;
    assert.deepEqual([resourceVersion, labelSelector, namespace], ["5", "app=shop", "shop"]);
    assert.ok(timeoutSeconds >= 300 && timeoutSeconds <= 600);
    await pods.stop();
    assert.equal(clock.pendingTimers, 0);
  });

  it("keeps its cache equal to what the watch says, before it tells", async () => {
    source.lists = [[page("5", pod("a", "1"))]];
    const sizes: number[] = [];
    const pods = informer();
    pods.addHandler({ added: () => sizes.push(pods.objects.size), deleted: () => sizes.push(pods.objects.size) });
    await pods.start();
    source.latest.event("ADDED", pod("b", "6"));
    source.latest.event("MODIFIED", pod("a", "7"));
    source.latest.event("MODIFIED", pod("a", "7"));
    source.latest.event("DELETED", pod("b", "8"));
    source.latest.event("DELETED", pod("b", "9"));
    await clock.advance(0);
    assert.deepEqual(told, ["+a@1", "+b@6", "~a@1>7", "-b@8"]);
    assert.deepEqual(sizes, [1, 2, 1]);
    assert.equal(pods.objects.get({ namespace: "shop", name: "a" })?.metadata.resourceVersion, "7");
    assert.equal(await metric("informer_objects"), 1);
    await pods.stop();
    assert.equal(await metric("informer_objects"), 0);
  });

  it("goes on at the last version that it saw, bookmarks included, when a watch ends or breaks", async () => {
    const pods = informer();
    await pods.start();
    source.latest.event("ADDED", pod("a", "6"));
    source.latest.bookmark("20");
    await clock.advance(20_000);
    source.latest.end();
    await clock.advance(0);
    assert.equal(source.latest.options.resourceVersion, "20");
    await clock.advance(20_000);
    source.latest.fail(BROKEN);
    await clock.advance(0);
    assert.equal(source.latest.options.resourceVersion, "20");
    assert.equal(source.watches.length, 3);
    assert.equal(source.listed, 1);
    assert.equal(await metric("informer_watch_restarts_total"), 3);
    await pods.stop();
  });

  it("lists again after 410, whether it comes in the watch or in place of it, and tells the difference", async () => {
    source.lists = [
      [page("5", pod("a", "1"), pod("b", "2"), pod("c", "3"))],
      [page("30", pod("a", "1"), pod("b", "25"), pod("d", "26"))],
      [page("40", pod("d", "26"))],
    ];
    const pods = informer();
    await pods.start();
    told.length = 0;
    await clock.advance(20_000);
    source.latest.error(410, "Gone");
    await clock.advance(0);
    assert.deepEqual(told, ["-c@3", "~b@2>25", "+d@26"]);
    assert.equal(source.latest.options.resourceVersion, "30");
    told.length = 0;
    source.watchFailures = [EXPIRED];
    await clock.advance(20_000);
    source.latest.end();
    await clock.advance(0);
    assert.ok(pods.failure, "no contact");
    await clock.advance(1000);
    assert.deepEqual(told, ["-a@1", "-b@25"]);
    assert.equal(pods.failure, undefined);
    assert.equal(await metric("informer_relists_total"), 3);
    await pods.stop();
  });

  it("tells an object that was made again under its name as deleted and added, in a list and in a watch", async () => {
    source.lists = [[page("5", pod("a", "1", "first"))], [page("30", pod("a", "28", "second"))]];
    const pods = informer();
    await pods.start();
    source.latest.error(410, "Expired");
    await clock.advance(1000);
    assert.deepEqual(told, ["+a@1", "-a@1", "+a@28"]);
    source.latest.event("MODIFIED", pod("a", "31", "third"));
    await clock.advance(0);
    assert.deepEqual(told.slice(3), ["-a@28", "+a@31"]);
    await pods.stop();
  });

  it("resumes after silence, and lists again after two in a row, and when a watch goes back in time", async () => {
    const pods = informer();
    await pods.start();
    const silence = async () => {
      await clock.advance(130_000);
      source.latest.fail(new SilentWatchError("pods", 1));
      await clock.advance(0);
    };
    await silence();
    source.latest.bookmark("1");
    await silence();
    assert.equal(source.listed, 1);
    assert.equal(source.watches.length, 3);
    await silence();
    assert.equal(source.listed, 2);
    source.latest.bookmark("100");
    source.latest.bookmark("99");
    await clock.advance(2000);
    assert.equal(source.listed, 3);
    source.latest.bookmark("of another kind");
    source.latest.bookmark("7");
    await clock.advance(2000);
    assert.equal(source.listed, 3);
    await pods.stop();
  });

  it("slows down in a storm of 410, of broken watches and of failing lists, and is fast again after a good watch", async () => {
    for (const storm of [
      () => source.latest.error(410, "Expired"),
      () => source.latest.fail(BROKEN),
      () => source.latest.end(),
      () => {
        source.lists = [[BROKEN]];
        source.latest.error(410, "Expired");
      },
    ]) {
      source = new ScriptedSource();
      registry = new Registry();
      const pods = informer();
      await pods.start();
      for (let second = 0; second < 600; second++) {
        const { latest } = source;
        if (latest) storm();
        await clock.advance(1000);
      }
      const attempts = source.listed + source.watches.length;
      assert.ok(attempts < 200, `${attempts} attempts in 10 minutes`);
      assert.ok(attempts > 60, `${attempts} attempts in 10 minutes`);
      source.lists = [[page("500")]];
      await clock.advance(60_000);
      const { length } = source.watches;
      source.latest.end();
      await clock.advance(0);
      assert.equal(source.watches.length, length + 1, "at once");
      await pods.stop();
    }
  });

  it("resumes within half a second while watches get on, however often they break", async () => {
    const pods = informer();
    await pods.start();
    for (let version = 10; version < 30; version++) {
      source.latest.event("MODIFIED", pod("a", String(version)));
      source.latest.fail(BROKEN);
      await clock.advance(500);
      assert.equal(source.latest.options.resourceVersion, String(version));
    }
    assert.equal(source.watches.length, 21);
    await pods.stop();
  });

  it("lists again after an event that cannot be read: it would come again", async () => {
    const pods = informer();
    await pods.start();
    source.latest.event("ADDED", { apiVersion: "v1", kind: "Pod", metadata: { namespace: "shop", name: "a" } });
    await clock.advance(1000);
    assert.equal(source.listed, 2);
    await pods.stop();
  });

  it("does not take a slow list for a good watch", async () => {
    const slow = { lists: 0 };
    const pages = source.pages.bind(source);
    source.pages = async function* <T extends KubeObject>(...args: Parameters<typeof pages>) {
      slow.lists++;
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 15_000));
      yield* pages<T>(...args);
    };
    const pods = informer();
    const started = pods.start();
    await clock.advance(15_000);
    await started;
    source.watchFailures = Array.from({ length: 50 }, () => EXPIRED);
    source.latest.error(410, "Expired");
    await clock.advance(300_000);
    assert.ok(slow.lists < 18, `${slow.lists} lists in 5 minutes`);
    const stopped = pods.stop();
    await clock.advance(15_000);
    await stopped;
  });

  it("says once that it lost contact, and once that it is back", async () => {
    const pods = informer();
    await pods.start();
    source.watchFailures = [BROKEN, BROKEN, BROKEN];
    source.latest.fail(BROKEN);
    await clock.advance(60_000);
    assert.deepEqual(
      log.lines.map(({ level, msg }) => `${level} ${msg}`),
      ["warn Watch failed", "info Contact to the API server is back"],
    );
    await pods.stop();
  });

  it("starts a list again that expired between its pages", async () => {
    source.lists = [[page("5", pod("a", "1")), EXPIRED], [page("9", pod("a", "1"), pod("b", "2"))]];
    const pods = informer();
    await pods.start();
    assert.deepEqual(told, ["+a@1", "+b@2"]);
    assert.equal(source.latest.options.resourceVersion, "9");
    await pods.stop();
  });

  it("waits as long as the API server asks", async () => {
    const pods = informer();
    await pods.start();
    source.watchFailures = [new ApiError("watch", 429, undefined, "", 25_000)];
    source.latest.end();
    await clock.advance(1000);
    await clock.advance(24_000);
    assert.equal(source.watches.length, 1);
    await clock.advance(2000);
    assert.equal(source.watches.length, 2);
    await pods.stop();
  });

  it("does not start without its first list, says why, and leaves nothing open", async () => {
    source.lists = [[BROKEN]];
    const pods = informer({ syncTimeoutMs: 5000 });
    const failed = assert.rejects(pods.start(), /list of pods could not be read within 5000 ms: watch failed: reset/);
    await clock.advance(5000);
    await failed;
    assert.equal(clock.pendingTimers, 0);
  });

  it("does not start after its stop", async () => {
    const pods = informer();
    await pods.stop();
    await assert.rejects(pods.start(), { name: "AbortError" });
    assert.equal(clock.pendingTimers, 0);
  });

  it("does not wait for its first list any more when it is stopped", async () => {
    source.lists = [[BROKEN]];
    const pods = informer();
    const failed = assert.rejects(pods.start(), /aborted/);
    await clock.advance(1000);
    await pods.stop();
    await failed;
    assert.equal(clock.pendingTimers, 0);
  });

  it("logs and counts what handlers throw or reject with, and tells the others", async () => {
    source.lists = [[page("5", pod("a", "1"))]];
    const rejecting = (async () => {
      throw new Error("late");
    }) as () => void;
    const pods = informer({}, { added: rejecting });
    pods.addHandler({
      added: () => {
        throw new Error("at once");
      },
    });
    pods.addHandler(recorder);
    await pods.start();
    await clock.advance(0);
    assert.deepEqual(told, ["+a@1"]);
    assert.equal(await metric("informer_handler_errors_total"), 2);
    assert.equal(log.lines.filter(({ msg }) => msg === "Handler failed").length, 2);
    await pods.stop();
  });

  it("keeps neither managedFields nor kubectl's copy, nor what its transform drops", async () => {
    const annotations = { "kubectl.kubernetes.io/last-applied-configuration": "{…}", mine: "1" };
    const full = { ...pod("a", "1", "u", { annotations, managedFields: [{}] }), spec: { large: true } };
    source.lists = [[page("5", full)]];
    const pods = informer({ transform: ({ apiVersion, kind, metadata }) => ({ apiVersion, kind, metadata }) });
    await pods.start();
    source.latest.event("ADDED", { ...full, metadata: { ...full.metadata, name: "b", resourceVersion: "6" } });
    await clock.advance(0);
    for (const [name, resourceVersion] of [
      ["a", "1"],
      ["b", "6"],
    ]) {
      assert.deepEqual(
        pods.objects.get({ namespace: "shop", name: name! }),
        pod(name!, resourceVersion!, "u", { annotations: { mine: "1" } }),
      );
    }
    await pods.stop();
  });

  it("tells every object again when it is time to", async () => {
    source.lists = [[page("5", pod("a", "1"), pod("b", "2"))]];
    const pods = informer({ resyncMs: 60_000 });
    await pods.start();
    source.latest.event("DELETED", pod("b", "6"));
    await clock.advance(60_000);
    assert.deepEqual(told.slice(3), ["~a@1>1"]);
    await pods.stop();
  });

  it("lets the process breathe in a long list", async () => {
    const items = Array.from({ length: 2000 }, (_, index) => pod(`p${index}`, "1"));
    source.lists = [[page("5", ...items)]];
    const pods = informer();
    const started = pods.start();
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(told.length < 500, `${told.length} in one turn`);
    await clock.advance(0);
    await started;
    assert.equal(told.length, 2000);
    await pods.stop();
  });

  it("ends its watch when it stops", async () => {
    const pods = informer();
    await pods.start();
    const { latest } = source;
    await pods.stop();
    assert.ok(latest.options.signal.aborted);
    await clock.advance(60_000);
    assert.equal(source.watches.length, 1);
    assert.equal(clock.pendingTimers, 0);
  });
});
