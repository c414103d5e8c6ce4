import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Pod, workerPod } from "../../../../src/operator/observe/worker-pods.ts";

/** Times are minutes after twelve. `ready`: since when the pod is ready, or is not; `began`: when its process began, if there is one. */
function pod({ ready, since, began }: { ready?: boolean; since?: number; began?: number }): Pod {
  const at = (minute: number) => `2026-01-01T12:${String(minute).padStart(2, "0")}:00Z`;
  const other = { name: "sidecar", state: { running: { startedAt: at(0) } } };
  const worker = { name: "worker", state: began === undefined ? {} : { running: { startedAt: at(began) } } };
  const condition = { type: "Ready", status: ready ? "True" : "False", lastTransitionTime: at(since ?? 0) };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "shop-12", uid: "u", labels: { "controller-revision-hash": "r1" } },
    status: { podIP: "192.0.2.1", conditions: ready === undefined ? [] : [condition], containerStatuses: [other, worker] },
  };
}

describe("workerPod", () => {
  it("has the number, revision and address of its worker", () => {
    const { name, ordinal, revision, address, isTerminating } = workerPod(pod({ ready: true }));
    assert.deepEqual([name, ordinal, revision, address, isTerminating], ["shop-12", 12, "r1", "192.0.2.1", false]);
  });

  const cases: readonly [string, Parameters<typeof pod>[0], string][] = [
    ["is ready", { ready: true, since: 5, began: 4 }, "ready served"],
    ["has not begun", {}, "-"],
    ["was never ready", { ready: false, since: 1, began: 2 }, "-"],
    ["was never ready, and begins in the second in which it was made", { ready: false, since: 2, began: 2 }, "-"],
    ["was ready and is not any more", { ready: false, since: 9, began: 2 }, "served"],
    ["was ready, ended, and began anew", { ready: false, since: 9, began: 10 }, "-"],
    ["was ready, and ends again and again", { ready: false, since: 9 }, "-"],
  ];
  for (const [name, given, expected] of cases) {
    it(`knows one that ${name}`, () => {
      const { isReady, hasServed } = workerPod(pod(given));
      assert.equal([...(isReady ? ["ready"] : []), ...(hasServed ? ["served"] : [])].join(" ") || "-", expected);
    });
  }
});
