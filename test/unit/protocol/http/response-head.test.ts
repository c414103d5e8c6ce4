import assert from "node:assert/strict";
import { test } from "node:test";
import { readResponseHead } from "../../../../src/protocol/http/response-head.ts";

const raw = (...fields: string[]) => fields.map((field) => Buffer.from(field, "latin1"));

test("Fields stay in their order and repeated ones stay repeated", () => {
  const fields = ["Set-Cookie", "a=1", "Content-Type", "text/html", "set-cookie", "b=2"];
  assert.deepEqual(readResponseHead(raw(...fields)).headers, fields);
});

test("Fields of the worker's connection do not go on", () => {
  const head = readResponseHead(
    raw(
      "Connection",
      "X-Hop",
      "X-Hop",
      "1",
      "Keep-Alive",
      "timeout=5",
      "Transfer-Encoding",
      "chunked",
      "Trailer",
      "X-T",
      "Upgrade",
      "h2c",
      "TE",
      "x",
      "Proxy-Authenticate",
      "Basic",
      "Proxy-Connection",
      "close",
      "ETag",
      '"1"',
    ),
  );
  assert.deepEqual(head.headers, ["ETag", '"1"']);
});

test("A Connection field cannot take framing or cookies away", () => {
  const head = readResponseHead(raw("Connection", "Content-Length, Set-Cookie", "Content-Length", "3", "Set-Cookie", "a=1"));
  assert.deepEqual(head.headers, ["Content-Length", "3", "Set-Cookie", "a=1"]);
});

test("Length and the end of the connection are told", () => {
  const head = readResponseHead(raw("content-length", "42", "connection", "Close"));
  assert.deepEqual([head.contentLength, head.close], [42, true]);
  const other = readResponseHead(raw("connection", "keep-alive"));
  assert.deepEqual([other.contentLength, other.close], [-1, false]);
});

test("Bytes above 127 become characters one to one", () => {
  assert.deepEqual(readResponseHead([Buffer.from("X-Name"), Buffer.from([0xe9, 0xff])]).headers, ["X-Name", "\u00e9\u00ff"]);
});
