import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { API_VERSION, KIND } from "../../../src/api/index.ts";
import { configMapKeys } from "../../../src/operator/caches.ts";

function keys(spec: unknown): readonly string[] {
  return configMapKeys({ apiVersion: API_VERSION, kind: KIND, metadata: { namespace: "web", name: "shop" }, spec });
}

describe("the index of ConfigMaps that clusters name", () => {
  it("has them as they stand in the manifest, before any default", () => {
    assert.deepEqual(keys(undefined), []);
    assert.deepEqual(
      keys({
        configuration: { serverXml: { configMapKeyRef: { name: "own", key: "x" } } },
        template: { volumes: [{ name: "v", mountPath: "/v", secret: { secretName: "not-this" } }] },
        balancer: { template: { env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "front", key: "a" } } }] } },
      }),
      ["web/own", "web/front"],
    );
  });

  it("has none of a spec that cannot be read", () => {
    assert.deepEqual(keys({ applications: "none", template: { env: 7 } }), []);
  });
});
