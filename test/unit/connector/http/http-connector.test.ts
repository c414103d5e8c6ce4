import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { afterEach, describe, it } from "node:test";
import { Registry, silentLogger } from "../../../../src/base/index.ts";
import type { ConnectorConfig } from "../../../../src/config/index.ts";
import { HttpConnector } from "../../../../src/connector/index.ts";
import type { Exchange } from "../../../../src/protocol/index.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { RawConnection, settled } from "../../../support/raw-http.ts";

const CONFIG: ConnectorConfig = {
  protocol: "HTTP/1.1",
  address: "127.0.0.1",
  port: 0,
  connectionTimeoutMs: 20_000,
  keepAliveTimeoutMs: 20_000,
  maxKeepAliveRequests: -1,
  maxHttpRequestHeaderSize: 8192,
  maxConnections: 10,
  location: { file: "server.xml", line: 1, column: 1 },
};

let clock: ManualClock;
let registry: Registry;
let connector: HttpConnector;
let stopped: boolean;
const clients: RawConnection[] = [];

async function start(handle: (exchange: Exchange) => void, config: Partial<ConnectorConfig> = {}): Promise<void> {
  clock = new ManualClock();
  registry = new Registry();
  connector = new HttpConnector(
    { clock, registry, logger: silentLogger, handler: { handle } },
    { config: { ...CONFIG, ...config }, stopTimeoutMs: 5000 },
  );
  stopped = false;
  await connector.start();
}

async function open(): Promise<RawConnection> {
  const client = await RawConnection.open(connector.port);
  clients.push(client);
  return client;
}

async function metric(name: string): Promise<number> {
  return (await registry.getSingleMetric(name)!.get()).values[0]!.value;
}

const hello = ({ response }: Exchange) => response.end("hello");

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  if (!stopped) await connector.stop();
});

