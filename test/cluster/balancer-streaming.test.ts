// Bodies both ways: streaming, back-pressure, early answers, and the time-outs that the sweep keeps.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";
import { ask, echo, FakeWorker, type Handler, parseAnswer, raw, startBalancer, until } from "../support/balancer-harness.ts";
import { ManualClock } from "../support/manual-clock.ts";

const MIB = 1024 * 1024;

function open(port: number, options: { method?: string; path?: string; headers?: Record<string, string> } = {}): ClientRequest {
  return httpRequest({ port, host: "127.0.0.1", agent: false, method: "GET", ...options });
}

async function answerOf(request: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return response;
}

/** A connection that sends what the test tells it and keeps all that comes back. */
function dial(port: number) {
  const socket = connect(port, "127.0.0.1");
  const connection = { socket, text: "", closed: once(socket, "close") };
  socket.setEncoding("latin1");
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk) => {
    connection.text += chunk;
  });
  return connection;
}

for (const framing of ["Content-Length", "chunked"]) {
  test(`An upload of 64 MiB (${framing}) arrives whole, without being held`, async (context) => {
    const hash = createHash("sha256");
    let bytes = 0;
    const worker = new FakeWorker("r1", (request, response) => {
      request.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        hash.update(chunk);
      });
      request.on("end", () => response.end(hash.digest("hex")));
    });
    const { port } = await startBalancer(context, [worker]);
    const block = Buffer.alloc(MIB, "tomcat");
    const expected = createHash("sha256");
    const request = open(port, { method: "POST", headers: framing === "chunked" ? {} : { "Content-Length": String(64 * MIB) } });
    for (let index = 0; index < 64; index++) {
      expected.update(block);
      if (!request.write(block)) await once(request, "drain");
    }
    request.end();
    const response = await answerOf(request);
    response.setEncoding("utf8");
    const [digest] = await once(response, "data");
    assert.equal(bytes, 64 * MIB);
    assert.equal(digest, expected.digest("hex"));
  });
}

test("A worker that does not read stops the client's upload instead of filling the balancer", async (context) => {
  const worker = new FakeWorker("r1", (request) => void request.pause());
  const { port } = await startBalancer(context, [worker]);
  const request = open(port, { method: "POST" });
  request.on("error", () => request.destroy());
  context.after(() => request.destroy());
  let written = 0;
  const block = Buffer.alloc(MIB);
  // All socket buffers between the two ends fill up; far below 64 MiB the client has to wait for good.
  while (written < 64 * MIB) {
    written += MIB;
    if (request.write(block)) continue;
    const drained = await Promise.race([
      once(request, "drain").then(() => true),
      new Promise<false>((resolve) => setTimeout(() => resolve(false), 300)),
    ]);
    if (!drained) break;
  }
  assert(written < 40 * MIB, `${written} bytes were taken`);
  assert.equal(worker.seen.length, 1);
});

test("A client that does not read stops the worker's answer instead of filling the balancer", async (context) => {
  let sent = 0;
  const stalled = Promise.withResolvers<void>();
  const worker = new FakeWorker("r1", (_request, response) => {
    const block = Buffer.alloc(MIB);
    const more = () => {
      while (sent < 64 * MIB) {
        sent += MIB;
        if (!response.write(block)) {
          const timer = setTimeout(() => stalled.resolve(), 300);
          response.once("drain", () => {
            clearTimeout(timer);
            more();
          });
          return;
        }
      }
      response.end();
      stalled.resolve();
    };
    more();
  });
  const { port } = await startBalancer(context, [worker]);
  const request = open(port);
  request.end();
  const response = await answerOf(request);
  await stalled.promise;
  assert(sent < 40 * MIB, `${sent} bytes were sent`);
  let received = 0;
  for await (const chunk of response) received += (chunk as Buffer).length;
  assert.equal(received, 64 * MIB);
});

test("Each piece of a streamed answer reaches the client when it comes", async (context) => {
  let answer!: { write(text: string): void; end(): void };
  const worker = new FakeWorker("r1", (_request, response) => {
    answer = response;
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.write("data: 1\n\n");
  });
  const { port } = await startBalancer(context, [worker]);
  const request = open(port);
  request.end();
  const response = await answerOf(request);
  response.setEncoding("utf8");
  assert.deepEqual(await once(response, "data"), ["data: 1\n\n"]);
  answer.write("data: 2\n\n");
  assert.deepEqual(await once(response, "data"), ["data: 2\n\n"]);
  answer.end();
  await once(response, "end");
});

test("An answer before the end of the upload reaches the client, and its connection serves the next request", async (context) => {
  const worker = new FakeWorker("r1", (request, response) => {
    if (request.method === "GET") {
      response.end("next");
      return;
    }
    response.writeHead(413, { "Content-Length": "9" });
    response.end("too large");
  });
  const { port, status } = await startBalancer(context, [worker], { settings: { limits: { retryBodyBytes: 0 } } });
  const client = dial(port);
  client.socket.write("POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 1000000\r\n\r\nbeginning");
  await until(() => client.text.includes("too large"));
  assert.equal(parseAnswer(client.text).status, 413);
  client.socket.write("x".repeat(1_000_000 - "beginning".length));
  client.socket.write("GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n");
  await client.closed;
  assert.match(client.text, /next/);
  assert.equal(status().requestsInFlight, 0);
});

test("Expect: 100-continue is answered when a worker reads, and the body follows", async (context) => {
  const { port } = await startBalancer(context, [new FakeWorker("r1", echo)]);
  const client = dial(port);
  client.socket.write("POST / HTTP/1.1\r\nHost: shop.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n");
  await until(() => client.text.startsWith("HTTP/1.1 100 Continue"));
  client.socket.write("hello");
  await client.closed;
  assert.match(client.text, /HTTP\/1.1 200 OK[\s\S]*hello$/);
});

