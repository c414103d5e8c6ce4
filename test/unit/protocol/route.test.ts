import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { routeOf, stemOf, withRoute } from "../../../src/protocol/index.ts";

describe("session ids with a route", () => {
  for (const [id, stem, route] of [
    ["ABC.shop-0", "ABC", "shop-0"],
    ["ABC", "ABC", undefined],
    ["ABC.", "ABC", undefined],
    ["ABC.a.b", "ABC", "a.b"],
    ["", "", undefined],
  ] as const) {
    it(`"${id}" has the stem "${stem}" and ${route === undefined ? "no route" : `the route "${route}"`}`, () => {
      assert.equal(stemOf(id), stem);
      assert.equal(routeOf(id), route);
    });
  }

  it("moves to another route, or to none, and keeps its stem", () => {
    assert.equal(withRoute("ABC.shop-0", "shop-1"), "ABC.shop-1");
    assert.equal(withRoute("ABC.shop-0", undefined), "ABC");
  });
});
