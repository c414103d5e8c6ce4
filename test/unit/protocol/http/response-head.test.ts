import assert from "node:assert/strict";
import { test } from "node:test";
import { ResponseError } from "../../../../src/protocol/http/response-error.ts";
import { readResponseHead } from "../../../../src/protocol/http/response-head.ts";

const head = (fields: readonly string[], statusLine = "HTTP/1.1 200 OK") => readResponseHead([statusLine, ...fields, ""].join("\r\n"));

test("Fields stay in their order and repeated ones stay repeated", () => {
  assert.deepEqual(head(["Set-Cookie: a=1", "Content-Type: text/html", "set-cookie: b=2"]).headers, [
    "Set-Cookie",
    "a=1",
    "Content-Type",
    "text/html",
    "set-cookie",
    "b=2",
  ]);
});

test("Fields of the worker's connection do not go on", () => {
  const fields = [
    "Connection: X-Hop",
    "X-Hop: 1",
    "Keep-Alive: timeout=5",
    "Transfer-Encoding: chunked",
    "Trailer: X-T",
    "Upgrade: h2c",
    "TE: x",
    "Proxy-Authenticate: Basic",
    "Proxy-Connection: close",
    'ETag: "1"',
  ];
  assert.deepEqual(head(fields).headers, ["ETag", '"1"']);
});

test("A Connection field cannot take framing or cookies away", () => {
  const fields = ["Connection: Content-Length, Set-Cookie", "Content-Length: 3", "Set-Cookie: a=1"];
  assert.deepEqual(head(fields).headers, ["Content-Length", "3", "Set-Cookie", "a=1"]);
});

test("Blanks around a value are no part of it, blanks within are, and a value may be empty", () => {
  assert.deepEqual(head(["A: \t b  c\t ", "D:e", "F:", "G: \t "]).headers, ["A", "b  c", "D", "e", "F", "", "G", ""]);
});

test("Bytes above 127 become characters one to one", () => {
  assert.deepEqual(head(["X-Name: \u00e9\u00ff\u00a0"]).headers, ["X-Name", "\u00e9\u00ff\u00a0"]);
});

const connections: readonly { statusLine?: string; fields: readonly string[]; close: boolean; persistent: boolean }[] = [
  { fields: [], close: false, persistent: true },
  { fields: ["Connection: keep-alive"], close: false, persistent: true },
  { fields: ["connection: Close"], close: true, persistent: false },
  { fields: ["Connection: X-Hop", "Connection: close"], close: true, persistent: false },
  { fields: ["Connection: Keep-Alive, X-Hop"], close: false, persistent: true },
  { statusLine: "HTTP/1.0 200 OK", fields: [], close: false, persistent: false },
  { statusLine: "HTTP/1.0 200 OK", fields: ["Connection: keep-alive"], close: false, persistent: true },
  { statusLine: "HTTP/1.0 200 OK", fields: ["Connection: Keep-Alive"], close: false, persistent: true },
  { statusLine: "HTTP/1.0 200 OK", fields: ["Connection: X-Hop"], close: false, persistent: false },
];
for (const { statusLine, fields, close, persistent } of connections) {
  test(`${[statusLine ?? "HTTP/1.1", ...fields].join(", ")}: the connection ${persistent ? "can be used again" : "ends"}`, () => {
    const read = head(fields, statusLine);
    assert.deepEqual([read.close, read.persistent], [close, persistent]);
  });
}

for (const [value, seconds] of [
  ["timeout=60", 60],
  ["max=100, Timeout=5", 5],
  ["timeout=x", -1],
  ["xtimeout=7", -1],
  ["", -1],
] as const) {
  test(`Keep-Alive: ${value} is ${seconds} seconds`, () => assert.equal(head([`Keep-Alive: ${value}`]).keepAliveSeconds, seconds));
}

test("Status, length and coding are told", () => {
  const { status, contentLength, chunked } = head(["content-length: 42"], "HTTP/1.1 404 Not Found");
  assert.deepEqual([status, contentLength, chunked], [404, 42, false]);
  const other = head(["transfer-encoding: Chunked"], "HTTP/1.1 299");
  assert.deepEqual([other.status, other.contentLength, other.chunked], [299, -1, true]);
});

const refused: Readonly<Record<string, string>> = {
  "another protocol": "SSH-2.0-OpenSSH\r\n",
  "HTTP/2": "HTTP/2.0 200 OK\r\n",
  "a status of two digits": "HTTP/1.1 20 OK\r\n",
  "a status of four digits": "HTTP/1.1 2000 OK\r\n",
  "a status below 100": "HTTP/1.1 099 OK\r\n",
  "a reason glued to the status": "HTTP/1.1 200OK\r\n",
  "a control character in the reason": "HTTP/1.1 200 O\u0007K\r\n",
  "a field without a name": "HTTP/1.1 200 OK\r\n: x\r\n",
  "a field without a colon": "HTTP/1.1 200 OK\r\nname\r\n",
  "a blank before the colon": "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n",
  "a blank in a name": "HTTP/1.1 200 OK\r\nX A: 1\r\n",
  "a folded field": "HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\n",
  "a bare line feed": "HTTP/1.1 200 OK\r\nX-A: 1\nX-B: 2\r\n",
  "a bare carriage return": "HTTP/1.1 200 OK\r\nX-A: 1\rX-B: 2\r\n",
  "a carriage return before the line end": "HTTP/1.1 200 OK\r\nX-A: 1\r\r\n",
  "a NUL": "HTTP/1.1 200 OK\r\nX-A: 1\u0000\r\n",
  "DEL in a value": "HTTP/1.1 200 OK\r\nX-A: \u007f\r\n",
  "a byte above 127 in a name": "HTTP/1.1 200 OK\r\nX-\u00e9: 1\r\n",
  "two lengths": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n",
  "a list of lengths": "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n",
  "a signed length": "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n",
  "a length beyond 2^53": "HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999\r\n",
  "an empty length": "HTTP/1.1 200 OK\r\nContent-Length:\r\n",
  "length and coding": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n",
  "another coding": "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n",
  "two codings": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
  "a coding in HTTP/1.0": "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n",
};
for (const [name, text] of Object.entries(refused)) {
  test(`Refused: ${name}`, () => assert.throws(() => readResponseHead(text), ResponseError));
}

test("A head of a MiB is read or refused, not given up half-way", () => {
  const fields = Array.from({ length: 10_000 }, (_, index) => `X-${index}: ${"v".repeat(90)}`);
  assert.equal(head(fields).headers.length, 20_000);
  assert.equal(head([`X-A: ${"v ".repeat(524_288)}v`]).headers[1]!.length, 1_048_577);
  assert.throws(() => head([...fields, "X-A: \u0001"]), ResponseError);
});
