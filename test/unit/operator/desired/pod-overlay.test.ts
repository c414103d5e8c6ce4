import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeOverlay } from "../../../../src/operator/desired/pod-overlay.ts";

for (const [what, base, overlay, expected] of [
  ["fields are added and replaced", { a: 1, b: { c: 2 } }, { b: { c: 3, d: 4 } }, { a: 1, b: { c: 3, d: 4 } }],
  ["null removes a field", { a: 1, b: { c: 2, d: 3 } }, { a: null, b: { c: null } }, { b: { d: 3 } }],
  ["null in something new is left out", {}, { a: { b: null, c: 1 } }, { a: { c: 1 } }],
  ["a list without a key is replaced", { command: ["a", "b"] }, { command: ["c"] }, { command: ["c"] }],
  [
    "containers are told apart by name, their ports by number, their mounts by folder",
    {
      containers: [
        { name: "worker", image: "a", ports: [{ containerPort: 1, name: "x" }], volumeMounts: [{ mountPath: "/a", name: "v" }] },
      ],
    },
    {
      containers: [
        { name: "other" },
        { name: "worker", ports: [{ containerPort: 1, hostPort: 2 }], volumeMounts: [{ mountPath: "/b", name: "v" }] },
      ],
    },
    {
      containers: [
        {
          name: "worker",
          image: "a",
          ports: [{ containerPort: 1, name: "x", hostPort: 2 }],
          volumeMounts: [
            { mountPath: "/a", name: "v" },
            { mountPath: "/b", name: "v" },
          ],
        },
        { name: "other" },
      ],
    },
  ],
  ["another kind of value replaces", { affinity: { a: 1 } }, { affinity: "none" }, { affinity: "none" }],
] as const) {
  test(what, () => assert.deepEqual(mergeOverlay(base, overlay), expected));
}

test("a field called __proto__ stays a field", () => {
  const merged = mergeOverlay({}, JSON.parse('{"__proto__":{"polluted":true}}')) as object;
  assert.deepEqual(Object.keys(merged), ["__proto__"]);
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});
