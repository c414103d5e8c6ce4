// Health checks, draining, discovery, WebSockets, and the balancer's own stop and pages, over loopback.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import type { LookUp, NameResolver, ServiceRecord } from "../../src/base/index.ts";
import { ask, FakeWorker, parseAnswer, startBalancer, until } from "../support/balancer-harness.ts";

const pair = () => [new FakeWorker("r1"), new FakeWorker("r2")] as const;
const both = { r1: "Serving", r2: "Serving" };

test("Not ready until a worker has answered its health check", async (context) => {
  const worker = new FakeWorker("r1");
  worker.health = "not ready";
  const { notReady, states } = await startBalancer(context, [worker], { health: true });
  await states({ r1: "NotReady" });
  assert.equal(notReady(), "no worker is serving");
  worker.health = "ready";
  await states({ r1: "Serving" });
  assert.equal(notReady(), undefined);
});

test("A worker that says it is not ready gets nothing, even when it is the only one", async (context) => {
  const worker = new FakeWorker("r1");
  worker.health = "not ready";
  const { port, states } = await startBalancer(context, [worker], { health: true });
  await states({ r1: "NotReady" });
  assert.equal((await ask(port)).status, 503);
  assert.deepEqual(worker.seen, []);
});

test("A worker that only its health check cannot reach is a last resort", async (context) => {
  const worker = new FakeWorker("r1");
  worker.health = "silent";
  const { port, states } = await startBalancer(context, [worker], { health: true });
  await states({ r1: "NotReady" });
  assert.equal((await ask(port)).body, "r1");
});

test("A killed worker is out at once, and back as soon as its health check says so", async (context) => {
  const workers = pair();
  const { port, states } = await startBalancer(context, workers, {
    health: true,
    settings: { backend: { errorRetryMilliseconds: 60_000 } },
  });
  await states(both);
  await workers[0].kill();
  assert.equal((await ask(port, { cookie: "JSESSIONID=abc.r1" })).body, "r2");
  await states({ r1: "Error" });
  await workers[0].start();
  await states({ r1: "Serving" });
  assert.equal((await ask(port, { cookie: "JSESSIONID=abc.r1" })).body, "r1");
});

test("A draining worker gets nothing new and keeps a session that is in use (rule 18)", async (context) => {
  const workers = pair();
  const { port, states } = await startBalancer(context, workers, { health: true, settings: { drain: { quietSeconds: 60 } } });
  await states(both);
  workers[0].health = "draining";
  await states({ r1: "Draining" });
  assert.equal((await ask(port, { cookie: "JSESSIONID=abc.r1" })).body, "r1");
  for (let index = 0; index < 6; index++) assert.equal((await ask(port)).body, "r2");
});

test("A quiet session leaves a draining worker, a busy one stays (rule 18)", async (context) => {
  const workers = pair();
  const { port, states } = await startBalancer(context, workers, { health: true, settings: { drain: { quietSeconds: 0.2 } } });
  await states(both);
  workers[0].health = "draining";
  await states({ r1: "Draining" });
  const untilMs = performance.now() + 400;
  while (performance.now() < untilMs) assert.equal((await ask(port, { cookie: "JSESSIONID=busy.r1" })).body, "r1");
  assert.equal((await ask(port, { cookie: "JSESSIONID=quiet.r1" })).body, "r2");
});

test("A draining worker that closes its port loses no request, POSTs included (rules 18 and 19)", async (context) => {
  // Rule 18: while it drains every answer closes its connection, and the listener goes only after that.
  const leaving: FakeWorker = new FakeWorker("r1", (_request, response) => {
    if (leaving.health === "draining") response.setHeader("Connection", "close");
    response.end("r1");
  });
  const workers = [leaving, new FakeWorker("r2")] as const;
  const { port, states, status } = await startBalancer(context, workers, { health: true });
  await states(both);
  let running = true;
  const failures: string[] = [];
  const clients = Array.from({ length: 8 }, async (_, index) => {
    while (running) {
      const answer = await ask(port, {
        method: index % 2 ? "POST" : "GET",
        cookie: `JSESSIONID=s${index}.r1`,
        ...(index % 2 ? { body: "x" } : {}),
      });
      if (answer.status !== 200) failures.push(answer.text);
    }
  });
  await until(() => workers[0].seen.length > 50);
  workers[0].health = "draining";
  await states({ r1: "Draining" });
  const answered = workers[0].seen.length;
  await until(() => workers[0].seen.length > answered + 4 * clients.length);
  workers[0].server.close();
  await states({ r1: "NotReady" });
  const served = workers[1].seen.length;
  await until(() => workers[1].seen.length > served + 50);
  running = false;
  await Promise.all(clients);
  assert.deepEqual(failures, []);
  assert.equal(status().failed.WorkerLost, 0);
});

