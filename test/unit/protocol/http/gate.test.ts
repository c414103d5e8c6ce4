import assert from "node:assert/strict";
import { test } from "node:test";
import { type GatedRequest, type GateOptions, GateRefusal, passGate } from "../../../../src/protocol/http/gate.ts";

const client = { address: "192.0.2.7", scheme: "http" } as const;
const replace: GateOptions = { maxHeaders: 20, forwarded: "Replace" };

interface Head {
  method?: string;
  target?: string;
  version?: string;
  headers?: readonly string[];
  options?: GateOptions;
}

function pass({ method = "GET", target = "/", version = "1.1", headers = ["Host", "shop.test"], options = replace }: Head) {
  return passGate(method, target, version, headers, client, options);
}

function gated(head: Head): GatedRequest {
  const result = pass(head);
  assert(!(result instanceof GateRefusal), `refused: ${(result as GateRefusal).reason}`);
  return result;
}

const host = ["Host", "shop.test"];

const refused: readonly (Head & { name: string; reason: string; status?: number })[] = [
  { name: "two Host fields", headers: ["Host", "a", "host", "a"], reason: "host_repeated" },
  { name: "no Host in HTTP/1.1", headers: [], reason: "host_missing" },
  { name: "an empty Host", headers: ["Host", ""], reason: "host_invalid" },
  { name: "a Host with a path", headers: ["Host", "shop.test/x"], reason: "host_invalid" },
  { name: "a Host with user information", headers: ["Host", "me@shop.test"], reason: "host_invalid" },
  { name: "a Host that is a list", headers: ["Host", "a, b"], reason: "host_invalid" },
  { name: "absolute form with another host", target: "http://other.test/", reason: "host_differs" },
  { name: "absolute form with another port", target: "http://shop.test:81/", reason: "host_differs" },
  { name: "absolute form without a host, in HTTP/1.0", target: "http:///x", version: "1.0", headers: [], reason: "target_invalid" },
  { name: "another scheme", target: "ftp://shop.test/", reason: "target_invalid" },
  { name: "a target that is no path", target: "shop", reason: "target_invalid" },
  { name: "a target that is only a query", target: "?a=1", reason: "target_invalid" },
  { name: "authority form", target: "shop.test:443", reason: "target_invalid" },
  { name: "* with another method than OPTIONS", target: "*", reason: "target_invalid" },
  { name: "a fragment", target: "/a#b", reason: "fragment" },
  { name: "a fragment in absolute form", target: "http://shop.test/a#b", reason: "fragment" },
  { name: "Transfer-Encoding: gzip, chunked", headers: [...host, "Transfer-Encoding", "gzip, chunked"], reason: "transfer_encoding" },
  { name: "Transfer-Encoding: identity", headers: [...host, "Transfer-Encoding", "identity"], reason: "transfer_encoding" },
  {
    name: "chunked twice",
    headers: [...host, "Transfer-Encoding", "chunked", "transfer-encoding", "chunked"],
    reason: "transfer_encoding",
  },
  { name: "chunked, chunked", headers: [...host, "Transfer-Encoding", "chunked, chunked"], reason: "transfer_encoding" },
  { name: "chunked with a parameter", headers: [...host, "Transfer-Encoding", "chunked;q=1"], reason: "transfer_encoding" },
  { name: "chunked with a vertical tab", headers: [...host, "Transfer-Encoding", "\u000bchunked"], reason: "transfer_encoding" },
  { name: "chunked in HTTP/1.0", version: "1.0", headers: [...host, "Transfer-Encoding", "chunked"], reason: "transfer_encoding_1_0" },
  { name: "length and coding", headers: [...host, "Content-Length", "3", "Transfer-Encoding", "chunked"], reason: "length_and_coding" },
  { name: "two lengths", headers: [...host, "Content-Length", "3", "Content-Length", "3"], reason: "content_length_invalid" },
  { name: "a list of lengths", headers: [...host, "Content-Length", "3, 3"], reason: "content_length_invalid" },
  { name: "a signed length", headers: [...host, "Content-Length", "+3"], reason: "content_length_invalid" },
  { name: "a hexadecimal length", headers: [...host, "Content-Length", "0x3"], reason: "content_length_invalid" },
  { name: "a length beyond 2^53", headers: [...host, "Content-Length", "9007199254740993"], reason: "content_length_invalid" },
  { name: "two Authorization fields", headers: [...host, "Authorization", "a", "AUTHORIZATION", "b"], reason: "authorization_repeated" },
  { name: "two Content-Type fields", headers: [...host, "Content-Type", "a/b", "content-type", "a/c"], reason: "content_type_repeated" },
  { name: "Connection: Cookie", headers: [...host, "Connection", "close, Cookie"], reason: "connection_end_to_end" },
  { name: "Connection: X-Forwarded-For", headers: [...host, "Connection", "X-Forwarded-For"], reason: "connection_end_to_end" },
  { name: "Connection: Content-Length", headers: [...host, "Connection", "content-length"], reason: "connection_end_to_end" },
  { name: "Connection: Host", headers: [...host, "Connection", "host"], reason: "connection_end_to_end" },
  { name: "Connection: Sec-Fetch-Site", headers: [...host, "Connection", "Sec-Fetch-Site"], reason: "connection_end_to_end" },
  {
    name: "too many fields",
    headers: [...host, ...Array.from({ length: 20 }, () => ["X-A", "1"]).flat()],
    reason: "too_many_headers",
    status: 431,
  },
  { name: "another version", version: "2.0", reason: "version", status: 505 },
];

