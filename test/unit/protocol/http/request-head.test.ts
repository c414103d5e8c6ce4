import assert from "node:assert/strict";
import { test } from "node:test";
import type { GatedRequest } from "../../../../src/protocol/http/gate.ts";
import { formatRequestHead } from "../../../../src/protocol/http/request-head.ts";

const request: GatedRequest = {
  method: "POST",
  target: "/a?b",
  host: "shop.test",
  headers: ["Host", "shop.test", "Content-Length", "0", "X-Name", "\u00e9"],
  contentLength: 0,
  chunked: false,
  cookie: "",
  webSocket: false,
};

test("The fields leave in their order, Content-Length among them", () => {
  assert.equal(
    formatRequestHead(request, "10.0.0.1:8080"),
    "POST /a?b HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 0\r\nX-Name: \u00e9\r\n\r\n",
  );
});

test("A request without Host gets the worker's", () => {
  const text = formatRequestHead({ ...request, method: "GET", host: undefined, headers: ["Accept", "*/*"] }, "10.0.0.1:8080");
  assert.equal(text, "GET /a?b HTTP/1.1\r\nHost: 10.0.0.1:8080\r\nAccept: */*\r\n\r\n");
});

test("A chunked body is announced", () => {
  const text = formatRequestHead({ ...request, headers: ["Host", "shop.test"], contentLength: -1, chunked: true }, "");
  assert.equal(text, "POST /a?b HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n");
});

test("A WebSocket is asked for on this connection too", () => {
  const text = formatRequestHead({ ...request, method: "GET", headers: ["Host", "shop.test"], webSocket: true }, "");
  assert.equal(text, "GET /a?b HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
});
