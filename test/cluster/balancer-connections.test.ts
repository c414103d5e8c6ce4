// Connections to a worker: when one is used again, when it is closed, and what a worker may do to it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { type Duplex, PassThrough, type Readable } from "node:stream";
import { type TestContext, test } from "node:test";
import type { AttemptFailure, AttemptListener, OutgoingRequest } from "../../src/balancer/forward/forwarder.ts";
import { HttpForwarder } from "../../src/balancer/forward/http/http-forwarder.ts";
import { type GatedRequest, GateRefusal, passGate, type ResponseHead } from "../../src/protocol/index.ts";
import { until } from "../support/balancer-harness.ts";
import { ManualClock } from "../support/manual-clock.ts";

const OK = "HTTP/1.1 200 OK\r\n";
const EMPTY = `${OK}Content-Length: 0\r\n\r\n`;

/** A worker on a plain socket: `said` is what each connection has sent, `answer` what it says to a whole request head. */
class RawWorker {
  readonly connections: { socket: Socket; said: string }[] = [];
  answer: (socket: Socket, request: string) => void = (socket) => socket.write(EMPTY);
  readonly server = createServer((socket) => {
    const connection = { socket, said: "" };
    this.connections.push(connection);
    socket.setEncoding("latin1");
    socket.on("error", () => socket.destroy());
    socket.on("data", (text: string) => {
      connection.said += text;
      if (text.includes("\r\n\r\n")) this.answer(socket, text);
    });
  });

  async start(context: TestContext): Promise<this> {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    context.after(() => {
      for (const { socket } of this.connections) socket.destroy();
      this.server.close();
    });
    return this;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }
}

/** Hears one attempt; `ended` tells how it ended. */
class Hearing implements AttemptListener {
  status = 0;
  body = "";
  head: ResponseHead | undefined;
  socket: Duplex | undefined;
  failure: AttemptFailure | undefined;
  readonly #ending = Promise.withResolvers<"answered" | "upgraded" | AttemptFailure["kind"]>();
  readonly ended = this.#ending.promise;

  answerStarted(status: number, head: ResponseHead): void {
    this.status = status;
    this.head = head;
  }

  answerData(chunk: Buffer): boolean {
    this.body += chunk.toString("latin1");
    return true;
  }

  answerEnded(): void {
    this.#ending.resolve("answered");
  }

  upgraded(_head: ResponseHead, socket: Duplex): void {
    this.socket = socket;
    this.#ending.resolve("upgraded");
  }

  attemptFailed(failure: AttemptFailure): void {
    this.failure = failure;
    this.#ending.resolve(failure.kind);
  }
}

async function start(context: TestContext, options: { maxIdle?: number; keepAliveMs?: number } = {}) {
  const clock = new ManualClock();
  const worker = await new RawWorker().start(context);
  const forwarder = new HttpForwarder(clock, {
    address: "127.0.0.1",
    port: worker.port,
    connectTimeoutMs: 1000,
    keepAliveMs: 15_000,
    maxIdle: 10,
    maxResponseHeaderBytes: 1024,
    ...options,
  });
  context.after(() => forwarder.close());
  return { clock, worker, forwarder };
}

function request(method = "GET", fields: readonly string[] = [], body?: Buffer | Readable): OutgoingRequest {
  const gated = passGate(
    method,
    "/",
    "1.1",
    ["Host", "shop.test", ...fields],
    { address: "127.0.0.1", scheme: "http" },
    {
      maxHeaders: 100,
      forwarded: "Replace",
    },
  );
  if (gated instanceof GateRefusal) throw new Error(gated.message);
  const head: GatedRequest = gated;
  return { head, body, idempotent: method === "GET" || method === "HEAD", freshConnection: false };
}

async function send(forwarder: HttpForwarder, outgoing = request()): Promise<Hearing> {
  const hearing = new Hearing();
  forwarder.forward(outgoing, hearing);
  await hearing.ended;
  return hearing;
}