for (const { name, reason, status = 400, ...head } of refused) {
  test(`Refused: ${name}`, () => {
    const result = pass(head);
    assert(result instanceof GateRefusal, "passed");
    assert.equal(result.reason, reason);
    assert.equal(result.status, status);
  });
}

const forwarded = ["X-Forwarded-For", "192.0.2.7", "X-Forwarded-Proto", "http", "X-Forwarded-Host", "shop.test", "X-Forwarded-Port", "80"];

test("End-to-end fields go on as they are, in their order, repeated ones repeated", () => {
  const headers = [...host, "accept", "*/*", "X-Custom", "1", "Accept", "text/html", "x-custom", "2"];
  assert.deepEqual(gated({ headers }).headers, [...headers, ...forwarded]);
});

test("Fields of this connection and fields with underscores do not go on", () => {
  const headers = [
    ...host,
    "Connection",
    "keep-alive, X-Hop, TE",
    "Keep-Alive",
    "timeout=5",
    "TE",
    "trailers",
    "Trailer",
    "X-Checksum",
    "Upgrade",
    "h2c",
    "HTTP2-Settings",
    "AAMAAABkAAQAAP__",
    "Proxy-Connection",
    "keep-alive",
    "Proxy-Authorization",
    "Basic eDp5",
    "Expect",
    "100-continue",
    "X_Forwarded_For",
    "10.0.0.1",
    "content_length",
    "9",
    "X-Hop",
    "1",
  ];
  assert.deepEqual(gated({ headers }).headers, [...host, ...forwarded]);
});

test("What the client says about itself in X-Forwarded-* is replaced, whatever its spelling", () => {
  const headers = [
    ...host,
    "x-forwarded-for",
    "1.1.1.1",
    "X-FORWARDED-PROTO",
    "https",
    "X-Forwarded-Prefix",
    "/x",
    "Forwarded",
    "for=1.1.1.1",
    "X-Real-IP",
    "1.1.1.1",
  ];
  assert.deepEqual(gated({ headers }).headers, [...host, ...forwarded]);
});

