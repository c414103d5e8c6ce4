import assert from "node:assert/strict";
import { test } from "node:test";
import { ByRequests } from "../../../../src/balancer/selection/by-requests.ts";

const worker = (name: string, weight: number) => ({ name, route: name, weight });

function sequence(candidates: ReturnType<typeof worker>[], length: number, method = new ByRequests()): string {
  return Array.from({ length }, () => method.choose(candidates).name).join(" ");
}

test("Weights 1 and 2.5 give b a b b b a b, again and again", () => {
  assert.equal(sequence([worker("a", 1), worker("b", 2.5)], 14), "b a b b b a b b a b b b a b");
});

test("Equal weights take turns, the earlier one first", () => {
  assert.equal(sequence([worker("a", 1), worker("b", 1), worker("c", 1)], 6), "a b c a b c");
});

test("A tiny weight still gets its turn", () => {
  const chosen = sequence([worker("a", 0.01), worker("b", 1)], 202).split(" ");
  assert.equal(chosen.filter((name) => name === "a").length, 2);
});

test("Requests with a session count as load", () => {
  const candidates = [worker("a", 1), worker("b", 1)];
  const method = new ByRequests();
  method.count(candidates, candidates[0]!);
  method.count(candidates, candidates[0]!);
  assert.equal(sequence(candidates, 4, method), "b b a b");
});

test("A worker that joins later is not flooded", () => {
  const method = new ByRequests();
  const [a, b, c] = [worker("a", 1), worker("b", 1), worker("c", 1)];
  sequence([a, b], 1000, method);
  assert.equal(sequence([a, b, c], 6, method), "a b c a b c");
});

test("A forgotten worker starts anew", () => {
  const method = new ByRequests();
  const [a, b] = [worker("a", 1), worker("b", 1)];
  method.choose([a, b]);
  method.retain(new Set());
  assert.equal(method.choose([a, b]).name, "a");
});
