import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { contains } from "../../../../src/operator/apply/containment.ts";

describe("contains", () => {
  const cases: readonly [string, object, object, boolean][] = [
    ["takes defaults and fields of others for granted", { a: 1, b: { c: 2, d: 3 } }, { b: { c: 2 } }, true],
    ["sees a changed value", { a: 1 }, { a: 2 }, false],
    ["sees a value that is gone", { a: 1 }, { a: 1, b: "x" }, false],
    ["takes what Go leaves out for its zero value", {}, { a: 0, b: "", c: false, d: [], e: {}, f: { g: [] } }, true],
    ["sees a zero value that was changed", { a: 5 }, { a: 0 }, false],
    ["compares quantities by their value", { limits: { cpu: "1", memory: "1Gi" } }, { limits: { cpu: "1000m", memory: "1024Mi" } }, true],
    ["sees another quantity", { requests: { cpu: "1" } }, { requests: { cpu: "1100m" } }, false],
    ["compares texts elsewhere as they stand", { data: { a: "1" } }, { data: { a: "1000m" } }, false],
    [
      "finds containers by name among those of others",
      { containers: [{ name: "proxy" }, { name: "a", x: 1, y: 2 }] },
      { containers: [{ name: "a", x: 1 }] },
      true,
    ],
    ["sees a container that is gone", { containers: [{ name: "proxy" }] }, { containers: [{ name: "a" }] }, false],
    ["finds a port whose protocol was filled in", { ports: [{ port: 80, protocol: "TCP" }] }, { ports: [{ port: 80 }] }, true],
    ["sees an entry more in a list that is one value", { rules: [{ a: 1 }, { a: 2 }] }, { rules: [{ a: 1 }] }, false],
    ["sees another order in a list that is one value", { command: ["a", "b"] }, { command: ["b", "a"] }, false],
    [
      "sees a port more inside of a list that is one value",
      {
        ingress: [
          {
            ports: [
              { port: 1, protocol: "TCP" },
              { port: 2, protocol: "TCP" },
            ],
          },
        ],
      },
      { ingress: [{ ports: [{ port: 1 }] }] },
      false,
    ],
    ["sees a label more in a Service's selector", { selector: { a: "1", b: "2" } }, { selector: { a: "1" } }, false],
    [
      "sees a label more in a label selector",
      { selector: { matchLabels: { a: "1", b: "2" } } },
      { selector: { matchLabels: { a: "1" } } },
      false,
    ],
    ["leaves labels of others alone", { labels: { a: "1", b: "2" } }, { labels: { a: "1" } }, true],
  ];
  for (const [name, live, desired, expected] of cases) it(name, () => assert.equal(contains(live, desired), expected));
});