test("An answer with Connection: close has the worker asked at once, not after the interval", async (context) => {
  const workers = [new FakeWorker("r1", (_request, response) => response.setHeader("Connection", "close").end("r1")), new FakeWorker("r2")];
  const { port, states } = await startBalancer(context, workers, {
    health: true,
    settings: { healthCheck: { intervalMilliseconds: 60_000, timeoutMilliseconds: 1000 } },
  });
  await states(both);
  workers[0]!.health = "draining";
  await ask(port, { cookie: "JSESSIONID=abc.r1" });
  await states({ r1: "Draining" });
});

test("Requests that wait for a worker which has gone silent are repeated elsewhere, POSTs get 504 (rule 19)", async (context) => {
  const workers = [new FakeWorker("r1", () => undefined), new FakeWorker("r2")];
  const { port, states, status } = await startBalancer(context, workers, {
    health: true,
    settings: { healthCheck: { intervalMilliseconds: 20, timeoutMilliseconds: 20, unresponsiveSeconds: 0.1 } },
  });
  await states(both);
  const get = ask(port, { cookie: "JSESSIONID=abc.r1" });
  const post = ask(port, { method: "POST", cookie: "JSESSIONID=abc.r1", body: "x" });
  await until(() => workers[0]!.seen.length === 2);
  workers[0]!.health = "silent";
  assert.equal((await get).body, "r2");
  assert.equal((await post).status, 504);
  assert.equal(status().retries.Unresponsive, 1);
  assert.deepEqual(workers[1]!.seen, ["GET /"]);
});

class ServiceList implements NameResolver {
  workers: readonly FakeWorker[] = [];
  kind: "found" | "unavailable" = "found";

  async addresses(name: string): Promise<LookUp<string>> {
    return this.workers.some((worker) => name === `${worker.name}.test.`) ? { kind: "found", records: ["127.0.0.1"] } : { kind: "absent" };
  }

  async services(): Promise<LookUp<ServiceRecord>> {
    if (this.kind === "unavailable") return { kind: "unavailable", reason: "ETIMEOUT" };
    if (this.workers.length === 0) return { kind: "absent" };
    return { kind: "found", records: this.workers.map(({ name, port }) => ({ target: `${name}.test`, port, weight: 1, priority: 0 })) };
  }
}

test("Workers come and go with DNS; one that DNS has lost stays while it answers its health check", async (context) => {
  const workers = pair();
  for (const worker of workers) {
    await worker.start();
    context.after(() => worker.kill());
  }
  const list = new ServiceList();
  const { port, status, states, notReady } = await startBalancer(context, [], {
    resolver: list,
    health: true,
    settings: {
      discovery: { type: "DNS", service: "_http._tcp.shop-workers", refreshMilliseconds: 20, removeAfterSeconds: 60 },
      healthCheck: { intervalMilliseconds: 20, timeoutMilliseconds: 200, port: workers[0].managementPort },
    },
  });
  assert.equal(notReady(), "no worker is serving");
  assert.equal((await ask(port)).status, 503);
  list.workers = workers;
  await states(both);
  assert.equal((await ask(port, { cookie: "JSESSIONID=abc.r2" })).body, "r2");
  list.kind = "unavailable";
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal(status().workers.length, 2);
  list.kind = "found";
  list.workers = [];
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal(status().workers.length, 2);
  workers[0].health = "silent"; // the health check of both
  await until(() => status().workers.length === 0);
});

