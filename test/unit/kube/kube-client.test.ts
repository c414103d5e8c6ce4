import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { Registry } from "../../../src/base/index.ts";
import {
  ApiError,
  ConnectionError,
  EvictionBlockedError,
  isApiError,
  KubeClient,
  type KubeObject,
  RESOURCES,
  RequestTimeoutError,
} from "../../../src/kube/index.ts";
import { parseExposition, sampleValue } from "../../support/exposition.ts";
import { type Answer, FakeApiServer, json, refusal, silence, stream } from "../../support/fake-api-server.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { SeededRandom } from "../../support/seeded-random.ts";

const POD = { apiVersion: "v1", kind: "Pod", metadata: { namespace: "shop", name: "shop-0", uid: "u1", resourceVersion: "7" } };
const REF = { namespace: "shop", name: "shop-0" };
const WATCH = { resourceVersion: "10", timeoutSeconds: 300, silenceMs: 1000 };

let server: FakeApiServer;
let clock: ManualClock;
let registry: Registry;
let client: KubeClient;

beforeEach(async () => {
  server = await FakeApiServer.start();
  clock = new ManualClock();
  registry = new Registry();
  client = new KubeClient(
    { clock, random: new SeededRandom(1), registry, credentials: server },
    { userAgent: "test/1", rateLimit: { perSecond: 10, burst: 20 } },
  );
});

afterEach(async () => {
  await client.stop();
  await server.stop();
  assert.equal(clock.pendingTimers, 0, "a timer is left");
});

