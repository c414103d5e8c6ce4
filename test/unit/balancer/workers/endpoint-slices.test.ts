import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type EndpointSlice, findWorkers } from "../../../../src/balancer/workers/discovery/endpoint-slices.ts";

interface Pod {
  readonly name?: string;
  readonly address?: string;
  readonly ready?: boolean;
  readonly serving?: boolean;
  readonly terminating?: boolean;
  readonly targetRef?: object;
}

function slice(pods: readonly Pod[], parts: Partial<EndpointSlice> = {}): EndpointSlice {
  return {
    metadata: { name: "shop-workers-x", namespace: "shop", resourceVersion: "1" },
    addressType: "IPv4",
    ports: [
      { name: "management", port: 9090 },
      { name: "http", port: 8080 },
    ],
    endpoints: pods.map(({ name = "shop-0", address = "10.0.0.1", targetRef, ...conditions }) => ({
      addresses: [address],
      conditions,
      targetRef: targetRef ?? { kind: "Pod", name },
    })),
    ...parts,
  };
}

/** "shop-0=10.0.0.1:8080", and "leaving" behind it. */
function found(...slices: EndpointSlice[]): string[] {
  return findWorkers(slices, { family: 4, portName: "http" }).workers.map(
    ({ name, address, port, leaving }) => `${name}=${address}:${port}${leaving ? " leaving" : ""}`,
  );
}

describe("findWorkers", () => {
  it("takes name and route from the pod, and the port by its name", () => {
    assert.deepEqual(findWorkers([slice([{}])], { family: 4, portName: "management" }).workers, [
      { name: "shop-0", route: "shop-0", address: "10.0.0.1", port: 9090, weight: 1, leaving: false, managementPort: undefined },
    ]);
  });

  const here = ["shop-0=10.0.0.1:8080"];
  const leaving = ["shop-0=10.0.0.1:8080 leaving"];
  const conditions: readonly (readonly [Pod, readonly string[]])[] = [
    [{ serving: true, terminating: false }, here],
    [{ serving: true, terminating: true }, leaving],
    [{ serving: false, terminating: false }, []],
    [{ serving: false, terminating: true }, []],
    [{}, here],
    [{ terminating: true }, leaving],
    [{ ready: false, serving: true, terminating: true }, leaving],
    [{ ready: true, serving: false, terminating: false }, []],
    [{ ready: false, serving: true, terminating: false }, here],
  ];
  for (const [pod, expected] of conditions) {
    it(`reads ${JSON.stringify(pod)} as ${expected.length === 0 ? "nobody" : expected[0]}`, () => {
      assert.deepEqual(found(slice([pod])), expected);
    });
  }

  it("takes all slices of the Service together, each with its own port", () => {
    const second = slice([{ name: "shop-1", address: "10.0.0.2" }], { ports: [{ name: "http", port: 9999 }] });
    assert.deepEqual(found(slice([{}]), second), ["shop-0=10.0.0.1:8080", "shop-1=10.0.0.2:9999"]);
  });

  it("sees one worker where a pod stands in two slices, in whatever order they come", () => {
    const cases: readonly (readonly [Pod, Pod, string])[] = [
      [{}, {}, "shop-0=10.0.0.1:8080"],
      // Who begins to end does not stop ending.
      [{ serving: true, terminating: true }, { serving: true }, "shop-0=10.0.0.1:8080 leaving"],
      // The one that ends is the older pod of that name.
      [{ address: "10.0.0.1", serving: true, terminating: true }, { address: "10.0.0.9" }, "shop-0=10.0.0.9:8080"],
      [{ address: "10.0.0.1", serving: false }, { address: "10.0.0.9" }, "shop-0=10.0.0.9:8080"],
      [{ address: "10.0.0.2" }, { address: "10.0.0.1" }, "shop-0=10.0.0.1:8080"],
    ];
    for (const [one, other, expected] of cases) {
      assert.deepEqual(found(slice([one]), slice([other])), [expected]);
      assert.deepEqual(found(slice([other]), slice([one])), [expected]);
    }
  });

  it("takes addresses of one family only", () => {
    const six = slice([{ address: "fd00::1" }], { addressType: "IPv6" });
    assert.deepEqual(found(slice([{}]), six, slice([{ name: "shop-2" }], { addressType: "FQDN" })), ["shop-0=10.0.0.1:8080"]);
    assert.deepEqual(
      findWorkers([slice([{}]), six], { family: 6, portName: "http" }).workers.map(({ address }) => address),
      ["fd00::1"],
    );
  });

  it("takes what there is when no family is said, and the IPv4 address of a worker that has both", () => {
    const six = slice([{ address: "fd00::1" }, { name: "shop-1", address: "fd00::2", terminating: true }, { name: "a.b" }], {
      addressType: "IPv6",
    });
    const addresses = (...slices: EndpointSlice[]) =>
      findWorkers(slices, { family: undefined, portName: "http" }).workers.map(({ name, address }) => `${name}=${address}`);
    assert.deepEqual(addresses(six), ["shop-0=fd00::1", "shop-1=fd00::2"]);
    assert.deepEqual(addresses(six, slice([{}])), ["shop-0=10.0.0.1", "shop-1=fd00::2"]);
    const { workers, unusableNames } = findWorkers([six, slice([{ name: "a.b" }])], { family: undefined, portName: "http" });
    assert.deepEqual([workers[1]?.leaving, unusableNames], [true, ["a.b"]]);
  });

  it("passes over what is no pod, has no address, or has no such port", () => {
    const without: readonly EndpointSlice[] = [
      slice([{ targetRef: { kind: "Node", name: "shop-0" } }]),
      slice([], { endpoints: [{ addresses: ["10.0.0.1"] }, { targetRef: { kind: "Pod", name: "shop-0" } }] }),
      slice([], { endpoints: null }),
      slice([{}], { ports: null }),
      slice([{}], { ports: [{ name: "http" }, { port: 8080 }] }),
    ];
    assert.deepEqual(found(...without), []);
  });

  it("names the pods whose names can be no routes", () => {
    const { workers, unusableNames } = findWorkers([slice([{ name: "a.b" }, { name: "shop-0" }])], { family: 4, portName: "http" });
    assert.deepEqual([workers.map(({ name }) => name), unusableNames], [["shop-0"], ["a.b"]]);
  });

  it("finds no more than 1000 workers", () => {
    const pods = Array.from({ length: 1001 }, (_, index) => ({ name: `shop-${index}` }));
    assert.equal(found(slice(pods)).length, 1000);
  });
});
