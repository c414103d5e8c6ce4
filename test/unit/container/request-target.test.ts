import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  decodePath,
  splitAbsoluteForm,
  withoutPathParameter,
  withoutSegments,
  withTrailingSlash,
} from "../../../src/container/request-target.ts";

describe("the path of a target", () => {
  for (const [target, path] of [
    ["/", "/"],
    ["/shop/a?b=/../c", "/shop/a"],
    ["/shop;v=1/a;jsessionid=X?q", "/shop/a"],
    ["/a%20b/%C3%B6", "/a b/ö"],
    ["/a%2Fb%5cc", "/a%2Fb%5cc"],
    ["/a%252Fb", "/a%2Fb"],
    ["/a/..b/.c/d.", "/a/..b/.c/d."],
    ["//a//b", "//a//b"],
    ["*", "*"],
    ["", undefined],
    ["shop", undefined],
    ["/a/../b", undefined],
    ["/a/..", undefined],
    ["/./a", undefined],
    ["/a/%2e%2E/b", undefined],
    ["/a/..;x=1/b", undefined],
    ["/%", undefined],
    ["/%zz", undefined],
    ["/%ff", undefined],
    ["/a%00b", undefined],
  ] as const) {
    it(`of "${target}" is ${path === undefined ? "refused" : `"${path}"`}`, () => assert.equal(decodePath(target), path));
  }
});

describe("a target below a context path", () => {
  for (const [target, segments, url] of [
    ["/shop/a?b", 1, "/a?b"],
    ["/shop", 1, "/"],
    ["/shop?a=/b", 1, "/?a=/b"],
    ["/shop/", 1, "/"],
    ["/shop/api/x", 2, "/x"],
    ["/shop;v=1/api;w/x;y", 2, "/x;y"],
    ["/shop//x", 1, "//x"],
  ] as const) {
    it(`of ${segments} segments: "${target}" becomes "${url}"`, () => assert.equal(withoutSegments(target, segments), url));
  }

  it("gets its slash before parameters and query", () => {
    assert.equal(withTrailingSlash("/shop"), "/shop/");
    assert.equal(withTrailingSlash("/shop?a/b"), "/shop/?a/b");
    assert.equal(withTrailingSlash("/shop;x=1?a"), "/shop/;x=1?a");
  });

  it("loses one path parameter and no other", () => {
    assert.equal(withoutPathParameter("/a;jsessionid=X.n1/b;v=1?jsessionid=Y", "jsessionid"), "/a/b;v=1?jsessionid=Y");
    assert.equal(withoutPathParameter("/a;v=1;jsessionid=X;w=2", "jsessionid"), "/a;v=1;w=2");
    assert.equal(withoutPathParameter("/a?b;jsessionid=X", "jsessionid"), "/a?b;jsessionid=X");
  });
});

describe("a target in absolute form", () => {
  for (const [target, parts] of [
    ["http://shop.example:80/a?b", { authority: "shop.example:80", originForm: "/a?b" }],
    ["HTTP://shop.example", { authority: "shop.example", originForm: "/" }],
    ["http://shop.example?b", { authority: "shop.example", originForm: "/?b" }],
    ["*", undefined],
    ["shop", undefined],
  ] as const) {
    it(`"${target}"`, () => assert.deepEqual(splitAbsoluteForm(target), parts));
  }
});