/** Lets a call go on through its waits, however many there are, until it ends. */
async function throughWaits<T>(call: Promise<T>): Promise<T> {
  let isOver = false;
  const over = call.finally(() => {
    isOver = true;
  });
  over.catch(() => undefined);
  while (!isOver) {
    await clock.advance(100);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return over;
}

describe("KubeClient", () => {
  it("lists and watches metadata alone, where nothing else is wanted", async () => {
    const metadata = { namespace: "web", name: "own", resourceVersion: "7" };
    server.answers = [json({ metadata: { resourceVersion: "10" }, items: [{ metadata }] }), stream()];
    const listed = await client.list(RESOURCES.ConfigMap, { metadataOnly: true });
    assert.deepEqual(listed, [{ apiVersion: "v1", kind: "ConfigMap", metadata }]);
    const events = await client.watch(RESOURCES.ConfigMap, { ...WATCH, metadataOnly: true, signal: new AbortController().signal });
    await events.return();
    const forms = server.requests.map(({ headers }) => headers.accept);
    assert.deepEqual(forms, [
      "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
      "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
    ]);
  });

  it("knows the kinds of a group, and none of a group that is not there", async () => {
    const notFound: Answer = (_request, response) => response.writeHead(404).end("404 page not found\n");
    server.answers = [json({ kind: "APIResourceList", resources: [{ name: "pods", kind: "Pod" }] }), notFound, refusal(403, "Forbidden")];
    assert.deepEqual(await client.kinds({ group: "", version: "v1" }), new Set(["Pod"]));
    assert.deepEqual(await client.kinds({ group: "x.example", version: "v1" }), new Set());
    await assert.rejects(client.kinds({ group: "x.example", version: "v1" }), (error) => isApiError(error, "Forbidden"));
    assert.deepEqual(
      server.requests.map(({ path }) => path),
      ["/api/v1", "/apis/x.example/v1", "/apis/x.example/v1"],
    );
  });

  it("says who it is and reads an object", async () => {
    server.answers = [json(POD)];
    assert.deepEqual(await client.get(RESOURCES.Pod, REF), POD);
    const [request] = server.requests;
    assert.equal(request?.path, "/api/v1/namespaces/shop/pods/shop-0");
    assert.equal(request?.headers["user-agent"], "test/1");
    assert.equal(request?.headers.authorization, "Bearer first");
  });

  it("keeps its connections for all calls, and makes new ones when the certificates have changed", async () => {
    server.answers = [json(POD)];
    for (let call = 0; call < 15; call++) await client.get(RESOURCES.Pod, REF);
    const { connections } = server;
    // The answer of one call may be there before its connection is free.
    assert.ok(connections <= 2, `${connections} connections`);
    server.identity = { headers: { Authorization: "Bearer second" }, tls: {} };
    await client.get(RESOURCES.Pod, REF);
    assert.equal(server.connections, connections, "a token is no matter of the connection");
    assert.equal(server.requests.at(-1)?.headers.authorization, "Bearer second");
    server.identity = { headers: {}, tls: { ca: "another" } };
    await client.get(RESOURCES.Pod, REF);
    assert.equal(server.connections, connections + 1);
  });

  it("lists page by page, and says of each object what it is", async () => {
    const item = (name: string) => ({ metadata: { namespace: "shop", name, resourceVersion: "1" } });
    server.answers = [
      json({ kind: "StatefulSetList", metadata: { resourceVersion: "50", continue: "go on" }, items: [item("a"), item("b")] }),
      json({ kind: "StatefulSetList", metadata: { resourceVersion: "50", continue: "" }, items: [item("c")] }),
    ];
    const found = await client.list(RESOURCES.StatefulSet, { namespace: "shop", labelSelector: "app=shop,tier!=x" });
    assert.deepEqual(
      found.map(({ apiVersion, kind, metadata }) => `${apiVersion} ${kind} ${metadata.name}`),
      ["apps/v1 StatefulSet a", "apps/v1 StatefulSet b", "apps/v1 StatefulSet c"],
    );
    assert.equal(server.requests[0]?.path, "/apis/apps/v1/namespaces/shop/statefulsets");
    assert.deepEqual(server.requests[0]?.query, { limit: "100", labelSelector: "app=shop,tier!=x" });
    assert.equal(server.requests[1]?.query.continue, "go on");
  });

  it("applies an object as it is, unknown fields included, with its field manager and force", async () => {
    server.answers = [json(POD)];
    const object = { ...POD, spec: { brandNewField: [1], containers: [{ brandNew: true }] } };
    await client.apply(RESOURCES.Pod, object, { fieldManager: "tester" });
    await client.applyStatus(RESOURCES.Pod, object, { fieldManager: "tester", force: false });
    const [first, second] = server.requests;
    assert.deepEqual([first?.method, first?.headers["content-type"]], ["PATCH", "application/apply-patch+yaml"]);
    assert.deepEqual(first?.query, { fieldManager: "tester", force: "true" });
    assert.deepEqual(first?.body, object);
    assert.equal(second?.path, "/api/v1/namespaces/shop/pods/shop-0/status");
    assert.equal(second?.query.force, "false");
  });

  it("creates by POST alone", async () => {
    server.answers = [refusal(409, "AlreadyExists")];
    await assert.rejects(client.create(RESOURCES.Secret, { ...POD, kind: "Secret" }), (error) => isApiError(error, "AlreadyExists"));
    assert.deepEqual([server.requests[0]?.method, server.requests[0]?.path], ["POST", "/api/v1/namespaces/shop/secrets"]);
    assert.equal(server.requests.length, 1);
  });

  it("deletes only what the preconditions name, and finds nothing wrong with what is gone", async () => {
    server.answers = [json({ kind: "Status" }), refusal(404, "NotFound"), refusal(409, "Conflict")];
    assert.equal(await client.delete(RESOURCES.Pod, REF, { uid: "u1", resourceVersion: "7" }), true);
    assert.deepEqual((server.requests[0]!.body as { preconditions: object }).preconditions, { uid: "u1", resourceVersion: "7" });
    assert.equal(await client.delete(RESOURCES.Pod, REF), false);
    await assert.rejects(client.delete(RESOURCES.Pod, REF, { uid: "u1" }), (error) => isApiError(error, "Conflict"));
  });

  it("evicts, and tells at once when a disruption budget does not let the pod go", async () => {
    server.answers = [json({ kind: "Status" }), refusal(429, "TooManyRequests", { "Retry-After": "10" }), refusal(404, "NotFound")];
    assert.equal(await client.evict(REF, { uid: "u1" }), true);
    assert.equal(server.requests[0]?.path, "/api/v1/namespaces/shop/pods/shop-0/eviction");
    await assert.rejects(client.evict(REF), EvictionBlockedError);
    assert.equal(await client.evict(REF), false);
    assert.equal(server.requests.length, 3);
  });

  it("finds undefined in place of what is not there", async () => {
    server.answers = [refusal(404, "NotFound")];
    assert.equal(await client.find(RESOURCES.Pod, REF), undefined);
  });

  it("tells what was refused, also when something else than the API server answered", async () => {
    server.answers = [refusal(403, "Forbidden"), (_request, response) => response.writeHead(404).end("<html>who?</html>")];
    await assert.rejects(client.get(RESOURCES.Pod, REF), {
      message: "GET /api/v1/namespaces/shop/pods/shop-0 was answered 403 Forbidden: it is Forbidden",
      retryable: false,
    });
    await assert.rejects(client.get(RESOURCES.Pod, REF), /was answered 404: <html>who/);
    await assert.rejects(client.find(RESOURCES.Pod, REF), ApiError, "a proxy's 404 says nothing of the object");
  });

  it("waits as long as the server asks and tries again when it is told to come later", async () => {
    server.answers = [refusal(429, "TooManyRequests", { "Retry-After": "2" }), refusal(503, "ServiceUnavailable"), json(POD)];
    const startMs = clock.monotonic();
    const call = client.create(RESOURCES.Pod, POD);
    await server.received(1);
    await clock.advance(1900);
    assert.equal(server.requests.length, 1);
    await throughWaits(call);
    assert.equal(server.requests.length, 3);
    assert.ok(clock.monotonic() - startMs >= 2000);
    const families = parseExposition(await registry.metrics());
    assert.equal(sampleValue(families, "rest_client_request_retries_total"), 2);
    assert.equal(sampleValue(families, "rest_client_requests_total", { code: "429", method: "POST" }), 1);
    assert.equal(sampleValue(families, "rest_client_requests_total", { code: "200", method: "POST" }), 1);
  });

  it("repeats after a failure only what may be done twice", async () => {
    const calls: { run: () => Promise<unknown>; requests: number }[] = [
      { run: () => client.get(RESOURCES.Pod, REF), requests: 2 },
      { run: () => client.apply(RESOURCES.Pod, POD, { fieldManager: "t" }), requests: 2 },
      { run: () => client.delete(RESOURCES.Pod, REF), requests: 2 },
      { run: () => client.create(RESOURCES.Pod, POD), requests: 1 },
      { run: () => client.replace(RESOURCES.Pod, POD), requests: 1 },
    ];
    for (const { run, requests } of calls) {
      for (const failure of [refusal(500, "InternalError"), silentEnd]) {
        server.requests.length = 0;
        server.answers = [failure, json(POD)];
        await throughWaits(run()).catch(() => undefined);
        assert.equal(server.requests.length, requests, `${server.requests[0]?.method} ${failure === silentEnd ? "cut" : "500"}`);
      }
    }
  });

  it("gives up after its attempts, with the last failure", async () => {
    server.answers = [refusal(500, "InternalError")];
    await assert.rejects(throughWaits(client.get(RESOURCES.Pod, REF, { retries: 2 })), { statusCode: 500, retryable: true });
    assert.equal(server.requests.length, 3);
  });

  it("does not wait for a server that asks for more than half a minute", async () => {
    server.answers = [refusal(429, "TooManyRequests", { "Retry-After": "3600" })];
    await assert.rejects(client.get(RESOURCES.Pod, REF), { retryAfterMs: 3_600_000 });
  });

  it("asks for other credentials when they were refused, and tries once more with them", async () => {
    server.answers = [refusal(401, "Unauthorized")];
    await assert.rejects(throughWaits(client.get(RESOURCES.Pod, REF)), (error) => isApiError(error, "Unauthorized"));
    assert.equal(server.requests.length, 2);
    assert.equal(server.refusals, 2);
  });

  it("gives a hanging request up at its time-out, once, and frees its connection", async () => {
    server.answers = [silence, json(POD)];
    const call = client.get(RESOURCES.Pod, REF, { timeoutMs: 3000 });
    const failed = assert.rejects(call, RequestTimeoutError);
    await server.received(1);
    await clock.advance(3000);
    await failed;
    assert.equal(server.requests.length, 1);
    await client.get(RESOURCES.Pod, REF);
    assert.equal(server.connections, 2);
  });

  it("ends a call with the reason of its signal", async () => {
    server.answers = [silence];
    const abort = new AbortController();
    const failed = assert.rejects(client.get(RESOURCES.Pod, REF, { signal: abort.signal }), /enough/);
    await server.received(1);
    abort.abort(new Error("enough"));
    await failed;
    await assert.rejects(client.get(RESOURCES.Pod, REF, { signal: abort.signal }), /enough/);
    assert.equal(server.requests.length, 1);
  });

  it("sends nothing for a signal that is aborted already, however urgent, nor after its stop", async () => {
    server.answers = [json(POD)];
    const signal = AbortSignal.abort(new Error("enough"));
    await assert.rejects(client.get(RESOURCES.Pod, REF, { signal, isUrgent: true }), /enough/);
    await client.stop();
    await assert.rejects(client.get(RESOURCES.Pod, REF), { code: "KUBE_STOPPED" });
    assert.equal(server.requests.length, 0);
  });

  it("never asks faster than its limit, after the first burst", async () => {
    server.answers = [json(POD)];
    const calls = Array.from({ length: 40 }, () => client.get(RESOURCES.Pod, REF));
    await server.received(20);
    await client.get(RESOURCES.Lease, REF, { isUrgent: true });
    assert.equal(server.requests.length, 21, "what is urgent does not wait");
    await throughWaits(Promise.all(calls));
    assert.ok(clock.monotonic() >= 2000, `40 calls in ${clock.monotonic()} ms`);
    const families = parseExposition(await registry.metrics());
    assert.equal(sampleValue(families, "rest_client_rate_limiter_duration_seconds_count"), 20);
  });
});

describe("KubeClient.watch", () => {
  async function collect(abort = new AbortController()): Promise<string[]> {
    const seen: string[] = [];
    for await (const event of await client.watch<KubeObject>(RESOURCES.Pod, { ...WATCH, namespace: "shop", signal: abort.signal })) {
      seen.push(event.type === "ERROR" ? `ERROR ${event.object.code}` : `${event.type} ${event.object.metadata.resourceVersion}`);
      if (seen.at(-1) === "ADDED 99") abort.abort(new Error("stopped"));
    }
    return seen;
  }

  const line = (type: string, version: string) => JSON.stringify({ type, object: { metadata: { name: "ü", resourceVersion: version } } });

  it("asks for bookmarks, from a version on, for a time", async () => {
    server.answers = [(_request, response) => response.end()];
    assert.deepEqual(await collect(), []);
    assert.deepEqual(server.requests[0]?.query, {
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: "10",
      timeoutSeconds: "300",
    });
  });

  it("reads events in whatever pieces they come", async () => {
    const bytes = Buffer.from(`${line("ADDED", "1")}\n${line("MODIFIED", "2")}\n\n${line("BOOKMARK", "3")}\n${line("DELETED", "4")}\n`);
    for (const size of [1, 7, 64, bytes.length]) {
      server.answers = [
        (_request, response) => {
          for (let at = 0; at < bytes.length; at += size) response.write(bytes.subarray(at, at + size));
          response.end();
        },
      ];
      assert.deepEqual(await collect(), ["ADDED 1", "MODIFIED 2", "BOOKMARK 3", "DELETED 4"]);
    }
  });

  it("rejects what is no event", async () => {
    for (const text of ["<html>\n", '{"type":"ADDED"}\n', "null\n"]) {
      server.answers = [stream(text)];
      await assert.rejects(collect(), { code: "KUBE_INVALID_ANSWER" });
    }
  });

  it("tells a version that is too old from other refusals", async () => {
    server.answers = [refusal(410, "Expired"), refusal(500, "InternalError")];
    await assert.rejects(collect(), (error) => isApiError(error, "Expired"));
    await assert.rejects(collect(), (error) => error instanceof ApiError && !isApiError(error, "Expired"));
  });

  it("gives a watch up that is silent for too long, however long it spoke before", async () => {
    let open: import("node:http").ServerResponse | undefined;
    server.answers = [
      (_request, response) => {
        open = response;
        stream(`${line("ADDED", "1")}\n`)(_request, response);
      },
    ];
    const seen: string[] = [];
    const events = await client.watch<KubeObject>(RESOURCES.Pod, { ...WATCH, signal: new AbortController().signal });
    const reading = (async () => {
      for await (const event of events) seen.push(event.type);
    })();
    const failed = assert.rejects(reading, { code: "KUBE_SILENT_WATCH" });
    await until(() => seen.length === 1);
    await clock.advance(900);
    open!.write(`${line("BOOKMARK", "2")}\n`);
    await until(() => seen.length === 2);
    await clock.advance(900);
    assert.equal(clock.pendingTimers, 1, "still open");
    await clock.advance(100);
    await failed;
  });

  it("ends with the signal's reason, and reports a connection that breaks", async () => {
    server.answers = [stream(`${line("ADDED", "99")}\n`)];
    await assert.rejects(collect(), /stopped/);
    server.answers = [
      (request, response) => {
        stream(`${line("ADDED", "1")}\n`)(request, response);
        setImmediate(() => response.destroy());
      },
    ];
    await assert.rejects(collect(), ConnectionError);
  });

  it("waits for the head of the answer no longer than for any other answer", async () => {
    server.answers = [silence];
    const failed = assert.rejects(collect(), RequestTimeoutError);
    await server.received(1);
    await clock.advance(30_000);
    await failed;
  });
});

const silentEnd = (_request: unknown, response: { destroy(): void }) => response.destroy();

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