test("Behind a trusted proxy the client's address is appended and the proxy's word about scheme and host stays", () => {
  const headers = [
    ...host,
    "X-Forwarded-For",
    "198.51.100.1",
    "X-Forwarded-For",
    "10.0.0.2",
    "X-Forwarded-Proto",
    "https",
    "X-Forwarded-Host",
    "www.test",
  ];
  assert.deepEqual(gated({ headers, options: { ...replace, forwarded: "Append" } }).headers, [
    ...host,
    "X-Forwarded-For",
    "198.51.100.1, 10.0.0.2, 192.0.2.7",
    "X-Forwarded-Proto",
    "https",
    "X-Forwarded-Host",
    "www.test",
    "X-Forwarded-Port",
    "443",
  ]);
});

const ports: readonly [string, string][] = [
  ["shop.test", "80"],
  ["shop.test:8080", "8080"],
  ["[2001:db8::1]", "80"],
  ["[2001:db8::1]:8443", "8443"],
];
for (const [value, port] of ports) {
  test(`The port of Host: ${value} is ${port}`, () => {
    assert.equal(gated({ headers: ["Host", value] }).headers.at(-1), port);
  });
}

const targets: readonly [string, string, string][] = [
  ["GET", "/shop;jsessionid=1.a?q=%23", "/shop;jsessionid=1.a?q=%23"],
  ["GET", "//double", "//double"],
  ["GET", "http://shop.test/a?b", "/a?b"],
  ["GET", "HTTP://SHOP.test", "/"],
  ["GET", "http://shop.test?b", "/?b"],
  ["OPTIONS", "*", "*"],
];
for (const [method, target, expected] of targets) {
  test(`The target ${target} leaves as ${expected}`, () => {
    assert.equal(gated({ method, target }).target, expected);
  });
}

test("HTTP/1.0 needs no Host", () => {
  const result = gated({ version: "1.0", headers: [] });
  assert.equal(result.host, undefined);
  assert.deepEqual(result.headers, ["X-Forwarded-For", "192.0.2.7", "X-Forwarded-Proto", "http"]);
});

test("How the body is framed is told, and Content-Length stays among the fields", () => {
  const withLength = gated({ method: "POST", headers: [...host, "Content-Length", "12"] });
  assert.deepEqual([withLength.contentLength, withLength.chunked], [12, false]);
  assert(withLength.headers.includes("Content-Length"));
  const chunked = gated({ method: "POST", headers: [...host, "Transfer-Encoding", "Chunked"] });
  assert.deepEqual([chunked.contentLength, chunked.chunked], [-1, true]);
  assert(!chunked.headers.includes("Transfer-Encoding"));
});

test("Several Cookie fields are joined for the search of session ids and go on apart", () => {
  const result = gated({ headers: [...host, "Cookie", "a=1", "cookie", "b=2"] });
  assert.equal(result.cookie, "a=1; b=2");
  assert.deepEqual(result.headers.slice(2, 6), ["Cookie", "a=1", "cookie", "b=2"]);
});

const upgrades: readonly (Head & { name: string; webSocket: boolean })[] = [
  { name: "GET with Upgrade: websocket", headers: [...host, "Connection", "keep-alive, Upgrade", "Upgrade", "WebSocket"], webSocket: true },
  { name: "Upgrade without Connection", headers: [...host, "Upgrade", "websocket"], webSocket: false },
  { name: "another protocol", headers: [...host, "Connection", "Upgrade", "Upgrade", "h2c"], webSocket: false },
  { name: "two protocols", headers: [...host, "Connection", "Upgrade", "Upgrade", "websocket, h2c"], webSocket: false },
  { name: "POST", method: "POST", headers: [...host, "Connection", "Upgrade", "Upgrade", "websocket"], webSocket: false },
  { name: "a body", headers: [...host, "Connection", "Upgrade", "Upgrade", "websocket", "Content-Length", "1"], webSocket: false },
];
for (const { name, webSocket, ...head } of upgrades) {
  test(`${name} ${webSocket ? "asks for a WebSocket" : "asks for no WebSocket"}`, () => {
    assert.equal(gated(head).webSocket, webSocket);
  });
}
