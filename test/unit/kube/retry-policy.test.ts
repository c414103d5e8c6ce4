import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { backOffMs } from "../../../src/base/back-off.ts";
import { ApiError, ConnectionError, RequestTimeoutError } from "../../../src/kube/errors.ts";
import { retryDelayMs } from "../../../src/kube/retry-policy.ts";

const lowest = { bytes: (length: number) => Buffer.alloc(length) };
const highest = { bytes: (length: number) => Buffer.alloc(length, 255) };
const api = (statusCode: number, retryAfterMs?: number) => new ApiError("x", statusCode, undefined, "", retryAfterMs);
const unreadable = new ApiError("x", 500, { kind: "Status", message: "failed to create typed patch object (web/shop; apps/v1)" }, "");
const broken = (code: string) => new ConnectionError("x", Object.assign(new Error(code), { code }));

describe("retryDelayMs", () => {
  const cases: [name: string, error: Error, method: string, failures: number, expected: number | undefined][] = [
    ["429 of any method", api(429), "POST", 1, 100],
    ["503 of any method", api(503), "PUT", 1, 100],
    ["what the server asks for comes on top", api(503, 2000), "POST", 1, 2100],
    ["a server that asks for too much", api(429, 30_001), "GET", 1, undefined],
    ["500 of a reader", api(500), "GET", 3, 400],
    ["504 of an apply", api(504), "PATCH", 1, 100],
    ["500 of a create", api(500), "POST", 1, undefined],
    ["500 of an apply that the server cannot read", unreadable, "PATCH", 1, undefined],
    ["502 of a replace", api(502), "PUT", 1, undefined],
    ["404", api(404), "GET", 1, undefined],
    ["409", api(409), "PATCH", 1, undefined],
    ["401 once", api(401), "POST", 1, 100],
    ["401 twice", api(401), "POST", 2, undefined],
    ["refused connection of a create", broken("ECONNREFUSED"), "POST", 1, 100],
    ["broken connection of a create", broken("ECONNRESET"), "POST", 1, undefined],
    ["broken connection of a reader", broken("UND_ERR_SOCKET"), "GET", 1, 100],
    ["time-out", new RequestTimeoutError("x", 1), "GET", 1, undefined],
    ["anything else", new Error("x"), "GET", 1, undefined],
    ["never more than 10 s", api(500), "GET", 20, 5000],
  ];
  for (const [name, error, method, failures, expected] of cases) {
    it(`${name}: ${expected === undefined ? "no" : `after ${expected} ms`}`, () => {
      assert.equal(retryDelayMs(error, method, failures, lowest), expected);
    });
  }
});

describe("backOffMs", () => {
  it("doubles up to its maximum, and spreads over the upper half", () => {
    const delays = [1, 2, 3, 4, 5, 1000].map((failures) => backOffMs({ baseMs: 100, maxMs: 1000 }, failures, lowest));
    assert.deepEqual(delays, [50, 100, 200, 400, 500, 500]);
    assert.equal(Math.round(backOffMs({ baseMs: 100, maxMs: 1000 }, 1, highest)), 100);
  });
});
