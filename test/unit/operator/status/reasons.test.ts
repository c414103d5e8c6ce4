import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { REASONS } from "../../../../src/operator/status/reasons.ts";

describe("REASONS", () => {
  it("are documented, each with its meaning, and no other", () => {
    const text = readFileSync(new URL("../../../../docs/operator.md", import.meta.url), "utf8");
    const table = text.slice(text.indexOf("| reason | meaning |"));
    const rows = [...table.matchAll(/^\| `(\w+)` \| (.+) \|$/gm)].map(([, reason, meaning]) => [reason, meaning]);
    assert.deepEqual(Object.fromEntries(rows), REASONS);
  });
});
