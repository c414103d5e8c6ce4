import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { WorkerView } from "../../../../src/operator/observe/worker-view.ts";
import { channelKeysOf, generationsOf, planRotation, type Rotation } from "../../../../src/operator/roll/plan-rotation.ts";
import { podOf } from "../../../support/worker-pods.ts";

type Keys = NonNullable<WorkerView["keys"]>;

const FIRST: Keys = { sending: "1.key", accepted: ["1.key"] };
const BOTH: Keys = { sending: "1.key", accepted: ["1.key", "2.key"] };
const SENDS_SECOND: Keys = { sending: "2.key", accepted: ["2.key", "1.key"] };
const SECOND: Keys = { sending: "2.key", accepted: ["2.key"] };

function next(rotation: Rotation, keys: readonly (Keys | undefined)[], { isDue = true, oldPod = false } = {}): string {
  const pods = keys.map((_, ordinal) => podOf(ordinal, { revision: oldPod && ordinal === 0 ? "r0" : "r1" }));
  const answers = pods.map(({ name }, index) => {
    const found = keys[index];
    return found
      ? { worker: name, state: "serving", members: [], sessions: 0, sessionsAtRisk: 0, keys: found }
      : { worker: name, problem: "silent" };
  });
  const { generation, phase } = planRotation({ rotation, isDue, set: { replicas: 2, updateRevision: "r1" }, pods, answers });
  return `${generation} ${phase ?? "-"}`;
}

describe("planRotation", () => {
  const none: Rotation = { generation: 1, phase: undefined };
  const accepting: Rotation = { generation: 1, phase: "Accepting" };
  const sending: Rotation = { generation: 1, phase: "Sending" };
  const dropping: Rotation = { generation: 2, phase: "Dropping" };

  it("begins when it is due, and every worker tells its keys", () => {
    assert.equal(next(none, [FIRST, FIRST], { isDue: false }), "1 -");
    assert.equal(next(none, [FIRST, undefined]), "1 -");
    assert.equal(next(none, [FIRST]), "1 -");
    assert.equal(next(none, [FIRST, FIRST], { oldPod: true }), "1 -");
    assert.equal(next(none, [FIRST, FIRST]), "1 Accepting");
  });

  it("sends with the new key when every worker accepts it", () => {
    assert.equal(next(accepting, [BOTH, FIRST]), "1 Accepting");
    assert.equal(next(accepting, [BOTH, undefined]), "1 Accepting");
    assert.equal(next(accepting, [BOTH, BOTH]), "1 Sending");
  });

  it("drops the old key when every worker sends with the new one", () => {
    assert.equal(next(sending, [SENDS_SECOND, BOTH]), "1 Sending");
    assert.equal(next(sending, [SENDS_SECOND, SENDS_SECOND]), "2 Dropping");
  });

  it("is done when no worker accepts the old key", () => {
    assert.equal(next(dropping, [SECOND, SENDS_SECOND]), "2 Dropping");
    assert.equal(next(dropping, [SECOND, SECOND], { oldPod: true }), "2 Dropping");
    assert.equal(next(dropping, [SECOND, SECOND]), "2 -");
  });

  it("goes through all phases also when it is not due any more", () => {
    assert.equal(next(accepting, [BOTH, BOTH], { isDue: false }), "1 Sending");
  });

  it("has both Secrets while workers may need both, and sends with the new one only in its phase", () => {
    assert.deepEqual([none, accepting, sending, dropping].map(generationsOf), [[1], [1, 2], [1, 2], [2]]);
    assert.deepEqual(
      [none, accepting, sending, dropping].map(channelKeysOf).map(({ oldest, sending: sent }) => `${oldest} ${sent}`),
      ["1 1", "1 1", "1 2", "2 2"],
    );
  });
});