test("A worker that comes back under another port is a new one, with the old one's counters", async (context) => {
  const [first, second] = [
    new FakeWorker("r1", (_request, response) => response.end("old")),
    new FakeWorker("r1", (_request, response) => response.end("new")),
  ];
  for (const worker of [first, second]) {
    await worker.start();
    context.after(() => worker.kill());
  }
  const list = new ServiceList();
  list.workers = [first];
  const { port, status } = await startBalancer(context, [], {
    resolver: list,
    settings: { discovery: { type: "DNS", service: "_http._tcp.shop-workers", refreshMilliseconds: 20 } },
  });
  assert.equal((await ask(port)).body, "old");
  list.workers = [second];
  await until(() => status().workers[0]?.connections.idle === 0);
  assert.equal((await ask(port)).body, "new");
  assert.equal(status().workers[0]!.elected, 2);
  await until(() => first.sockets.size === 0);
});

test("The metrics tell requests, states, choices and connections", async (context) => {
  const { port, metrics } = await startBalancer(context, pair());
  await ask(port, { cookie: "JSESSIONID=abc.r1" });
  await ask(port, { method: "POST", cookie: "JSESSIONID=abc.r1", body: "12345" });
  await ask(port, { cookie: "JSESSIONID=abc.gone", headers: ["Host: twice"] });
  const text = await metrics();
  for (const line of [
    'tomcatcluster_balancer_requests_total{worker="r1",code="200"} 2',
    'tomcatcluster_balancer_elected_total{worker="r1"} 2',
    'tomcatcluster_balancer_bytes_in_total{worker="r1"} 5',
    'tomcatcluster_balancer_bytes_out_total{worker="r1"} 4',
    'tomcatcluster_balancer_inflight{worker="r1"} 0',
    'tomcatcluster_balancer_worker_up{worker="r2"} 1',
    'tomcatcluster_balancer_worker_state{worker="r1",state="Draining"} 0',
    'tomcatcluster_balancer_sticky_total{result="hit"} 2',
    'tomcatcluster_balancer_retries_total{reason="refused"} 0',
    'tomcatcluster_balancer_refused_total{reason="host_repeated"} 1',
    'tomcatcluster_balancer_pool_connections{worker="r1",state="idle"} 1',
    'tomcatcluster_balancer_request_seconds_count{worker="r1"} 2',
    "tomcatcluster_balancer_requests_in_flight 0",
  ]) {
    assert(text.split("\n").includes(line), `${line}\n${text}`);
  }
});

test("Balancers with the same settings show the same digest", async (context) => {
  const workers = pair();
  const one = await startBalancer(context, workers);
  const other = await startBalancer(context, [], {
    settings: {
      discovery: {
        type: "Static",
        workers: workers.map(({ name, port, managementPort }) => ({ name, address: "127.0.0.1", port, managementPort })),
      },
    },
  });
  assert.match(one.status().settingsDigest, /^[0-9a-f]{12}$/);
  assert.equal(one.status().settingsDigest, other.status().settingsDigest);
});

test("A stopping balancer refuses new connections and ends running requests with Connection: close", async (context) => {
  let finish!: () => void;
  const worker = new FakeWorker("r1", (_request, response) => {
    finish = () => response.end("done");
  });
  const { balancer, port, notReady } = await startBalancer(context, [worker]);
  const running = connect(port, "127.0.0.1");
  let text = "";
  running.setEncoding("latin1").on("data", (chunk) => {
    text += chunk;
  });
  running.write("GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n");
  await until(() => worker.seen.length === 1);
  const stopped = balancer.stop();
  assert.equal(notReady(), "the balancer stops");
  assert.equal((await ask(port)).status, 0);
  const closed = once(running, "close");
  finish();
  await Promise.all([stopped, closed]);
  assert.match(parseAnswer(text).head, /Connection: close/);
  assert.equal(parseAnswer(text).body, "done");
});

test("A stopping balancer answers once more on a connection that its client keeps, and closes it without a request when all is quiet", async (context) => {
  const { balancer, port } = await startBalancer(context, [new FakeWorker("r1")], { settings: { drain: { quietSeconds: 0.3 } } });
  const request = "GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n";
  const kept = ["", ""].map(() => ({ socket: connect(port, "127.0.0.1"), text: "", answers: 0 }));
  for (const client of kept) {
    client.socket.setEncoding("latin1").on("data", (chunk) => {
      client.text += chunk;
      client.answers = client.text.split("HTTP/1.1 200").length - 1;
    });
    client.socket.write(request);
  }
  await until(() => kept.every(({ answers }) => answers === 1));
  const ended = kept.map(({ socket }) => once(socket, "end"));
  const stopped = balancer.stop();
  kept[0]!.socket.write(request);
  await Promise.all([stopped, ...ended]);
  assert.deepEqual(
    kept.map(({ answers }) => answers),
    [2, 1],
  );
  assert.match(kept[0]!.text, /Connection: close/);
});

