import assert from "node:assert/strict";
import { test } from "node:test";
import { type RunningRequest, RunningRequests } from "../../../src/balancer/running-requests.ts";

function requests(count: number): { running: RunningRequests; all: (RunningRequest & { swept: number; destroyed: number })[] } {
  const running = new RunningRequests();
  const all = Array.from({ length: count }, () => ({
    place: -1,
    swept: 0,
    destroyed: 0,
    sweep(elapsedMs: number) {
      this.swept += elapsedMs;
    },
    destroy() {
      this.destroyed++;
      running.delete(this);
    },
  }));
  for (const request of all) running.add(request);
  return { running, all };
}

test("Requests leave in any order, and leaving twice changes nothing", () => {
  for (const order of [
    [0, 1, 2],
    [2, 1, 0],
    [1, 0, 2],
    [1, 2, 0],
  ]) {
    const { running, all } = requests(3);
    for (const [gone, index] of order.entries()) {
      running.delete(all[index]!);
      running.delete(all[index]!);
      assert.equal(running.size, 2 - gone);
      for (const request of all) request.swept = 0;
      running.sweep(1);
      assert.deepEqual(
        all.map((request) => request.swept),
        all.map((_, at) => (order.indexOf(at) <= gone ? 0 : 1)),
      );
    }
  }
});

test("Every request is swept once, also when some end meanwhile", () => {
  const { running, all } = requests(5);
  all[0]!.sweep = () => {
    all[0]!.swept++;
    running.delete(all[0]!);
  };
  running.sweep(1);
  assert.deepEqual(
    all.map((request) => request.swept),
    [1, 1, 1, 1, 1],
  );
  assert.equal(running.size, 4);
});

test("All are destroyed", () => {
  const { running, all } = requests(4);
  running.destroyAll();
  assert.equal(running.size, 0);
  assert(all.every((request) => request.destroyed === 1));
});
