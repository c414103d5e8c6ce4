import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { WorkerPod } from "../../../../src/operator/observe/worker-pods.ts";
import { groupStateOf, type Plan, type PlanInput, planWorkers, progressOf } from "../../../../src/operator/roll/plan-workers.ts";
import { podOf } from "../../../support/worker-pods.ts";

/** "new", "old", "new unready" (never was ready), "old faltering" (was ready), "old leaving": one pod each, from number 0; "-" is none. */
function pods(...states: readonly string[]): WorkerPod[] {
  return states.flatMap((state, ordinal) => {
    if (state === "-") return [];
    const revision = state.startsWith("new") ? "r2" : "r1";
    const isReady = !/unready|faltering|leaving/.test(state);
    return [podOf(ordinal, { revision, isReady, hasServed: !state.includes("unready"), isTerminating: state.includes("leaving") })];
  });
}

const QUIET = { isWellFormed: true, sessionsAtRisk: 0 };
const SILENT = { isWellFormed: false, sessionsAtRisk: undefined };

function input(states: readonly string[], changes: Partial<PlanInput> = {}): PlanInput {
  return {
    wanted: 3,
    set: { replicas: 3, updateRevision: "r2" },
    pods: pods(...states),
    group: QUIET,
    isPaused: false,
    forcedRevision: undefined,
    ...changes,
  };
}

function summary({ workers, evict, waitsFor }: Plan): string {
  return [workers, evict && `evict ${evict.name}`, waitsFor].filter((part) => part !== undefined).join(" ");
}

describe("planWorkers", () => {
  const cases: readonly [string, string, PlanInput][] = [
    ["makes the workers that are wanted at once", "3", input([], { set: undefined })],
    ["scales up at once", "5", input(["new", "new", "new"], { wanted: 5 })],
    ["does nothing where every worker runs the template", "3", input(["new", "new", "new"])],
    [
      "waits until the controller has seen the template",
      "3 StatefulSetNotSeen",
      input(["old"], { set: { replicas: 3, updateRevision: undefined } }),
    ],
    ["replaces the last worker first", "3 evict shop-2", input(["old", "old", "old"])],
    ["goes on when the new one is ready", "3 evict shop-1", input(["old", "old", "new"])],
    ["waits for one that leaves", "3 WorkerLeaving", input(["old", "old", "old leaving"])],
    ["waits for one that is not made yet", "3 WorkerMissing", input(["old", "old", "-"])],
    ["waits for the new one to be ready", "3 WorkerNotReady", input(["old", "old", "new unready"])],
    ["does not spread a revision that does not start", "3 WorkerNotReady", input(["old", "new unready", "new"])],
    ["replaces workers of an old revision that never were ready first", "3 evict shop-0", input(["old unready", "old", "old"])],
    [
      "cures a broken revision though the group is not well-formed",
      "3 evict shop-2",
      input(["old", "old", "old unready"], { group: SILENT }),
    ],
    [
      "cures a broken revision while another worker leaves",
      "3 evict shop-0",
      input(["old unready", "-", "old leaving"], { group: SILENT }),
    ],
    ["replaces a worker that is not ready any more before those that are", "3 evict shop-1", input(["old", "old faltering", "old"])],
    [
      "replaces workers of a revision that stopped working, whatever else is not ready or seen",
      "3 evict shop-2",
      input(["old faltering", "new unready", "old faltering"], { group: { isWellFormed: false, sessionsAtRisk: 0 } }),
    ],
    [
      "waits for a worker that is not ready any more, and has sessions that nobody else has",
      "3 SessionsAtRisk",
      input(["old", "old faltering", "old"], { group: { isWellFormed: true, sessionsAtRisk: 1 } }),
    ],
    [
      "waits for a worker that is not ready any more, and does not say what it has",
      "3 WorkerSilent",
      input(["old", "old faltering", "old"], { group: { isWellFormed: true, sessionsAtRisk: undefined } }),
    ],
    [
      "is forced past a worker that is not ready any more, beginning with it",
      "3 evict shop-1",
      input(["old", "old faltering", "old"], { group: SILENT, forcedRevision: "r2" }),
    ],
    ["waits for a new worker that is not ready any more", "3 WorkerNotReady", input(["old", "new faltering", "new"])],
    [
      "waits while the workers have several views",
      "3 NotWellFormed",
      input(["old", "old", "new"], { group: { isWellFormed: false, sessionsAtRisk: 0 } }),
    ],
    [
      "waits while a session is at risk",
      "3 SessionsAtRisk",
      input(["old", "old", "new"], { group: { isWellFormed: true, sessionsAtRisk: 1 } }),
    ],
    [
      "waits while nobody knows what is at risk",
      "3 WorkerSilent",
      input(["old", "old", "new"], { group: { isWellFormed: true, sessionsAtRisk: undefined } }),
    ],
    ["waits while paused", "3 Paused", input(["old", "old", "old"], { isPaused: true })],
    [
      "is forced past sessions at risk and workers that are not ready",
      "3 evict shop-1",
      input(["old", "old", "new unready"], { forcedRevision: "r2", group: { isWellFormed: false, sessionsAtRisk: 3 } }),
    ],
    [
      "forces no other revision than the one that was named",
      "3 SessionsAtRisk",
      input(["old", "old", "new"], { forcedRevision: "r1", group: { isWellFormed: true, sessionsAtRisk: 3 } }),
    ],
    ["forces nobody out while another one leaves", "3 WorkerLeaving", input(["old", "old leaving", "new"], { forcedRevision: "r2" })],
    [
      "replaces one that is alone without waiting for what cannot come",
      "1 evict shop-0",
      input(["old"], { wanted: 1, set: { replicas: 1, updateRevision: "r2" }, group: { isWellFormed: true, sessionsAtRisk: 9 } }),
    ],
    ["scales down by one", "2", input(["new", "new", "new"], { wanted: 1 })],
    ["scales down also while updates are paused", "2", input(["new", "new", "new"], { wanted: 1, isPaused: true })],
    [
      "takes the next worker when the one before is gone",
      "2 WorkerLeaving",
      input(["new", "new", "new leaving"], { wanted: 1, set: { replicas: 2, updateRevision: "r2" } }),
    ],
    [
      "waits before scaling down while a session is at risk",
      "3 SessionsAtRisk",
      input(["new", "new", "new"], { wanted: 1, group: { isWellFormed: true, sessionsAtRisk: 1 } }),
    ],
    [
      "lets a worker go that never served, whatever the others say",
      "2",
      input(["new", "new", "new unready"], { wanted: 2, group: SILENT }),
    ],
    [
      "waits before scaling down for a worker that is not ready any more, and does not say what it has",
      "3 WorkerSilent",
      input(["new", "new", "new faltering"], { wanted: 2, group: SILENT }),
    ],
    [
      "lets a worker go that is not ready any more, when nothing is at risk",
      "2",
      input(["new", "new", "new faltering"], { wanted: 2, group: { isWellFormed: false, sessionsAtRisk: 0 } }),
    ],
    [
      "scales down by force",
      "2",
      input(["new", "new", "new"], { wanted: 1, forcedRevision: "r2", group: { isWellFormed: false, sessionsAtRisk: 7 } }),
    ],
    [
      "lets the last one go when none is wanted",
      "0",
      input(["new"], { wanted: 0, set: { replicas: 1, updateRevision: "r2" }, group: { isWellFormed: true, sessionsAtRisk: 9 } }),
    ],
    ["turns round when more are wanted again", "3", input(["new", "new"], { wanted: 3, set: { replicas: 2, updateRevision: "r2" } })],
  ];
  for (const [name, expected, given] of cases) it(name, () => assert.equal(summary(planWorkers(given)), expected));
});

