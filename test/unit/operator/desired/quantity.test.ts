import assert from "node:assert/strict";
import { test } from "node:test";
import { quantityValue } from "../../../../src/operator/desired/quantity.ts";

for (const [quantity, value] of [
  [128, 128],
  ["128", 128],
  ["500m", 0.5],
  ["1.5", 1.5],
  ["1.5Gi", 1.5 * 2 ** 30],
  ["512Mi", 2 ** 29],
  ["1G", 1e9],
] as const) {
  test(`${quantity} is ${value}`, () => assert.equal(quantityValue(quantity), value));
}

test("what is no quantity is a mistake of the caller, since the schema has checked it", () => {
  for (const text of ["", "1GB", "-1", "Gi"]) assert.throws(() => quantityValue(text), TypeError);
});
