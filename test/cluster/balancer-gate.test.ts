// Every line of the gate over a raw socket: what node:http lets through must not reach a worker.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeWorker, raw, startBalancer } from "../support/balancer-harness.ts";

const host = "Host: shop.test\r\n";
const post = (fields: string, body: string) => `POST / HTTP/1.1\r\n${host}${fields}\r\n${body}`;

const refused: readonly { name: string; bytes: string; status: number; reason?: string }[] = [
  { name: "two Host fields", bytes: `GET / HTTP/1.1\r\n${host}Host: other.test\r\n\r\n`, status: 400, reason: "host_repeated" },
  { name: "no Host in HTTP/1.1", bytes: "GET / HTTP/1.1\r\n\r\n", status: 400, reason: "host_missing" },
  { name: "absolute form with another host", bytes: `GET http://other.test/ HTTP/1.1\r\n${host}\r\n`, status: 400, reason: "host_differs" },
  { name: "a fragment", bytes: `GET /a#b HTTP/1.1\r\n${host}\r\n`, status: 400, reason: "fragment" },
  {
    name: "two Authorization fields",
    bytes: `GET / HTTP/1.1\r\n${host}Authorization: a\r\nAuthorization: b\r\n\r\n`,
    status: 400,
    reason: "authorization_repeated",
  },
  {
    name: "two Content-Type fields",
    bytes: post("Content-Type: a/b\r\nContent-Type: a/c\r\nContent-Length: 0\r\n", ""),
    status: 400,
    reason: "content_type_repeated",
  },
  {
    name: "Connection naming an end-to-end field",
    bytes: `GET / HTTP/1.1\r\n${host}Connection: close, Authorization\r\n\r\n`,
    status: 400,
    reason: "connection_end_to_end",
  },
  {
    name: "Transfer-Encoding: gzip, chunked",
    bytes: post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
    status: 400,
    reason: "transfer_encoding",
  },
  { name: "chunked twice", bytes: post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), status: 400 },
  { name: "Transfer-Encoding: identity", bytes: post("Transfer-Encoding: identity\r\n", ""), status: 400 },
  {
    name: "chunked in HTTP/1.0",
    bytes: `POST / HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    status: 400,
    reason: "transfer_encoding_1_0",
  },
  {
    name: "length and coding",
    bytes: post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"),
    status: 400,
  },
  {
    name: "coding and length",
    bytes: post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"),
    status: 400,
  },
  { name: "two lengths", bytes: post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello"), status: 400 },
  { name: "two equal lengths", bytes: post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), status: 400 },
  { name: "a signed length", bytes: post("Content-Length: +5\r\n", "hello"), status: 400 },
  { name: "a space before the colon", bytes: post("Content-Length : 5\r\n", "hello"), status: 400 },
  { name: "a folded field", bytes: `GET / HTTP/1.1\r\n${host}X-A: 1\r\n 2\r\n\r\n`, status: 400 },
  { name: "a chunk size that is no number", bytes: post("Transfer-Encoding: chunked\r\n", "xyz\r\nhello\r\n0\r\n\r\n"), status: 400 },
  { name: "a bare line feed", bytes: `GET / HTTP/1.1\nHost: shop.test\n\n`, status: 400 },
  { name: "a control character in a field", bytes: `GET / HTTP/1.1\r\n${host}X-A: a\u0000b\r\n\r\n`, status: 400 },
  { name: "authority form", bytes: `GET shop.test:80 HTTP/1.1\r\n${host}\r\n`, status: 400 },
  { name: "CONNECT", bytes: `CONNECT shop.test:443 HTTP/1.1\r\n${host}\r\n`, status: 405 },
  { name: "* for GET", bytes: `GET * HTTP/1.1\r\n${host}\r\n`, status: 400 },
  { name: "a head of more than 16 KiB", bytes: `GET / HTTP/1.1\r\n${host}X-A: ${"a".repeat(17_000)}\r\n\r\n`, status: 431 },
  {
    name: "more than 100 fields",
    bytes: `GET / HTTP/1.1\r\n${host}${"X-A: 1\r\n".repeat(100)}\r\n`,
    status: 431,
    reason: "too_many_headers",
  },
  { name: "an unknown expectation", bytes: post("Expect: 200-ok\r\nContent-Length: 0\r\nConnection: close\r\n", ""), status: 417 },
];

for (const { name, bytes, status, reason } of refused) {
  test(`Refused with ${status}, the connection closed, no worker asked: ${name}`, async (context) => {
    const worker = new FakeWorker("w1");
    const { port, status: page } = await startBalancer(context, [worker]);
    // A second request behind the first must not be answered: the connection cannot be trusted.
    const answer = await raw(port, `${bytes}GET /second HTTP/1.1\r\n${host}Connection: close\r\n\r\n`);
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.text.match(/HTTP\/1\.1 \d/g)?.length, 1, answer.text);
    assert.deepEqual(worker.seen, []);
    if (reason !== undefined) assert.deepEqual(page().refused, { [reason]: 1 });
  });
}

test("What passes arrives as one request with X-Forwarded-* of the balancer's own and without hop-by-hop fields", async (context) => {
  let fields: readonly string[] = [];
  const worker = new FakeWorker("w1", (request, response) => {
    fields = request.rawHeaders;
    response.end(request.url);
  });
  const { port } = await startBalancer(context, [worker]);
  const answer = await raw(
    port,
    `GET http://shop.test:8080/a?b HTTP/1.1\r\nHost: shop.test:8080\r\nX-Forwarded-For: 1.1.1.1\r\nX_Real_Ip: 1.1.1.1\r\nTE: trailers\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nX-Stay: \u00e9\r\n\r\n`,
  );
  assert.equal(answer.body, "/a?b");
  const sent = new Map<string, string>();
  for (let index = 0; index < fields.length; index += 2) sent.set(fields[index]!.toLowerCase(), fields[index + 1]!);
  assert.deepEqual(Object.fromEntries(sent), {
    host: "shop.test:8080",
    "x-stay": "\u00e9",
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-proto": "http",
    "x-forwarded-host": "shop.test:8080",
    "x-forwarded-port": "8080",
  });
});

test("HTTP/1.0 without Host is answered and its connection closed", async (context) => {
  const { port } = await startBalancer(context, [new FakeWorker("w1")]);
  const answer = await raw(port, "GET / HTTP/1.0\r\n\r\n");
  assert.equal(answer.status, 200);
  assert.equal(answer.body, "w1");
});

test("OPTIONS * is answered by the balancer itself", async (context) => {
  const worker = new FakeWorker("w1");
  const { port } = await startBalancer(context, [worker]);
  const answer = await raw(port, `OPTIONS * HTTP/1.1\r\n${host}Connection: close\r\n\r\n`);
  assert.equal(answer.status, 200);
  assert.match(answer.head, /^Allow: GET/m);
  assert.deepEqual(worker.seen, []);
});

test("A smuggled request inside a chunked body stays a body", async (context) => {
  const bodies: string[] = [];
  const worker = new FakeWorker("w1", (request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      bodies.push(body);
      response.end("ok");
    });
  });
  const { port } = await startBalancer(context, [worker]);
  const smuggled = "GET /admin HTTP/1.1\r\nHost: x\r\n\r\n";
  const chunk = `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`;
  await raw(port, post("Transfer-Encoding: chunked\r\nConnection: close\r\n", chunk));
  assert.deepEqual(worker.seen, ["POST /"]);
  assert.deepEqual(bodies, [smuggled]);
});