describe("HttpConnector", () => {
  it("hands requests over as exchanges and keeps the connection", async () => {
    const seen: Exchange[] = [];
    await start((exchange) => {
      seen.push(exchange);
      hello(exchange);
    });
    const client = await open();
    client.get("/one");
    await client.until("hello");
    client.forget();
    client.get("/two");
    await client.until("hello");
    assert.deepEqual(
      seen.map(({ request }) => request.url),
      ["/one", "/two"],
    );
    const { scheme, remoteAddress, remotePort, localAddress, localPort } = seen[0]!;
    assert.deepEqual(
      [scheme, remoteAddress, remotePort, localAddress, localPort],
      ["http", "127.0.0.1", client.socket.localPort, "127.0.0.1", connector.port],
    );
    client.destroy();
    await client.closed;
    await settled(connector.port);
    assert.equal(seen[0]!.remoteAddress, "127.0.0.1", "logs want it after the connection's end");
  });

  for (const [what, bytes, status] of [
    ["that is not HTTP", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400],
    ["with a broken head", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400],
    [
      "with Content-Length and Transfer-Encoding",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      400,
    ],
    ["with a head above the limit", `GET / HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(9000)}\r\n\r\n`, 431],
    ["without a Host", "GET / HTTP/1.1\r\n\r\n", 400],
  ] as const) {
    it(`answers ${status} to a request ${what}, closes, counts, and serves others`, async () => {
      await start(hello);
      const client = await open();
      client.send(bytes);
      assert.match(await client.until("\r\n\r\n"), new RegExp(`^HTTP/1.1 ${status} `));
      client.destroy();
      const other = await open();
      other.get("/", "Connection: close");
      assert.match(await other.untilClosed(), /hello/);
      assert.equal(await metric("tomcat_global_error_total"), 1);
    });
  }

  it("never answers a broken request behind a running one", async () => {
    await start(() => undefined);
    const client = await open();
    client.get("/slow");
    client.send("garbage\r\n\r\n");
    assert.equal(await client.untilClosed(), "");
    await settled(connector.port);
    assert.equal(connector.activeRequests, 0);
  });

  for (const method of ["CONNECT", "GET"]) {
    it(`never answers a ${method === "GET" ? "WebSocket" : method} request in the place of a running one`, async () => {
      await start(() => undefined);
      const client = await open();
      client.get("/slow");
      client.request(method, "example.com:443", "Connection: Upgrade", "Upgrade: websocket");
      assert.equal(await client.untilClosed(), "");
      while (connector.activeRequests > 0) await settled(connector.port);
      assert.equal(clock.pendingTimers, 0);
    });
  }

  for (const [what, method, headers] of [
    ["CONNECT", "CONNECT", []],
    ["WebSocket", "GET", ["Connection: Upgrade", "Upgrade: WebSocket", "Sec-WebSocket-Key: x"]],
  ] as const) {
    it(`refuses ${what} with 501 and lives`, async () => {
      await start(hello);
      const client = await open();
      client.request(method, method === "CONNECT" ? "example.com:443" : "/", ...headers);
      assert.match(await client.until("not supported"), /^HTTP\/1.1 501 /);
      client.send("more bytes");
      client.socket.resetAndDestroy();
      const other = await open();
      other.get("/");
      await other.until("hello");
      await clock.advance(1000);
    });
  }

  it("cuts a refused connection that its client keeps", async () => {
    await start(hello);
    const client = await RawConnection.open(connector.port);
    clients.push(client);
    client.request("CONNECT", "example.com:443");
    await client.until("not supported");
    assert.equal(connector.connections, 1);
    await clock.advance(1000);
    await client.untilClosed();
  });

  it("takes an upgrade to another protocol for an ordinary request", async () => {
    await start(hello);
    const client = await open();
    client.get("/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQ");
    assert.match(await client.until("hello"), /^HTTP\/1.1 200 OK/);
  });

  it("serves maxKeepAliveRequests on a connection", async () => {
    await start(hello, { maxKeepAliveRequests: 2 });
    const client = await open();
    client.get("/");
    assert.match(await client.until("hello"), /Connection: keep-alive/);
    client.forget();
    client.get("/");
    assert.match(await client.untilClosed(), /Connection: close/);
  });

  it("serves no request behind the last one of a connection, whose answer nobody would get", async () => {
    const served: string[] = [];
    const running: ServerResponse[] = [];
    const handle = ({ request, response }: Exchange) => {
      served.push(request.url!);
      running.push(response);
    };
    await start(handle, { maxKeepAliveRequests: 2 });
    const client = await open();
    for (const target of ["/1", "/2", "/3"]) client.get(target);
    while (running.length < 2) await settled(connector.port);
    await settled(connector.port);
    for (const response of running) response.end(response.req.url);
    assert.match(await client.untilClosed(), /keep-alive.*\/1.*close.*\/2$/s);
    assert.deepEqual(served, ["/1", "/2"]);
    assert.equal(connector.activeRequests, 0);
  });

  it("closes a connection after its last answer, whatever the application says about it", async () => {
    await start(({ response }) => response.writeHead(200, { Connection: "keep-alive" }).end("hello"), { maxKeepAliveRequests: 1 });
    const client = await open();
    client.get("/");
    assert.match(await client.untilClosed(), /hello/);
  });

  it("closes connections above maxConnections and counts them", async () => {
    await start(hello, { maxConnections: 1 });
    const first = await open();
    first.get("/");
    await first.until("hello");
    const second = await open();
    assert.equal(await second.untilClosed(), "");
    assert.equal(await metric("tomcat_connections_refused_connections_total"), 1);
    assert.equal(await metric("tomcat_connections_current_connections"), 1);
  });

  it("counts requests, time, errors, bytes and idle connections", async () => {
    await start(async ({ request, response }) => {
      if (request.url === "/missing") response.statusCode = 404;
      if (request.url === "/slow") await clock.advance(2000);
      response.end("hello");
    });
    const client = await open();
    for (const target of ["/", "/missing", "/slow"]) {
      client.forget();
      client.get(target);
      await client.until("hello");
    }
    while (connector.activeRequests > 0) await settled(connector.port);
    assert.equal(await metric("tomcat_global_request_seconds_count"), 3);
    assert.equal(await metric("tomcat_global_request_seconds_sum"), 2);
    assert.equal(await metric("tomcat_global_request_max_seconds"), 2);
    assert.equal(await metric("tomcat_global_error_total"), 1);
    assert.ok((await metric("tomcat_global_sent_bytes_total")) > 300);
    const received = await metric("tomcat_global_received_bytes_total");
    assert.ok(received >= client.socket.bytesWritten);
    while (connector.connections > 1) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(await metric("tomcat_connections_keepalive_current_connections"), 1);
    client.destroy();
    while (connector.connections > 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(await metric("tomcat_global_received_bytes_total"), received);
    assert.equal(await metric("tomcat_connections_current_connections"), 0);
  });

  it("says which address is in use", async () => {
    await start(hello);
    const second = new HttpConnector(
      { clock, registry, logger: silentLogger, handler: { handle: hello } },
      { config: { ...CONFIG, port: connector.port } },
    );
    await assert.rejects(second.start(), {
      code: "PORT_IN_USE",
      message: `"127.0.0.1:${connector.port}" is in use by another process: stop it, or give the Connector another port`,
    });
    const elsewhere = new HttpConnector(
      { clock, registry, logger: silentLogger, handler: { handle: hello } },
      { config: { ...CONFIG, address: "192.0.2.1" } },
    );
    await assert.rejects(elsewhere.start(), { code: "LISTEN", message: /cannot listen on "192\.0\.2\.1:0": .*EADDRNOTAVAIL/ });
  });

  it("completes pipelined answers whose turn never comes", async () => {
    const closed: string[] = [];
    await start(({ request, response }) => {
      response.on("close", () => closed.push(request.url!));
    });
    const client = await open();
    client.get("/1");
    client.get("/2");
    client.get("/3");
    while (connector.activeRequests < 3) await settled(connector.port);
    client.destroy();
    while (connector.activeRequests > 0) await settled(connector.port);
    assert.deepEqual(closed.sort(), ["/1", "/2", "/3"]);
  });
});

describe("a draining connector (rule 18)", () => {
  it("answers every request and ends its connection, also for those that were running and idle ones", async () => {
    const running: ServerResponse[] = [];
    await start(({ request, response }) => {
      if (request.url === "/slow") running.push(response);
      else response.end("hello");
    });
    const [idle, slow, fresh] = [await open(), await open(), await open()];
    idle.get("/");
    await idle.until("hello");
    idle.forget();
    slow.get("/slow");
    while (running.length === 0) await settled(connector.port);
    assert.equal(connector.quietMs, 0);
    connector.drain();
    connector.drain();
    for (const client of [idle, fresh]) {
      client.get("/");
      assert.match(await client.untilClosed(), /Connection: close.*hello/s);
    }
    running[0]!.end("slow");
    assert.match(await slow.untilClosed(), /Connection: close.*slow/s);
    await clock.advance(1500);
    assert.equal(connector.quietMs, 1500);
    const late = await open();
    late.get("/");
    assert.match(await late.untilClosed(), /hello/);
  });

  it("answers pipelined requests that run, and closes after the newest", async () => {
    const running: ServerResponse[] = [];
    await start(({ response }) => void running.push(response));
    const client = await open();
    client.get("/1");
    client.get("/2");
    while (running.length < 2) await settled(connector.port);
    connector.drain();
    for (const response of running) response.end(response.req.url);
    assert.match(await client.untilClosed(), /\/1.*Connection: close.*\/2$/s);
  });

  it("is quiet while nothing but event streams is open", async () => {
    let stream!: ServerResponse;
    await start(({ response }) => {
      stream = response;
      response.setHeader("Content-Type", "text/event-stream");
      response.write("data: 1\n\n");
    });
    await clock.advance(5000);
    const client = await open();
    client.get("/events");
    await client.until("data: 1");
    assert.equal(connector.quietMs, 0, "it has just begun");
    await clock.advance(2000);
    assert.equal(connector.quietMs, 2000);
    stream.end();
    await settled(connector.port);
    assert.equal(connector.quietMs, 0);
  });
});

describe("a connector that stops (rule 18)", () => {
  it("refuses connections, ends idle ones and event streams, and waits for running requests", async () => {
    const running: ServerResponse[] = [];
    await start(({ request, response }) => {
      if (request.url === "/events") {
        response.setHeader("Content-Type", "text/event-stream");
        response.write("data: 1\n\n");
      } else if (request.url === "/stream") {
        response.write("begun");
        running.push(response);
      } else response.end("hello");
    });
    const { port } = connector;
    const [unused, idle, events, stream] = [await open(), await open(), await open(), await open()];
    idle.get("/");
    await idle.until("hello");
    events.get("/events");
    await events.until("data: 1");
    stream.get("/stream");
    await stream.until("begun");
    stopped = true;
    let done = false;
    const stopping = connector.stop().then(() => {
      done = true;
    });
    await Promise.all([unused.untilClosed(), idle.untilClosed(), events.untilClosed()]);
    await assert.rejects(RawConnection.open(port), { code: "ECONNREFUSED" });
    assert.equal(done, false);
    running[0]!.end("ended");
    assert.match(await stream.untilClosed(), /ended\r\n0\r\n\r\n$/);
    await stopping;
    assert.equal(clock.pendingTimers, 0);
  });

  it("cuts what still runs at its deadline", async () => {
    await start(() => undefined);
    const client = await open();
    client.get("/never");
    while (connector.activeRequests === 0) await settled(connector.port);
    stopped = true;
    const stopping = connector.stop();
    await clock.advance(4999);
    assert.equal(connector.connections, 1);
    await clock.advance(1);
    assert.equal(await client.untilClosed(), "");
    await stopping;
  });
});
