// Affinity and failover over loopback: rules 17 and 19.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { highestRendezvous } from "../../src/balancer/selection/rendezvous.ts";
import { ask, echo, FakeWorker, type Handler, raw, startBalancer, until } from "../support/balancer-harness.ts";

const pair = (first?: Handler, second?: Handler) => [new FakeWorker("r1", first), new FakeWorker("r2", second)] as const;
const withPathParameter = { stickySession: { pathParameter: { enabled: true } } };

/** balancer.md 4.1, with the stricter reading that its note asks for. "other": whoever the rendezvous names. */
const affinity: readonly { path?: string; cookie?: string; target: string }[] = [
  { cookie: "JSESSIONID=abc.r2", target: "r2" },
  { cookie: "JSESSIONID=one.rX; JSESSIONID=two.r2", target: "r2" },
  { cookie: "JSESSIONID=two.r2; JSESSIONID=one.r1", target: "r2" },
  { cookie: "JSESSIONID=a.b.r2", target: "other:a" },
  { cookie: 'JSESSIONID="q.r2"', target: "r2" },
  { path: "/x;jsessionid=x.r2", target: "r2" },
  { path: "/x;jsessionid=x.r2;foo=1", target: "r2" },
  { path: "/x;jsessionid=x.r2/more", target: "r2" },
  { path: "/x?jsessionid=x.r2&z=1", target: "r1" },
  { path: "/x;jsessionid=x.r2", cookie: "JSESSIONID=c.r1", target: "r2" },
  { cookie: "jsessionid=x.r2", target: "r1" },
  { cookie: "JSESSIONID=nodot", target: "other:nodot" },
];

for (const { path = "/", cookie, target } of affinity) {
  test(`${path} with Cookie: ${cookie ?? "none"} goes to ${target}`, async (context) => {
    const workers = pair();
    const { port } = await startBalancer(context, workers, { settings: withPathParameter });
    const expected = target.startsWith("other:")
      ? highestRendezvous(
          [
            { name: "r1", route: "r1", weight: 1 },
            { name: "r2", route: "r2", weight: 1 },
          ],
          target.slice(6),
        ).name
      : target;
    assert.equal((await ask(port, { path, ...(cookie === undefined ? {} : { cookie }) })).body, expected);
  });
}

test("Parallel requests of a session whose worker is gone, at several balancers, all meet at one worker (rule 17)", async (context) => {
  const workers = [new FakeWorker("r1"), new FakeWorker("r2"), new FakeWorker("r3")];
  const { port } = await startBalancer(context, workers);
  const second = await startBalancer(context, [], {
    settings: {
      discovery: {
        type: "Static",
        workers: workers.map(({ name, port: workerPort }) => ({ name, address: "127.0.0.1", port: workerPort })).reverse(),
      },
    },
  });
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => ask(index % 2 === 0 ? port : second.port, { cookie: "JSESSIONID=0A1B2C.gone" })),
  );
  assert.equal(new Set(answers.map((answer) => answer.body)).size, 1);
});

test("Requests without a session are spread by weight", async (context) => {
  const workers = pair();
  for (const worker of workers) await worker.start();
  const [r1, r2] = workers;
  const { port } = await startBalancer(context, [], {
    settings: {
      discovery: {
        type: "Static",
        workers: [
          { name: "r1", address: "127.0.0.1", port: r1.port, weight: 1 },
          { name: "r2", address: "127.0.0.1", port: r2.port, weight: 2.5 },
        ],
      },
    },
  });
  context.after(() => Promise.all(workers.map((worker) => worker.kill())));
  const bodies: string[] = [];
  for (let index = 0; index < 7; index++) bodies.push((await ask(port)).body);
  assert.deepEqual(bodies, ["r2", "r1", "r2", "r2", "r2", "r1", "r2"]);
});

test("With force a session whose worker is unusable gets 503 and Retry-After", async (context) => {
  const { port } = await startBalancer(context, pair(), { settings: { stickySession: { force: true } } });
  const answer = await ask(port, { cookie: "JSESSIONID=abc.gone" });
  assert.equal(answer.status, 503);
  assert.match(answer.head, /^Retry-After: 1$/m);
  assert.equal((await ask(port)).status, 200);
});

for (const method of ["GET", "POST", "PATCH"]) {
  test(`Refused connection: ${method} with a body goes to another worker, and the refusing one is left alone (rule 19)`, async (context) => {
    const workers = pair(undefined, echo);
    const { port, status } = await startBalancer(context, workers);
    await workers[0].refuse();
    const answer = await ask(port, { method, cookie: "JSESSIONID=abc.r1", body: "hello" });
    assert.deepEqual([answer.status, answer.body], [200, "hello"]);
    assert.equal(status().workers[0]!.state, "Error");
    assert.equal(status().retries.Refused, 1);
    await ask(port, { method, cookie: "JSESSIONID=abc.r1", body: "hello" });
    assert.equal(status().retries.Refused, 1);
  });
}

