import assert from "node:assert/strict";
import { test } from "node:test";
import { highestRendezvous, rendezvousScore } from "../../../../src/balancer/selection/rendezvous.ts";

const worker = (name: string) => ({ name, route: name, weight: 1 });
const workers = ["shop-0", "shop-1", "shop-2"].map(worker);
const stems = Array.from({ length: 30_000 }, (_, index) => index.toString(16).toUpperCase().padStart(32, "0"));

/** The contract between balancers of different versions: these numbers never change. */
const scores: readonly [string, string, number][] = [
  ["", "a", 987_686_258],
  ["0123456789ABCDEF", "shop-0", 2_539_264_548],
  ["0123456789ABCDEF", "shop-1", 1_521_133_722],
  ["0123456789ABCDEF", "shop-2", 3_143_417_158],
  ["B", "w", 2_896_759_904],
];
for (const [stem, name, score] of scores) {
  test(`"${stem}" on "${name}" scores ${score}`, () => {
    assert.equal(rendezvousScore(stem, name), score);
  });
}

test("The highest score wins, in whatever order the workers stand (rule 17)", () => {
  assert.equal(highestRendezvous(workers, "0123456789ABCDEF").name, "shop-2");
  assert.equal(highestRendezvous(workers.toReversed(), "0123456789ABCDEF").name, "shop-2");
});

test("Each of three workers takes a third of the sessions, within two in a hundred", () => {
  const counts = new Map<string, number>();
  for (const stem of stems) {
    const { name } = highestRendezvous(workers, stem);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  for (const count of counts.values()) assert(Math.abs(count - stems.length / 3) < stems.length / 50, String(count));
});

test("When a worker goes, only its sessions move (rule 17)", () => {
  const left = workers.slice(0, 2);
  for (const stem of stems) {
    const before = highestRendezvous(workers, stem).name;
    if (before !== "shop-2") assert.equal(highestRendezvous(left, stem).name, before);
  }
});