describe("groupStateOf", () => {
  const view = (worker: string, member: string, sessionsAtRisk: number) => ({
    worker,
    state: "serving",
    members: [member],
    sessions: 0,
    sessionsAtRisk,
  });
  const silent = { worker: "shop-2", problem: "silent" };

  it("asks those that are ready for their views, and all that served for what is at risk", () => {
    const answers = [view("shop-0", "a", 1), view("shop-1", "a", 2)];
    assert.deepEqual(groupStateOf(answers, []), { isWellFormed: true, sessionsAtRisk: 3 });
    assert.deepEqual(groupStateOf(answers, [view("shop-2", "b", 4)]), { isWellFormed: true, sessionsAtRisk: 7 });
    assert.deepEqual(groupStateOf(answers, [silent]), { isWellFormed: true, sessionsAtRisk: undefined });
    assert.deepEqual(groupStateOf([], [view("shop-2", "b", 4)]), { isWellFormed: false, sessionsAtRisk: 4 });
    assert.deepEqual(groupStateOf([], []), { isWellFormed: false, sessionsAtRisk: undefined });
  });
});

describe("progressOf", () => {
  const reached = (...states: readonly string[]) => progressOf(input(states)).reached;

  it("gets further with each worker that goes, is made anew and is ready", () => {
    const steps = [reached("old", "old", "old"), reached("old", "old", "-"), reached("old", "old", "new"), reached("old", "-", "new")];
    assert.deepEqual(
      steps,
      steps.toSorted((one, other) => one - other),
    );
    assert.ok(steps.at(-1)! > steps[0]!);
  });

  it("gets no further with one that is made anew and is not ready, however often", () => {
    assert.ok(reached("old", "old", "new unready") <= reached("old", "old", "-"));
  });

  it("gets further with each worker that leaves for good", () => {
    const left = (replicas: number, ...states: readonly string[]) =>
      progressOf(input(states, { wanted: 1, set: { replicas, updateRevision: "r2" } })).reached;
    assert.ok(left(2, "new", "new", "new leaving") > left(3, "new", "new", "new"));
    assert.ok(left(2, "new", "new") > left(2, "new", "new", "new leaving"));
  });

  it("has another goal for another revision or number", () => {
    const { goal } = progressOf(input(["old"]));
    assert.notEqual(progressOf(input(["old"], { wanted: 2 })).goal, goal);
    assert.notEqual(progressOf(input(["old"], { set: { replicas: 3, updateRevision: "r3" } })).goal, goal);
  });
});