test("Without a worker Expect: 100-continue gets its 503 and no 100", async (context) => {
  const worker = new FakeWorker("r1");
  const { port } = await startBalancer(context, [worker], { settings: { limits: { retryBodyBytes: 0 } } });
  await worker.refuse();
  const answer = await raw(port, "POST / HTTP/1.1\r\nHost: shop.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  assert.equal(answer.status, 503);
});

for (const status of [204, 304]) {
  test(`A ${status} has no body and keeps its fields`, async (context) => {
    const worker = new FakeWorker("r1", (_request, response) => response.writeHead(status, { ETag: '"1"' }).end());
    const { port } = await startBalancer(context, [worker]);
    const answer = await ask(port);
    assert.equal(answer.status, status);
    assert.match(answer.head, /ETag: "1"/);
    assert.equal(answer.body, "");
  });
}

test("HEAD keeps the length that GET would have", async (context) => {
  const { port } = await startBalancer(context, [
    new FakeWorker("r1", (_request, response) => response.writeHead(200, { "Content-Length": "1234" }).end()),
  ]);
  const answer = await ask(port, { method: "HEAD" });
  assert.match(answer.head, /Content-Length: 1234/);
  assert.equal(answer.body, "");
});

test("Early hints of a worker do not end the request", async (context) => {
  const worker = new FakeWorker("r1", (_request, response) => {
    response.writeEarlyHints({ link: "</a.css>; rel=preload" });
    response.end("later");
  });
  const { port } = await startBalancer(context, [worker]);
  assert.equal((await ask(port)).body, "later");
});

const never: Handler = () => undefined;

for (const retryBodyBytes of [65_536, 0]) {
  test(`A body that stops coming is a 408 after bodyIdleSeconds (${retryBodyBytes ? "held" : "streamed"})`, async (context) => {
    const clock = new ManualClock();
    const worker = new FakeWorker("r1", echo);
    const { port, status } = await startBalancer(context, [worker], {
      clock,
      settings: { timeouts: { bodyIdleSeconds: 10 }, limits: { retryBodyBytes } },
    });
    const client = dial(port);
    client.socket.write("POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 100\r\n\r\nsome");
    await until(() => status().requestsInFlight === 1 && (retryBodyBytes > 0 || worker.seen.length === 1));
    await clock.advance(9000);
    assert.equal(client.text, "");
    client.socket.write("more"); // progress: the time starts anew
    await new Promise((resolve) => setTimeout(resolve, 20));
    await clock.advance(9000);
    assert.equal(client.text, "");
    await clock.advance(1500);
    await client.closed;
    assert.equal(parseAnswer(client.text).status, 408);
    assert.equal(status().failed.BodyTimeout, 1);
    assert.equal(status().requestsInFlight, 0);
  });
}

test("A worker that does not answer is a 504 after answerSeconds, and its connection is given up", async (context) => {
  const clock = new ManualClock();
  const worker = new FakeWorker("r1", never);
  const { port, status } = await startBalancer(context, [worker], { clock, settings: { timeouts: { answerSeconds: 5 } } });
  const answer = ask(port);
  await until(() => worker.seen.length === 1);
  await clock.advance(5000);
  assert.equal((await answer).status, 504);
  await until(() => worker.sockets.size === 0);
  assert.equal(status().failed.AnswerTimeout, 1);
});

test("An answer that stops coming is cut after answerIdleSeconds", async (context) => {
  const clock = new ManualClock();
  const worker = new FakeWorker("r1", (_request, response) => void response.write("beginning"));
  const { port } = await startBalancer(context, [worker], { clock, settings: { timeouts: { answerIdleSeconds: 5 } } });
  const client = dial(port);
  client.socket.write("GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n");
  await until(() => client.text.includes("beginning"));
  await clock.advance(5000);
  await client.closed;
  assert.doesNotMatch(client.text, /\r\n0\r\n\r\n/);
});

test("A client that does not read its answer is cut after answerIdleSeconds", async (context) => {
  const clock = new ManualClock();
  const worker = new FakeWorker("r1", (_request, response) => response.end(Buffer.alloc(64 * MIB)));
  const { port, status } = await startBalancer(context, [worker], { clock, settings: { timeouts: { answerIdleSeconds: 5 } } });
  const client = connect(port, "127.0.0.1");
  client.on("error", () => client.destroy());
  client.pause();
  client.write("GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n");
  await until(() => worker.seen.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 200)); // until the buffers between are full
  await clock.advance(5000);
  assert.equal(status().requestsInFlight, 0);
  await until(() => worker.sockets.size === 0);
  client.destroy();
});

test("A head that stops coming is a 408", async (context) => {
  const { port } = await startBalancer(context, [new FakeWorker("r1")], { settings: { timeouts: { headSeconds: 0.1 } } });
  const answer = await raw(port, "GET / HTTP/1.1\r\nHost:");
  assert.equal(answer.status, 408);
});

test("Connections beyond the limit are closed", async (context) => {
  const { port } = await startBalancer(context, [new FakeWorker("r1")], { settings: { listen: { maxConnections: 1 } } });
  const first = dial(port);
  await once(first.socket, "connect");
  const second = dial(port);
  await second.closed;
  first.socket.write("GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n");
  await first.closed;
  assert.equal(parseAnswer(first.text).body, "r1");
});

test("Bodies beyond the memory for repeats are streamed and still arrive", async (context) => {
  const worker = new FakeWorker("r1", echo);
  const { port } = await startBalancer(context, [worker], { settings: { limits: { retryMemoryBytes: 4 } } });
  assert.equal((await ask(port, { method: "POST", body: "hello" })).body, "hello");
});
