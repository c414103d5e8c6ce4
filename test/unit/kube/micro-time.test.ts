import assert from "node:assert/strict";
import { it } from "node:test";
import { microTime, secondTime } from "../../../src/kube/index.ts";

it("A MicroTime has exactly six digits after the point, and a Time none", () => {
  assert.equal(microTime(1_700_000_000_000), "2023-11-14T22:13:20.000000Z");
  assert.equal(microTime(1_700_000_000_007), "2023-11-14T22:13:20.007000Z");
  assert.equal(secondTime(1_700_000_000_999), "2023-11-14T22:13:20Z");
});
