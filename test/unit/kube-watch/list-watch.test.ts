import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ApiConnectionError, ApiRefusalError, ApiSilenceError } from "../../../src/kube-watch/errors.ts";
import { type KubeObject, ListWatch } from "../../../src/kube-watch/list-watch.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { ScriptedBody, ScriptedReader } from "../../support/scripted-reader.ts";

const PATH = "/api/v1/namespaces/shop/things";
/** The longest of all delays, and less than a watch's 10 s after which it counts as a good one. */
const random = { bytes: (length: number) => Buffer.alloc(length, 255) };
const broken = () => new ApiConnectionError(PATH, new Error("read ECONNRESET"));
const refused = (status: number, retryAfterMs = 0) => new ApiRefusalError(PATH, status, "no", retryAfterMs);

function object(name: string, resourceVersion: string): KubeObject {
  return { metadata: { name, namespace: "shop", resourceVersion } };
}

function list(resourceVersion: string, names: readonly string[], next?: string): ScriptedBody {
  const items = names.map((name) => object(name, "1"));
  return new ScriptedBody().line({ metadata: { resourceVersion, ...(next !== undefined && { continue: next }) }, items }).end();
}

function event(type: string, name: string, version: string) {
  return { type, object: object(name, version) };
}

/** Runs on these answers until nothing more happens without time. */
async function watching(...answers: (ScriptedBody | Error)[]) {
  const clock = new ManualClock();
  const reader = new ScriptedReader();
  reader.answers.push(...answers);
  const heard: string[] = [];
  const watch = new ListWatch(
    { clock, random, reader },
    { path: PATH, labelSelector: "app=shop,tier=front" },
    {
      listed: (objects) => heard.push(objects.map(({ metadata }) => metadata.name).join(" ")),
      lost: (error) => heard.push(`lost: ${error.message}`),
      regained: () => heard.push("regained"),
    },
  );
  await clock.advance(0);
  /** "list", "list TOKEN" or "watch VERSION" of every read so far. */
  const asked = () =>
    reader.queries.map(({ watch, resourceVersion, continue: next }) =>
      watch === "true" ? `watch ${resourceVersion}` : next === undefined ? "list" : `list ${next}`,
    );
  return { clock, reader, heard, watch, asked };
}

