import assert from "node:assert/strict";
import { test } from "node:test";
import { type HealthResult, WorkerHealth } from "../../../../src/balancer/workers/worker-states.ts";

interface Case {
  name: string;
  fall?: number;
  rise?: number;
  results: HealthResult[];
  states: string[];
}

const cases: readonly Case[] = [
  { name: "one success makes a new worker serve", results: ["Ready"], states: ["Serving"] },
  {
    name: "with rise 2 two successes in a row",
    rise: 2,
    results: ["Ready", "Silent", "Ready", "Ready"],
    states: ["Unknown", "Unknown", "Unknown", "Serving"],
  },
  {
    name: "with fall 2 two failures in a row",
    results: ["Ready", "Silent", "Ready", "Silent", "Refused"],
    states: ["Serving", "Serving", "Serving", "Serving", "NotReady"],
  },
  { name: "its own word counts at once", results: ["Ready", "NotReady", "Ready"], states: ["Serving", "NotReady", "Serving"] },
  {
    name: "it drains at once and stays so while checks fail once",
    results: ["Ready", "Draining", "Silent"],
    states: ["Serving", "Draining", "Draining"],
  },
  {
    name: "a draining worker that nobody answers for is gone at once",
    results: ["Ready", "Draining", "Refused"],
    states: ["Serving", "Draining", "NotReady"],
  },
  { name: "a worker that stops draining serves again", results: ["Draining", "Ready"], states: ["Draining", "Serving"] },
];

for (const { name, fall = 2, rise = 1, results, states } of cases) {
  test(`Health: ${name}`, () => {
    const health = new WorkerHealth({ fall, rise }, true);
    assert.equal(health.state, "Unknown");
    assert.deepEqual(
      results.map((result) => {
        health.record(result, 0);
        return health.state;
      }),
      states,
    );
  });
}

test("Without health checks a worker serves from the start", () => {
  assert.equal(new WorkerHealth({ fall: 2, rise: 1 }, false).state, "Serving");
});

test("A worker that is silent is not taken for one that says it is not ready", () => {
  const health = new WorkerHealth({ fall: 1, rise: 1 }, true);
  health.record("Silent", 0);
  assert.equal(health.saidNotReady, false);
  health.record("NotReady", 1);
  assert.equal(health.saidNotReady, true);
});

test("Silence is counted from its first check, and any answer ends it", () => {
  const health = new WorkerHealth({ fall: 2, rise: 1 }, true);
  health.record("Silent", 100);
  health.record("Silent", 200);
  assert.equal(health.silentSinceMs, 100);
  health.record("Refused", 300);
  assert.equal(health.silentSinceMs, undefined);
});

test("A refused request says nothing about a worker that serves", () => {
  const health = new WorkerHealth({ fall: 2, rise: 1 }, true);
  health.record("Ready", 0);
  assert.equal(health.recordRefusedRequest(), false);
  assert.equal(health.state, "Serving");
});

test("A refused request is the end of a drain, also while the health check goes on to say draining (rule 18)", () => {
  const health = new WorkerHealth({ fall: 2, rise: 1 }, true);
  health.record("Draining", 0);
  assert.equal(health.recordRefusedRequest(), true);
  assert.equal(health.state, "NotReady");
  health.record("Draining", 1);
  assert.equal(health.state, "NotReady");
  health.record("Ready", 2);
  assert.equal(health.state, "Serving");
  health.record("Draining", 3);
  assert.equal(health.state, "Draining");
});

test("An answer to a request from before the silence is a sign of life (rule 17)", () => {
  const health = new WorkerHealth({ fall: 2, rise: 1 }, true);
  health.record("Ready", 0);
  health.record("Silent", 1000);
  health.record("Silent", 2000);
  assert.equal(health.state, "NotReady");
  assert.equal(health.answeredLate(), true);
  assert.deepEqual([health.state, health.silentSinceMs], ["Serving", undefined]);
});

test("An answer makes nobody ready who says that it is not, and ends no drain", () => {
  const says = new WorkerHealth({ fall: 1, rise: 1 }, true);
  says.record("NotReady", 10);
  assert.deepEqual([says.answeredLate(), says.state], [false, "NotReady"]);
  const drains = new WorkerHealth({ fall: 1, rise: 1 }, true);
  drains.record("Draining", 10);
  drains.record("Silent", 20);
  assert.deepEqual([drains.answeredLate(), drains.state], [true, "Draining"]);
});

test("A health check that was asked before an answer says nothing about what came after (rule 17)", () => {
  const health = new WorkerHealth({ fall: 1, rise: 1 }, true);
  health.record("Ready", 0);
  health.answered(1500);
  health.record("Silent", 1499);
  assert.deepEqual([health.state, health.silentSinceMs], ["Serving", undefined]);
  health.record("Silent", 1500);
  assert.equal(health.state, "NotReady");
});