test("Refused connection: even a streamed POST goes to another worker, since nothing of it was read (rule 19)", async (context) => {
  const workers = pair(undefined, echo);
  const { port } = await startBalancer(context, workers, { settings: { limits: { retryBodyBytes: 0 } } });
  await workers[0].refuse();
  const answer = await ask(port, { method: "POST", cookie: "JSESSIONID=abc.r1", body: "streamed" });
  assert.deepEqual([answer.status, answer.body], [200, "streamed"]);
});

test("A worker that listens again is used again after the retry interval", async (context) => {
  const workers = pair();
  const { port, states } = await startBalancer(context, workers, { settings: { backend: { errorRetryMilliseconds: 30 } } });
  await workers[0].refuse();
  assert.equal((await ask(port, { cookie: "JSESSIONID=abc.r1" })).body, "r2");
  await workers[0].start();
  await states({ r1: "Serving" });
  assert.equal((await ask(port, { cookie: "JSESSIONID=abc.r1" })).body, "r1");
});

test("All workers in error are all asked again, and 503 only when none answers", async (context) => {
  const workers = pair();
  const { port, status } = await startBalancer(context, workers, { settings: { backend: { errorRetryMilliseconds: 60_000 } } });
  for (const worker of workers) await worker.refuse();
  const answer = await ask(port);
  assert.equal(answer.status, 503);
  assert.match(answer.head, /^Retry-After: 1$/m);
  assert.deepEqual(
    status().workers.map((worker) => worker.state),
    ["Error", "Error"],
  );
  await workers[1].start();
  assert.equal((await ask(port)).body, "r2");
});

/** Ends the connection of the first request without an answer. */
const reset: Handler = (request) => request.socket.resetAndDestroy();
const closeSilently: Handler = (request) => request.socket.end();

for (const [how, handler] of Object.entries({ reset, closeSilently })) {
  for (const method of ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]) {
    test(`Connection lost before the answer (${how}): ${method} is repeated at another worker (rule 19)`, async (context) => {
      const workers = pair(handler);
      const { port } = await startBalancer(context, workers);
      const answer = await ask(port, { method, cookie: "JSESSIONID=abc.r1" });
      assert.equal(answer.status, 200);
      assert.deepEqual([workers[0].seen.length, workers[1].seen.length], [1, 1]);
    });
  }
  for (const method of ["POST", "PATCH"]) {
    test(`Connection lost before the answer (${how}): ${method} is a 502 and never repeated (rule 19)`, async (context) => {
      const workers = pair(handler);
      const { port, status } = await startBalancer(context, workers);
      const answer = await ask(port, { method, cookie: "JSESSIONID=abc.r1", body: "x" });
      assert.equal(answer.status, 502);
      assert.deepEqual([workers[0].seen.length, workers[1].seen.length], [1, 0]);
      assert.equal(status().failed.WorkerLost, 1);
    });
  }
}

test("A request that kills its worker is repeated once, not at every worker", async (context) => {
  const workers = [new FakeWorker("r1", reset), new FakeWorker("r2", reset), new FakeWorker("r3", reset)];
  const { port } = await startBalancer(context, workers);
  assert.equal((await ask(port)).status, 502);
  assert.equal(workers.flatMap((worker) => worker.seen).length, 2);
});

test("PUT with a body that is too long to hold is not repeated", async (context) => {
  const workers = pair((request) => request.once("data", () => request.socket.resetAndDestroy()));
  const { port } = await startBalancer(context, workers, { settings: { limits: { retryBodyBytes: 10 } } });
  const answer = await ask(port, { method: "PUT", cookie: "JSESSIONID=abc.r1", body: "more than ten bytes" });
  assert.equal(answer.status, 502);
  assert.deepEqual(workers[1].seen, []);
});

for (const framing of ["Content-Length", "chunked"]) {
  test(`Half an answer (${framing}) ends the client's connection and is never followed by a second answer (rule 19)`, async (context) => {
    const workers = pair((request, response) => {
      if (framing === "Content-Length") response.setHeader("Content-Length", "100");
      response.write("half", () => request.socket.resetAndDestroy());
    });
    const { port, status } = await startBalancer(context, workers);
    const answer = await ask(port, { cookie: "JSESSIONID=abc.r1" });
    assert.equal(answer.status, 200);
    assert.doesNotMatch(answer.text, /r2|\r\n0\r\n\r\n/);
    assert.equal(answer.text.match(/HTTP\/1\.1/g)?.length, 1);
    assert.deepEqual(workers[1].seen, []);
    assert.equal(status().failed.Cut, 1);
  });
}