describe("ListWatch", () => {
  it("lists in pages, then watches from the list's version with bookmarks and an end", async () => {
    const { reader, heard, asked, watch } = await watching(list("7", ["a", "b"], "more"), list("7", ["c"]));
    assert.deepEqual(asked(), ["list", "list more", "watch 7"]);
    assert.deepEqual(heard, ["a b c"]);
    assert.deepEqual(new Set(reader.paths), new Set([PATH]));
    assert.deepEqual(reader.queries[0], { limit: "200", labelSelector: "app=shop,tier=front" });
    const { allowWatchBookmarks, timeoutSeconds, labelSelector } = reader.queries[2]!;
    assert.deepEqual([allowWatchBookmarks, labelSelector], ["true", "app=shop,tier=front"]);
    assert.ok(Number(timeoutSeconds) >= 300 && Number(timeoutSeconds) <= 600);
    await watch.stop();
  });

  it("tells the whole list after every change", async () => {
    const events = new ScriptedBody();
    const { clock, heard, watch } = await watching(list("7", ["a"]), events);
    events
      .line(event("ADDED", "b", "8"))
      .line(event("MODIFIED", "a", "9"))
      .line(event("DELETED", "b", "10"));
    await clock.advance(0);
    assert.deepEqual(heard, ["a", "a b", "a b", "a"]);
    await watch.stop();
  });

  it("goes on from the last version, a bookmark's too, when the API server ends a watch, and tells nobody", async () => {
    const [first, second] = [new ScriptedBody(), new ScriptedBody()];
    const { clock, heard, asked, watch } = await watching(list("7", ["a"]), first, second);
    first.line(event("ADDED", "b", "8"));
    await clock.advance(10_000);
    first.end();
    await clock.advance(0);
    second.line({ type: "BOOKMARK", object: { metadata: { resourceVersion: "20" } } });
    await clock.advance(10_000);
    second.end();
    await clock.advance(0);
    assert.deepEqual(asked(), ["list", "watch 7", "watch 8", "watch 20"]);
    assert.deepEqual(heard, ["a", "a b"]);
    await watch.stop();
  });

  it("goes on from the last version when the connection breaks, and tells when it is lost and when it is back", async () => {
    const events = new ScriptedBody();
    const { clock, heard, asked, watch } = await watching(list("7", ["a"]), events, broken(), broken());
    events.line(event("ADDED", "b", "8")).fail(broken());
    await clock.advance(20_000);
    assert.deepEqual(asked(), ["list", "watch 7", "watch 8", "watch 8", "watch 8"]);
    assert.deepEqual(heard, ["a", "a b", `lost: ${broken().message}`, "regained"]);
    await watch.stop();
  });

  it("waits twice as long after each failure, up to 10 s, and from the beginning again after a good watch", async () => {
    const events = new ScriptedBody();
    const { clock, asked, watch } = await watching(...Array.from({ length: 8 }, broken), list("7", []), events, broken());
    const waits: number[] = [];
    for (let seen = 1; seen < 9; seen++) {
      const before = clock.monotonic();
      while (asked().length === seen) await clock.advance(100);
      waits.push(clock.monotonic() - before);
    }
    assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
    await clock.advance(10_000);
    events.fail(broken());
    await clock.advance(0);
    const before = asked().length;
    await clock.advance(500);
    assert.equal(asked().length, before + 1);
    await watch.stop();
  });

  it("leaves an API server alone for as long as it asks", async () => {
    const { clock, asked, watch } = await watching(refused(429, 30_000), list("7", []));
    await clock.advance(29_999);
    assert.deepEqual(asked(), ["list"]);
    await clock.advance(1);
    assert.deepEqual(asked(), ["list", "list", "watch 7"]);
    await watch.stop();
  });

  it("does not hurry when the API server ends every watch at once", async () => {
    const { clock, asked, watch } = await watching(list("7", []), ...Array.from({ length: 20 }, () => new ScriptedBody().end()));
    await clock.advance(3500);
    assert.deepEqual(asked(), ["list", "watch 7", "watch 7", "watch 7", "watch 7"]);
    await watch.stop();
  });

  for (const [name, outdated] of [
    ["refuses the watch", refused(410)],
    ["says so in the watch", new ScriptedBody().line({ type: "ERROR", object: { kind: "Status", code: 410, message: "too old" } })],
  ] as const) {
    it(`lists again and tells of no loss when a version is outdated: the API server ${name}`, async () => {
      const { clock, heard, asked, watch } = await watching(list("7", ["a"]), outdated, list("50", ["c"]));
      await clock.advance(500);
      assert.deepEqual(asked(), ["list", "watch 7", "list", "watch 50"]);
      assert.deepEqual(heard, ["a", "c"]);
      await watch.stop();
    });
  }

  it("lists again and tells of no loss after a silent watch", async () => {
    const events = new ScriptedBody();
    const { clock, heard, asked, watch } = await watching(list("7", ["a"]), events, list("3", ["b"]));
    await clock.advance(130_000);
    events.fail(new ApiSilenceError(PATH, 130_000));
    await clock.advance(0);
    assert.deepEqual(asked(), ["list", "watch 7", "list", "watch 3"]);
    assert.deepEqual(heard, ["a", "b"]);
    await watch.stop();
  });

  for (const [name, bad, message] of [
    ["no JSON", new ScriptedBody().bytes("{\n"), /cannot be used/],
    ["a number", new ScriptedBody().bytes("7\n"), /it is no object/],
    ["an event without object", new ScriptedBody().line({ type: "ADDED" }), /no object with a resourceVersion/],
    ["a line without end", new ScriptedBody().bytes("x".repeat(4 * 1024 * 1024 + 1)), /more than 4194304 bytes/],
    ["an error", new ScriptedBody().line({ type: "ERROR", object: { code: 500, message: "etcd is gone" } }), /answered 500: etcd is gone/],
  ] as const) {
    it(`keeps what it knows, tells, and lists again after a watch that sent ${name}`, async () => {
      const { clock, heard, asked, watch } = await watching(list("7", ["a"]), bad, list("8", ["a", "b"]));
      assert.match(heard[1]!, message);
      await clock.advance(500);
      assert.deepEqual(asked(), ["list", "watch 7", "list", "watch 8"]);
      assert.deepEqual([heard[0], ...heard.slice(2)], ["a", "regained", "a b"]);
      await watch.stop();
    });
  }

  for (const [name, answer, message] of [
    ["a refusal", refused(403), /answered 403: no/],
    ["something that is no list", new ScriptedBody().line({ kind: "Status" }).end(), /it is no list/],
    ["a 410, where nothing can be outdated", refused(410), /answered 410/],
    [
      "more objects than are kept",
      list(
        "7",
        Array.from({ length: 10_001 }, (_, index) => `o${index}`),
      ),
      /more than 10000 objects/,
    ],
  ] as const) {
    it(`tells a loss when the first list is ${name}`, async () => {
      const { heard, watch } = await watching(answer);
      assert.equal(heard.length, 1);
      assert.match(heard[0]!, message);
      await watch.stop();
    });
  }

  for (const [name, answers] of [
    ["a list", [new ScriptedBody()]],
    ["a watch", [list("7", []), new ScriptedBody()]],
    ["waiting", [broken()]],
  ] as const) {
    it(`stops in the middle of ${name}: nothing stays open, nothing more is told`, async () => {
      const { clock, heard, reader, watch } = await watching(...answers);
      const before = [...heard];
      await watch.stop();
      assert.equal(clock.pendingTimers, 0);
      assert.ok(answers.every((answer) => answer instanceof Error || answer.isClosed));
      await clock.advance(60_000);
      assert.deepEqual(heard, before);
      assert.equal(reader.queries.length, answers.length);
    });
  }

  it("tells nothing that arrived before it was stopped and was not read", async () => {
    const events = new ScriptedBody();
    const { heard, watch } = await watching(list("7", []), events);
    events.line(event("ADDED", "a", "8"));
    await watch.stop();
    assert.deepEqual(heard, [""]);
  });
});
