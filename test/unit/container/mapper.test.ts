import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Mapper } from "../../../src/container/mapper.ts";

describe("Mapper", () => {
  const mapper = new Mapper<string>();
  for (const path of ["", "/shop", "/shop/api/v1", "/böse stadt"]) mapper.add(path, path);

  for (const [uri, path] of [
    ["/", ""],
    ["/shop", "/shop"],
    ["/shop/", "/shop"],
    ["/shopping", ""],
    ["/Shop/a", ""],
    ["/shop/api", "/shop"],
    ["/shop/api/v1", "/shop/api/v1"],
    ["/shop/api/v1/x/y", "/shop/api/v1"],
    ["/shop/api/v10", "/shop"],
    ["//shop", ""],
    ["*", ""],
    ["/böse stadt/x", "/böse stadt"],
  ] as const) {
    it(`maps "${uri}" to "${path}"`, () => assert.equal(mapper.find(uri), path));
  }

  it("finds nothing without a root application", () => {
    const shops = new Mapper<string>();
    shops.add("/shop", "/shop");
    assert.equal(shops.find("/"), undefined);
    assert.equal(shops.find("/shop/x"), "/shop");
  });
});