test("An idle connection that the worker has closed hurts no POST: it gets a fresh one (rule 19)", async (context) => {
  const workers = pair((request, response) => {
    response.end("ok");
    if (request.method === "GET") response.on("finish", () => request.socket.end());
  });
  const { port, status } = await startBalancer(context, workers);
  for (let index = 0; index < 20; index++) {
    assert.equal((await ask(port, { cookie: "JSESSIONID=abc.r1" })).status, 200);
    const answer = await ask(port, { method: "POST", cookie: "JSESSIONID=abc.r1", body: "x" });
    assert.equal(answer.status, 200);
  }
  assert.equal(status().failed.WorkerLost, 0);
});

test("A GET on an idle connection that the worker closes at that moment is repeated at the same worker", async (context) => {
  let requests = 0;
  const workers = pair((request, response) => {
    requests++;
    if (requests === 2) request.socket.resetAndDestroy();
    else response.end("r1");
  });
  const { port, status } = await startBalancer(context, workers);
  await ask(port, { cookie: "JSESSIONID=abc.r1" });
  assert.equal((await ask(port, { cookie: "JSESSIONID=abc.r1" })).body, "r1");
  assert.equal(status().retries.Idle, 1);
  assert.deepEqual(workers[1].seen, []);
});

test("Connections to a worker are used again, the last used one first", async (context) => {
  const workers = pair();
  const { port, status } = await startBalancer(context, workers);
  for (let index = 0; index < 10; index++) await ask(port, { cookie: "JSESSIONID=abc.r1" });
  assert.equal(workers[0].connections, 1);
  assert.deepEqual(status().workers[0]!.connections, { idle: 1, active: 0 });
});

const nonsense: readonly [string, string][] = [
  ["no HTTP", "SSH-2.0-OpenSSH\r\n\r\n"],
  ["a header without a name", "HTTP/1.1 200 OK\r\n: x\r\n\r\n"],
  ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx"],
  ["length and coding", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
  ["a control character in a value", "HTTP/1.1 200 OK\r\nX-A: a\u0001b\r\nContent-Length: 0\r\n\r\n"],
  ["a head of more than 64 KiB", `HTTP/1.1 200 OK\r\nX-A: ${"a".repeat(70_000)}\r\n\r\n`],
  ["an upgrade that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"],
];
for (const [name, bytes] of nonsense) {
  test(`A worker that answers ${name} is a 502 for the client`, async (context) => {
    const workers = pair((request) => request.socket.end(bytes, "latin1"));
    const { port } = await startBalancer(context, [workers[0]]);
    const answer = await ask(port, { method: "POST", body: "x" });
    assert.equal(answer.status, 502, answer.text);
    assert.equal((await ask(port, { method: "POST", body: "x" })).status, 502);
  });
}

test("A client that goes away ends its request at the worker", async (context) => {
  const closed = Promise.withResolvers<void>();
  const workers = pair((request) => request.socket.on("close", () => closed.resolve()));
  const { port, status } = await startBalancer(context, workers);
  const client = connect(port, "127.0.0.1");
  client.write("GET / HTTP/1.1\r\nHost: shop.test\r\nCookie: JSESSIONID=abc.r1\r\n\r\n");
  await until(() => workers[0].seen.length === 1);
  client.destroy();
  await closed.promise;
  await until(() => status().requestsInFlight === 0);
  assert.equal(status().failed.ClientGone, 1);
  assert.equal(status().workers[0]!.inFlight, 0);
});

test("Several Set-Cookie fields and bytes above 127 reach the client as the worker sent them", async (context) => {
  const workers = pair((_request, response) => {
    response.writeHead(200, ["Set-Cookie", "a=1", "X-Name", "\u00e9", "Set-Cookie", "b=2", "Connection", "X-Hop", "X-Hop", "1"]);
    response.end("body");
  });
  const { port } = await startBalancer(context, workers);
  const answer = await ask(port);
  assert.match(answer.head, /\r\nSet-Cookie: a=1\r\nX-Name: \u00e9\r\nSet-Cookie: b=2\r\n/);
  assert.doesNotMatch(answer.head, /X-Hop/);
});

test("Pipelined requests are answered in their order", async (context) => {
  const { port } = await startBalancer(context, [new FakeWorker("r1", (request, response) => response.end(`<${request.url}>`))]);
  const line = (path: string, end = "") => `GET ${path} HTTP/1.1\r\nHost: shop.test\r\n${end}\r\n`;
  const answer = await raw(port, line("/1") + line("/2") + line("/3", "Connection: close\r\n"));
  assert.deepEqual(answer.text.match(/<[^>]+>/g), ["</1>", "</2>", "</3>"]);
});
