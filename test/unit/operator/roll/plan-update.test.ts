import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Pins, planUpdate, type Update, type UpdateInput, updateOf } from "../../../../src/operator/roll/plan-update.ts";

const OLD: Pins = { image: "operator:1", defaultsRevision: 1 };
const NEW: Pins = { image: "operator:2", defaultsRevision: 2 };

function next(update: Update, changes: Partial<UpdateInput> = {}): string {
  const given = { update, offered: NEW, isAutomatic: true, isSettled: true, takeTurn: () => true, ...changes };
  const { pins, phase } = planUpdate(given);
  return `${pins.image} ${pins.defaultsRevision} ${phase ?? "-"}`;
}

describe("updateOf", () => {
  it("gives a new cluster what the operator has, and an old one what its status says", () => {
    assert.deepEqual(updateOf(undefined, NEW), { pins: NEW, phase: undefined });
    assert.deepEqual(updateOf({}, NEW), { pins: NEW, phase: undefined });
    const status = { ...OLD, update: { phase: "Waiting" as const } };
    assert.deepEqual(updateOf(status, NEW), { pins: OLD, phase: "Waiting" });
  });

  it("takes one from before there were revisions as of the first", () => {
    assert.deepEqual(updateOf({ image: "operator:1" }, NEW).pins, OLD);
  });
});

describe("planUpdate", () => {
  const idle: Update = { pins: OLD, phase: undefined };
  const waiting: Update = { pins: OLD, phase: "Waiting" };
  const rolling: Update = { pins: NEW, phase: "Rolling" };
  const cases: readonly [string, string, string][] = [
    ["keeps what a cluster has", next(idle, { isAutomatic: false }), "operator:1 1 -"],
    ["does nothing where nothing differs", next({ pins: NEW, phase: undefined }), "operator:2 2 -"],
    ["begins when it is its turn", next(idle), "operator:2 2 Rolling"],
    ["waits for its turn", next(idle, { takeTurn: () => false }), "operator:1 1 Waiting"],
    ["goes on waiting", next(waiting, { takeTurn: () => false }), "operator:1 1 Waiting"],
    ["waits no more when its user wants to keep what it has", next(waiting, { isAutomatic: false }), "operator:1 1 -"],
    ["begins with other defaults alone", next(idle, { offered: { ...OLD, defaultsRevision: 2 } }), "operator:1 2 Rolling"],
    ["keeps its turn until everything is replaced", next(rolling, { isSettled: false }), "operator:2 2 Rolling"],
    ["is done then", next(rolling), "operator:2 2 -"],
    ["gives its turn away when changes are to wait, and keeps what it got", next(rolling, { isAutomatic: false }), "operator:2 2 -"],
    [
      "takes a further version, which may be the cure, without waiting again",
      next({ pins: OLD, phase: "Rolling" }, { isSettled: false, takeTurn: () => false }),
      "operator:2 2 Rolling",
    ],
  ];
  for (const [name, actual, expected] of cases) it(name, () => assert.equal(actual, expected));
});
