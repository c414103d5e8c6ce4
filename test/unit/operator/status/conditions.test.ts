import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CONDITION_TYPES } from "../../../../src/api/index.ts";
import {
  type Condition,
  conditionsOf,
  type Finding,
  type Findings,
  findWellFormed,
  transitionsBetween,
} from "../../../../src/operator/status/conditions.ts";
import { REASONS } from "../../../../src/operator/status/reasons.ts";

const WELL: Findings = {
  Ready: { status: "True", reason: "AllServing", message: "" },
  Reconciling: { status: "False", reason: "UpToDate", message: "" },
  Stalled: { status: "False", reason: "NotStalled", message: "" },
  WellFormed: { status: "True", reason: "OneView", message: "" },
  Degraded: { status: "False", reason: "AsExpected", message: "" },
  Paused: { status: "False", reason: "NotPaused", message: "" },
};

function conditions(changes: Partial<Findings>, previous: readonly Condition[] = [], now = "2026-01-01T00:00:00Z"): Condition[] {
  return conditionsOf({ ...WELL, ...changes }, { previous, generation: 7, now });
}

describe("conditionsOf", () => {
  it("tells every type in its order, with the generation that it was found for", () => {
    const found = conditions({});
    assert.deepEqual(
      found.map(({ type }) => type),
      CONDITION_TYPES,
    );
    assert.ok(found.every(({ observedGeneration }) => observedGeneration === 7));
  });

  it("keeps the time of a condition whose status stays, also when its reason changes", () => {
    const before = conditions({ Ready: { status: "False", reason: "WorkersNotReady", message: "" } });
    const after = conditions({ Ready: { status: "False", reason: "BalancersNotReady", message: "" } }, before, "2026-01-02T00:00:00Z");
    assert.equal(after[0]!.lastTransitionTime, "2026-01-01T00:00:00Z");
    assert.equal(conditions({}, after, "2026-01-03T00:00:00Z")[0]!.lastTransitionTime, "2026-01-03T00:00:00Z");
  });

  it("uses reasons of the documented list, in UpperCamelCase", () => {
    for (const [reason, meaning] of Object.entries(REASONS)) {
      assert.match(reason, /^[A-Z][A-Za-z]+$/);
      assert.ok(meaning.length > 10);
    }
  });
});

describe("findWellFormed", () => {
  const view = (worker: string, ...members: string[]) => ({ worker, state: "serving", members, sessions: 0, sessionsAtRisk: 0 });
  const cases: readonly [string, Parameters<typeof findWellFormed>[0], string, RegExp][] = [
    ["is unknown without workers", [], "Unknown NoWorkers", /./],
    ["is true where all see the same", [view("a", "x", "y"), view("b", "x", "y")], "True OneView", /x, y/],
    ["shows every view where they differ", [view("a", "x"), view("b", "y")], "False SeveralViews", /a: x; b: y/],
    [
      "is unknown where one does not answer",
      [view("a", "x"), { worker: "b", problem: "refused" }],
      "Unknown WorkerNotAnswering",
      /b: refused/,
    ],
  ];
  for (const [name, answers, expected, message] of cases) {
    it(name, () => {
      const found: Finding = findWellFormed(answers);
      assert.equal(`${found.status} ${found.reason}`, expected);
      assert.match(found.message, message);
    });
  }
});

describe("transitionsBetween", () => {
  const stuck: Partial<Findings> = { Degraded: { status: "True", reason: "RollStuck", message: "stuck" } };
  const down: Partial<Findings> = { Ready: { status: "False", reason: "WorkersNotReady", message: "1 of 3" } };

  it("says nothing where nothing changes, or where all is well from the start", () => {
    assert.deepEqual(transitionsBetween([], conditions({})), []);
    assert.deepEqual(transitionsBetween(conditions(stuck), conditions(stuck)), []);
  });

  it("warns of what goes wrong, and says when it is over", () => {
    assert.deepEqual(transitionsBetween(conditions({}), conditions(stuck)), [{ type: "Warning", reason: "RollStuck", message: "stuck" }]);
    assert.equal(transitionsBetween(conditions(stuck), conditions({}))[0]?.reason, "AsExpected");
  });

  it("does not warn that a new cluster is not ready yet", () => {
    assert.deepEqual(transitionsBetween([], conditions(down)), []);
    assert.equal(transitionsBetween(conditions({}), conditions(down))[0]?.type, "Warning");
  });
});
