import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type KubeObject, keyOf, refOf } from "../../../src/kube/index.ts";
import { ObjectStore } from "../../../src/kube/object-store.ts";

const pod = (name: string, labels: Record<string, string> = {}, namespace = "shop"): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { namespace, name, labels },
});

describe("ObjectStore", () => {
  it("finds objects by key and by the values that an indexer gives", () => {
    const store = new ObjectStore<KubeObject>({ app: ({ metadata }) => [metadata.labels?.app ?? []].flat() });
    store.put(pod("a", { app: "x" }));
    store.put(pod("b", { app: "y" }));
    store.put(pod("c"));
    store.put(pod("a", { app: "x" }, "other"));
    assert.equal(store.size, 4);
    assert.equal(store.get({ namespace: "other", name: "a" })?.metadata.namespace, "other");
    assert.equal(store.get({ name: "a" }), undefined);
    const names = (value: string) => store.byIndex("app", value).map(({ metadata }) => keyOf(metadata));
    assert.deepEqual(names("x"), ["shop/a", "other/a"]);
    store.put(pod("a", { app: "y" }));
    assert.deepEqual(names("x"), ["other/a"]);
    assert.deepEqual(names("y"), ["shop/b", "shop/a"]);
    store.remove({ namespace: "shop", name: "b" });
    store.remove({ namespace: "shop", name: "b" });
    assert.deepEqual(names("y"), ["shop/a"]);
    assert.deepEqual(names("z"), []);
    assert.throws(() => store.byIndex("owner", "x"), /no index "owner", only: app/);
  });
});

describe("keyOf", () => {
  it("is undone by refOf", () => {
    for (const ref of [{ namespace: "shop", name: "a" }, { name: "node-1" }]) assert.deepEqual(refOf(keyOf(ref)), ref);
  });
});
