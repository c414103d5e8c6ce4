import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { memberChange } from "../../../src/local/member-lines.ts";

describe("memberChange", () => {
  const cases = [
    {
      line: '{"level":"info","member":"tcp://127.0.5.3:4000","msg":"Member added"}',
      expected: { event: "memberAdded", address: "127.0.5.3" },
    },
    {
      line: '{"level":"warn","member":"tcp://127.0.5.4:4000","msg":"Member disappeared"}',
      expected: { event: "memberDisappeared", address: "127.0.5.4" },
    },
    { line: '{"level":"info","member":"tcp://127.0.5.3:4000","msg":"Member is suspect"}', expected: undefined },
    { line: '{"level":"info","member":7,"msg":"Member added"}', expected: undefined },
    { line: '{"level":"info","msg":"Member added"}', expected: undefined },
    { line: '{"level":"info","msg":"toString","note":"\\"Member "}', expected: undefined },
    { line: 'console.log of an application: "Member added"', expected: undefined },
    { line: '"Member added"', expected: undefined },
    { line: "", expected: undefined },
  ];
  for (const { line, expected } of cases) {
    it(`reads ${expected ? `${expected.event} of ${expected.address}` : "nothing"} from ${line === "" ? "an empty line" : line}`, () =>
      assert.deepEqual(memberChange(line), expected));
  }
});