test("Requests that outlast the drain deadline are cut", async (context) => {
  const worker = new FakeWorker("r1", () => undefined);
  const { balancer, port } = await startBalancer(context, [worker], { settings: { drain: { deadlineSeconds: 0.05 } } });
  const answer = ask(port);
  await until(() => worker.seen.length === 1);
  await balancer.stop();
  assert.equal((await answer).status, 0);
});

test("A port in use makes start reject and leaves nothing open", async (context) => {
  const { port } = await startBalancer(context, pair());
  await assert.rejects(startBalancer(context, pair(), { settings: { listen: { port, address: "127.0.0.1" } } }), { code: "EADDRINUSE" });
});

const upgrade = (cookie = "") =>
  `GET /chat HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n${cookie}\r\n`;

function webSocketWorker(name: string): FakeWorker {
  const worker = new FakeWorker(name);
  const { start } = worker;
  worker.start = async function start_(this: FakeWorker) {
    await start.call(this);
    this.server.on("upgrade", (request, socket, bytes) => {
      if (request.url === "/refused") {
        socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
        return;
      }
      const accept = createHash("sha1")
        .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest("base64");
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      socket.write(`${name}:${bytes.toString()}`);
      socket.pipe(socket);
      socket.on("error", () => socket.destroy());
    });
    return this;
  };
  return worker;
}

async function dialWebSocket(port: number, request: string): Promise<{ socket: Socket; text: () => string }> {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk) => {
    text += chunk;
  });
  socket.on("error", () => socket.destroy());
  socket.write(request);
  return { socket, text: () => text };
}

test("A WebSocket goes to its session's worker, and bytes go both ways until one side ends", async (context) => {
  const worker = webSocketWorker("r2");
  const { port, status } = await startBalancer(context, [webSocketWorker("r1"), worker]);
  const client = await dialWebSocket(port, `${upgrade("Cookie: JSESSIONID=abc.r2\r\n")}early`);
  await until(() => client.text().includes("early"));
  assert.match(client.text(), /^HTTP\/1.1 101 Switching Protocols\r\n/);
  assert.match(client.text(), /Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/);
  assert.match(client.text(), /r2:/);
  client.socket.write("ping");
  await until(() => client.text().endsWith("ping"));
  assert.equal(status().workers[1]!.inFlight, 0);
  for (const socket of worker.sockets) socket.destroy();
  await once(client.socket, "close");
});

test("A worker that refuses a WebSocket answers the client in HTTP", async (context) => {
  const { port } = await startBalancer(context, [webSocketWorker("r1")]);
  const client = await dialWebSocket(port, upgrade().replace("/chat", "/refused"));
  await once(client.socket, "close");
  const answer = parseAnswer(client.text());
  assert.deepEqual([answer.status, answer.body], [403, "no"]);
});

test("A WebSocket without a worker is a 503", async (context) => {
  const worker = webSocketWorker("r1");
  const { port } = await startBalancer(context, [worker]);
  await worker.refuse();
  const client = await dialWebSocket(port, upgrade());
  await once(client.socket, "close");
  assert.equal(parseAnswer(client.text()).status, 503);
});

test("Stopping the balancer cuts its WebSockets", async (context) => {
  const { balancer, port } = await startBalancer(context, [webSocketWorker("r1")]);
  const client = await dialWebSocket(port, upgrade());
  await until(() => client.text().includes("r1:"));
  const closed = once(client.socket, "close");
  await balancer.stop();
  await closed;
});

test("Another protocol than WebSocket is not upgraded to: the request is answered in HTTP/1.1", async (context) => {
  const { port } = await startBalancer(context, [new FakeWorker("r1")]);
  const client = await dialWebSocket(port, "GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n");
  await once(client.socket, "close");
  assert.equal(parseAnswer(client.text()).body, "r1");
});
