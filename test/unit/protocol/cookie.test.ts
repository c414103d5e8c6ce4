import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cookieAttributes, setCookie } from "../../../src/protocol/index.ts";

describe("a Set-Cookie field", () => {
  it("has its attributes in a fixed order, and none that was not asked for", () => {
    assert.equal(setCookie("a", "b", cookieAttributes({})), "a=b");
    assert.equal(
      setCookie(
        "JSESSIONID",
        "0A.n1",
        cookieAttributes({ path: "/shop", domain: "x.example", httpOnly: true, secure: true, sameSite: "strict" }),
      ),
      "JSESSIONID=0A.n1; Path=/shop; Domain=x.example; Secure; HttpOnly; SameSite=Strict",
    );
    assert.equal(cookieAttributes({ sameSite: "unset", httpOnly: false }), "");
    assert.equal(cookieAttributes({ sameSite: "none" }), "; SameSite=None");
  });

  for (const [what, write] of [
    ["a name with a space", () => setCookie("a b", "c", "")],
    ["an empty name", () => setCookie("", "c", "")],
    ["a value with a line end", () => setCookie("a", "b\r\nSet-Cookie: c=d", "")],
    ["a value with a semicolon", () => setCookie("a", "b;Path=/", "")],
    ["a value beyond ASCII", () => setCookie("a", "ö", "")],
    ["a path with a semicolon", () => cookieAttributes({ path: "/;Domain=x" })],
    ["a domain with a line end", () => cookieAttributes({ domain: "x\n" })],
  ] as const) {
    it(`refuses ${what}`, () => assert.throws(write, { code: "INVALID_COOKIE" }));
  }
});
