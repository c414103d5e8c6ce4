import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CONDITION_TYPES } from "../../../../src/api/index.ts";
import type { WorkerPod } from "../../../../src/operator/observe/worker-pods.ts";
import { type Facts, findState, isUnderWay } from "../../../../src/operator/status/find-state.ts";
import { podOf } from "../../../support/worker-pods.ts";

function pods(count: number, changes: Partial<WorkerPod> = {}): WorkerPod[] {
  return Array.from({ length: count }, (_, ordinal) => podOf(ordinal, changes));
}

const WELL: Facts = {
  obstacle: undefined,
  failure: undefined,
  wanted: 3,
  pods: pods(3),
  updateRevision: "r1",
  plan: { workers: 3 },
  balancers: { wanted: 2, available: 2, isUpdated: true },
  answers: pods(3).map(({ name: worker }) => ({ worker, state: "serving", members: ["a"], sessions: 0, sessionsAtRisk: 0 })),
  pausedBy: undefined,
  isStuck: false,
  forceCommand: "kubectl annotate …",
};

/** "Ready True AllServing · …", those that differ from when all is well. */
function differences(changes: Partial<Facts>): string {
  const [well, found] = [findState(WELL), findState({ ...WELL, ...changes })];
  return CONDITION_TYPES.filter((type) => well[type].reason !== found[type].reason)
    .map((type) => `${type} ${found[type].status} ${found[type].reason}`)
    .join(" · ");
}

describe("findState", () => {
  it("finds all well", () => {
    assert.deepEqual(
      Object.values(findState(WELL)).map(({ status }) => status),
      ["True", "False", "False", "True", "False", "False"],
    );
  });

  const starting = "Ready False WorkersNotReady · Reconciling True Starting";
  const cases: readonly [string, Partial<Facts>, string][] = [
    ["a worker that is missing", { pods: pods(2) }, starting],
    ["a worker that is not ready", { pods: [...pods(2), ...pods(3, { isReady: false }).slice(2)] }, starting],
    ["workers that leave", { wanted: 2, plan: { workers: 3, waitsFor: "SessionsAtRisk" } }, "Reconciling True ScalingDown"],
    ["workers of an old revision", { updateRevision: "r2" }, "Reconciling True Rolling"],
    [
      "workers of an old revision while updates are paused",
      { updateRevision: "r2", plan: { workers: 3, waitsFor: "Paused" }, pausedBy: "PausedBySpec" },
      "Paused True PausedBySpec",
    ],
    ["a template that nobody has seen", { updateRevision: undefined }, "Reconciling True Starting"],
    [
      "balancers that are not there",
      { balancers: { wanted: 2, available: 0, isUpdated: false } },
      "Ready False BalancersNotReady · Reconciling True Starting",
    ],
    ["balancers that roll", { balancers: { wanted: 2, available: 2, isUpdated: false } }, "Reconciling True Starting"],
    [
      "no worker wanted",
      { wanted: 0, pods: [], answers: [], plan: { workers: 0 } },
      "Ready True ScaledToZero · WellFormed Unknown NoWorkers",
    ],
    [
      "an obstacle: it is stalled, and does not reconcile",
      { obstacle: { reason: "NameClash", message: "taken" }, pods: pods(1) },
      "Ready False NameClash · Stalled True NameClash",
    ],
    ["a failure that may pass", { failure: new Error("timed out"), updateRevision: "r2" }, "Reconciling True Failing"],
    ["a roll that is stuck", { isStuck: true }, "Degraded True RollStuck"],
    [
      "workers that do not start",
      { isStuck: true, pods: pods(3, { isReady: false }) },
      "Ready False WorkersNotReady · Reconciling True Starting · Degraded True StartStuck",
    ],
    ["a pause of everything", { pausedBy: "PausedByAnnotation", updateRevision: "r2" }, "Paused True PausedByAnnotation"],
  ];
  for (const [name, changes, expected] of cases) it(`finds ${name}`, () => assert.equal(differences(changes), expected));

  it("takes rolls, scaling and the start of workers for what must not last, and not that of balancers", () => {
    assert.equal(isUnderWay(WELL), false);
    assert.equal(isUnderWay({ ...WELL, updateRevision: "r2" }), true);
    assert.equal(isUnderWay({ ...WELL, wanted: 2 }), true);
    assert.equal(isUnderWay({ ...WELL, pods: pods(2) }), true);
    assert.equal(isUnderWay({ ...WELL, failure: new Error("timed out") }), false);
    assert.equal(isUnderWay({ ...WELL, balancers: { wanted: 2, available: 0, isUpdated: false } }), false);
  });

  it("says what a stuck roll waits for, and how to go on all the same", () => {
    const { message } = findState({ ...WELL, isStuck: true, plan: { workers: 3, waitsFor: "SessionsAtRisk" } }).Degraded;
    assert.match(message, /a session is on one worker only.*kubectl annotate …/);
  });

  it("names no force that would not help", () => {
    const stuck = (plan: Facts["plan"]) => findState({ ...WELL, isStuck: true, updateRevision: "r2", plan }).Degraded.message;
    assert.match(stuck({ workers: 3, evict: podOf(2) }), /the eviction of shop-2 is refused.*delete the pod$/);
    assert.match(stuck({ workers: 3, waitsFor: "WorkerLeaving" }), /: a worker is leaving$/);
    assert.match(stuck({ workers: 3 }), /workers do not become ready/);
  });
});
