import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OwnWrites } from "../../../../src/operator/apply/own-writes.ts";

function object(version: number, uid = "1") {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { namespace: "web", name: "shop", uid, resourceVersion: String(version) } };
}

describe("OwnWrites", () => {
  it("is ahead of a cache that is behind, and not of one that is further", () => {
    const writes = new OwnWrites();
    writes.remember(object(100));
    assert.deepEqual(writes.latest(object(99)), object(100));
    assert.deepEqual(writes.latest(object(101)), object(101));
  });

  it("forgets what the cache has heard of", () => {
    const writes = new OwnWrites();
    writes.remember(object(100));
    writes.heard(object(99));
    assert.deepEqual(writes.latest(object(99)), object(100));
    writes.heard(object(100));
    assert.deepEqual(writes.latest(object(99)), object(99));
  });

  it("takes an object that was made again for another one", () => {
    const writes = new OwnWrites();
    writes.remember(object(100));
    assert.deepEqual(writes.latest(object(99, "2")), object(99, "2"));
  });
});