const reuse: readonly { answer: string; again: boolean; method?: string; end?: true }[] = [
  { answer: EMPTY, again: true },
  { answer: `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n`, again: true },
  { answer: `${OK}Content-Length: 99\r\n\r\n`, method: "HEAD", again: true },
  { answer: "HTTP/1.1 304 Not Modified\r\n\r\n", again: true },
  { answer: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", again: true },
  { answer: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", again: false },
  { answer: `${OK}Connection: close\r\nContent-Length: 2\r\n\r\nok`, again: false },
  { answer: `${OK}Keep-Alive: timeout=0\r\nContent-Length: 0\r\n\r\n`, again: false },
  { answer: `${EMPTY}HTTP/1.1 200 OK\r\n`, again: false },
  { answer: `${OK}\r\nuntil the end`, end: true, again: false },
];
for (const { answer, again, method, end } of reuse) {
  test(`The connection is ${again ? "kept" : "closed"} after ${JSON.stringify(answer)}${method ? ` to ${method}` : ""}`, async (context) => {
    const { worker, forwarder } = await start(context);
    worker.answer = (socket) => (end ? socket.end(answer) : socket.write(answer));
    const hearing = new Hearing();
    forwarder.forward(request(method), hearing);
    assert.equal(forwarder.activeConnections, 1);
    assert.equal(await hearing.ended, "answered");
    assert.deepEqual([forwarder.idleConnections, forwarder.activeConnections], [again ? 1 : 0, 0]);
    assert.equal(await (await send(forwarder, request(method))).ended, "answered");
    assert.equal(worker.connections.length, again ? 1 : 2);
  });
}

test("A connection on which a worker speaks unasked is closed and not used", async (context) => {
  const { worker, forwarder } = await start(context);
  await send(forwarder);
  worker.connections[0]!.socket.write("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
  await until(() => forwarder.idleConnections === 0);
  assert.equal((await send(forwarder)).status, 200);
  assert.equal(worker.connections.length, 2);
});

test("A connection that a worker closes while it is idle is forgotten", async (context) => {
  const { worker, forwarder } = await start(context);
  await send(forwarder);
  worker.connections[0]!.socket.end();
  await until(() => forwarder.idleConnections === 0);
});

test("An idle connection is closed after its time, or shortly before the worker's own", async (context) => {
  const { clock, worker, forwarder } = await start(context, { keepAliveMs: 15_000 });
  await send(forwarder);
  await clock.advance(14_000);
  assert.equal(forwarder.idleConnections, 1);
  await clock.advance(1000);
  assert.equal(forwarder.idleConnections, 0);
  worker.answer = (socket) => socket.write(`${OK}Keep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n`);
  await send(forwarder);
  await clock.advance(4000);
  assert.equal(forwarder.idleConnections, 1);
  await clock.advance(1000);
  assert.equal(forwarder.idleConnections, 0);
  await until(() => worker.connections.every(({ socket }) => socket.destroyed));
});

test("A request that must not be repeated gets a new connection after a second, another one the idle one (rule 19)", async (context) => {
  const { clock, worker, forwarder } = await start(context);
  await send(forwarder);
  await clock.advance(1000);
  await send(forwarder, request("POST"));
  assert.equal(worker.connections.length, 1);
  await clock.advance(1001);
  await send(forwarder, request("POST"));
  assert.equal(worker.connections.length, 2);
  await clock.advance(1001);
  await send(forwarder);
  assert.equal(worker.connections.length, 2);
});

test("No more than maxIdle connections are kept", async (context) => {
  const { worker, forwarder } = await start(context, { maxIdle: 2 });
  await Promise.all(Array.from({ length: 4 }, () => send(forwarder)));
  assert.deepEqual([worker.connections.length, forwarder.idleConnections, forwarder.activeConnections], [4, 2, 0]);
});

test("After close an active connection ends with its answer", async (context) => {
  const { worker, forwarder } = await start(context);
  await send(forwarder);
  const hearing = new Hearing();
  forwarder.forward(request(), hearing);
  forwarder.close();
  assert.equal(await hearing.ended, "answered");
  assert.deepEqual([forwarder.idleConnections, forwarder.activeConnections], [0, 0]);
  await until(() => worker.connections[0]!.socket.destroyed);
});

test("A worker that does not accept in time has refused", async (context) => {
  const { clock, worker, forwarder } = await start(context);
  const waits: (() => void)[] = [];
  clock.setTimeout = (task, delayMs) => {
    assert.equal(delayMs, 1000);
    waits.push(task);
    return { cancel: () => undefined };
  };
  const hearing = new Hearing();
  forwarder.forward(request("POST"), hearing);
  waits[0]!(); // before the connection can stand
  assert.equal(await hearing.ended, "Refused");
  assert.match(hearing.failure!.cause.message, /did not accept the connection within 1000 ms/);
  await send(forwarder); // by then the first one would have arrived too
  assert.doesNotMatch(worker.connections.map(({ said }) => said).join(""), /POST/);
});

test("A port on which nobody listens has refused, after forward has returned", async (context) => {
  const { worker, forwarder } = await start(context);
  worker.server.close();
  await once(worker.server, "close");
  const hearing = new Hearing();
  forwarder.forward(request(), hearing);
  assert.equal(hearing.failure, undefined);
  assert.equal(await hearing.ended, "Refused");
  assert.deepEqual([hearing.failure!.reusedConnection, forwarder.activeConnections], [false, 0]);
});

const losses: readonly { name: string; answer: (socket: Socket) => void }[] = [
  { name: "before the answer", answer: (socket) => socket.end() },
  { name: "by a reset", answer: (socket) => socket.resetAndDestroy() },
  { name: "within the head", answer: (socket) => socket.end("HTTP/1.1 200 OK\r\nX-") },
  { name: "within the body", answer: (socket) => socket.end(`${OK}Content-Length: 3\r\n\r\nab`) },
  { name: "within a chunk", answer: (socket) => socket.end(`${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nab`) },
  { name: "before the last chunk", answer: (socket) => socket.end(`${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n`) },
  { name: "within the trailers", answer: (socket) => socket.end(`${OK}Transfer-Encoding: chunked\r\n\r\n0\r\nX-T: 1\r\n`) },
];
for (const { name, answer } of losses) {
  test(`A connection that ends ${name} is lost, on a new and on a used connection`, async (context) => {
    const { worker, forwarder } = await start(context);
    for (const used of [false, true]) {
      if (used) {
        worker.answer = (socket) => socket.write(EMPTY);
        await send(forwarder);
      }
      worker.answer = answer;
      const { failure } = await send(forwarder);
      assert.deepEqual([failure?.kind, failure?.reusedConnection], ["Lost", used]);
      assert.deepEqual([forwarder.idleConnections, forwarder.activeConnections], [0, 0]);
    }
  });
}

test("An answer that cannot be understood closes the connection", async (context) => {
  const { worker, forwarder } = await start(context);
  worker.answer = (socket) => socket.write("SSH-2.0-OpenSSH\r\n");
  const hearing = await send(forwarder);
  assert.equal(hearing.failure?.kind, "BadAnswer");
  await until(() => worker.connections[0]!.socket.destroyed);
});

test("A head that the listener cannot pass on is a bad answer", async (context) => {
  const { forwarder } = await start(context);
  const hearing = new Hearing();
  hearing.answerStarted = () => {
    throw new TypeError("Invalid character in header content");
  };
  forwarder.forward(request(), hearing);
  assert.equal(await hearing.ended, "BadAnswer");
  assert.equal(forwarder.activeConnections, 0);
});

test("After abort nothing is told and the connection is closed", async (context) => {
  const { worker, forwarder } = await start(context);
  const received = Promise.withResolvers<void>();
  worker.answer = () => received.resolve();
  const hearing = new Hearing();
  const attempt = forwarder.forward(request(), hearing);
  await received.promise;
  attempt.abort();
  attempt.abort();
  assert.equal(forwarder.activeConnections, 0);
  await until(() => worker.connections[0]!.socket.destroyed);
  assert.deepEqual([hearing.status, hearing.failure], [0, undefined]);
});

test("An abort before the connection stands sends nothing and leaves no timer", async (context) => {
  const { clock, worker, forwarder } = await start(context);
  const attempt = forwarder.forward(request(), new Hearing());
  attempt.abort();
  assert.equal(clock.pendingTimers, 0);
  await send(forwarder);
  assert.equal(
    worker.connections
      .map(({ said }) => said)
      .join("")
      .match(/GET/g)!.length,
    1,
  );
});

for (const length of [5, 8192, 8193, 300_000]) {
  test(`A held body of ${length} bytes arrives byte for byte behind its head`, async (context) => {
    const { worker, forwarder } = await start(context);
    const body = Buffer.alloc(length, Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)));
    worker.answer = () => undefined;
    const hearing = new Hearing();
    forwarder.forward(request("POST", ["Content-Length", String(length)], body), hearing);
    await until(() => worker.connections[0]?.said.includes("\r\n\r\n") ?? false);
    const connection = worker.connections[0]!;
    const head = connection.said.slice(0, connection.said.indexOf("\r\n\r\n") + 4);
    await until(() => connection.said.length === head.length + length);
    assert.equal(connection.said.slice(head.length), body.toString("latin1"));
    connection.socket.write(EMPTY);
    assert.equal(await hearing.ended, "answered");
  });
}

test("A streamed body of unknown length arrives in chunks, and its connection is used again", async (context) => {
  const { worker, forwarder } = await start(context);
  worker.answer = (socket, text) => {
    if (text.endsWith("0\r\n\r\n")) socket.write(EMPTY);
  };
  const body = new PassThrough();
  const hearing = new Hearing();
  forwarder.forward(request("POST", ["Transfer-Encoding", "chunked"], body), hearing);
  body.write("hello");
  await until(() => worker.connections[0]?.said.endsWith("\r\n\r\n5\r\nhello\r\n") ?? false);
  body.end("x".repeat(17));
  assert.equal(await hearing.ended, "answered");
  assert.match(worker.connections[0]!.said, /Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n11\r\nx{17}\r\n0\r\n\r\n$/);
  assert.equal(forwarder.idleConnections, 1);
});

test("A streamed body is read no faster than the worker reads it", async (context) => {
  const { worker, forwarder } = await start(context);
  worker.server.on("connection", (socket) => socket.pause());
  const body = new PassThrough({ highWaterMark: 65_536 });
  const hearing = new Hearing();
  forwarder.forward(request("POST", ["Content-Length", String(64 * 1024 * 1024)], body), hearing);
  const block = Buffer.alloc(1024 * 1024);
  let written = 0;
  while (written < 64 * 1024 * 1024) {
    written += block.length;
    if (body.write(block)) continue;
    const drained = await Promise.race([
      once(body, "drain").then(() => true),
      new Promise<false>((resolve) => setTimeout(() => resolve(false), 200)),
    ]);
    if (!drained) break;
  }
  assert(written < 40 * 1024 * 1024, `${written} bytes were taken`);
});

test("An answer before the end of a streamed body ends the body and the connection", async (context) => {
  const { worker, forwarder } = await start(context);
  const body = new PassThrough();
  const hearing = await send(forwarder, request("POST", ["Content-Length", "100"], body));
  assert.equal(hearing.status, 200);
  assert(body.destroyed);
  assert.equal(forwarder.idleConnections, 0);
  await until(() => worker.connections[0]!.socket.destroyed);
});

test("A body that ends before its end closes the connection: the worker must not take half a request for a whole one", async (context) => {
  const { worker, forwarder } = await start(context);
  worker.answer = () => undefined;
  const body = new PassThrough();
  const hearing = new Hearing();
  forwarder.forward(request("POST", ["Transfer-Encoding", "chunked"], body), hearing);
  body.write("half");
  await until(() => worker.connections[0]?.said.includes("half") ?? false);
  body.destroy(new Error("gone"));
  assert.equal(await hearing.ended, "Lost");
  assert.equal(hearing.failure!.cause.message, "gone");
  await until(() => worker.connections[0]!.socket.destroyed);
  assert.doesNotMatch(worker.connections[0]!.said, /\r\n0\r\n\r\n$/);
});

test("A listener that says false hears no more until resume, and the connection serves the next request", async (context) => {
  const { worker, forwarder } = await start(context);
  worker.answer = (socket) => socket.write(`${OK}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n`);
  const hearing = new Hearing();
  const record = hearing.answerData.bind(hearing);
  const firstPiece = Promise.withResolvers<void>();
  hearing.answerData = (chunk) => {
    record(chunk);
    firstPiece.resolve();
    return false;
  };
  const attempt = forwarder.forward(request(), hearing);
  await firstPiece.promise;
  assert.equal(hearing.body, "a");
  attempt.resume();
  assert.equal(hearing.body, "ab");
  attempt.resume();
  assert.equal(await hearing.ended, "answered");
  assert.equal((await send(forwarder)).body, "ab");
  assert.equal(worker.connections.length, 1);
});

test("A whole answer whose only piece the listener did not want more of leaves a connection that reads", async (context) => {
  const { worker, forwarder } = await start(context);
  worker.answer = (socket) => socket.write(`${OK}Content-Length: 1\r\n\r\na`);
  const hearing = new Hearing();
  hearing.answerData = () => false;
  forwarder.forward(request(), hearing);
  assert.equal(await hearing.ended, "answered");
  assert.equal((await send(forwarder)).body, "a");
  assert.equal(worker.connections.length, 1);
});

test("An upgraded connection is handed over with the bytes behind the head, and both ways work", async (context) => {
  const { worker, forwarder } = await start(context);
  worker.answer = (socket, text) => {
    if (text.startsWith("GET")) socket.write("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\n\r\nfirst");
  };
  const hearing = await send(forwarder, request("GET", ["Connection", "Upgrade", "Upgrade", "websocket"]));
  assert.equal(await hearing.ended, "upgraded");
  assert.deepEqual([forwarder.idleConnections, forwarder.activeConnections], [0, 0]);
  const socket = hearing.socket!;
  socket.setEncoding("latin1");
  const first = once(socket, "data");
  socket.resume(); // it comes paused
  assert.deepEqual(await first, ["first"]);
  worker.connections[0]!.socket.write("second");
  assert.deepEqual(await once(socket, "data"), ["second"]);
  socket.write("back");
  await until(() => worker.connections[0]!.said.endsWith("back"));
  socket.destroy();
});

test("A request that is given up resets its connection: what a worker that is cut off has not got never arrives (rule 19)", async (context) => {
  const { worker, forwarder } = await start(context);
  await send(forwarder);
  const failed = once(worker.connections[0]!.socket, "error");
  forwarder.forward(request(), new Hearing()).abort();
  assert.equal((await failed)[0].code, "ECONNRESET");
});
