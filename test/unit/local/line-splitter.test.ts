import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LineSplitter } from "../../../src/local/line-splitter.ts";

function split(chunks: readonly string[], maxLineBytes = 100): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line), { maxLineBytes });
  for (const chunk of chunks) splitter.push(Buffer.from(chunk, "latin1"));
  splitter.end();
  return lines;
}

describe("LineSplitter", () => {
  const cases = [
    { chunks: ["one\ntwo\n"], lines: ["one", "two"] },
    { chunks: ["o", "ne", "\n", "two"], lines: ["one", "two"] },
    { chunks: ["\n\na\n"], lines: ["", "", "a"] },
    { chunks: [], lines: [] },
    { chunks: ["caf\u00c3", "\u00a9\n"], lines: ["café"] },
  ];
  for (const { chunks, lines } of cases) {
    it(`makes ${JSON.stringify(lines)} of ${JSON.stringify(chunks)}`, () => assert.deepEqual(split(chunks), lines));
  }

  it("leaves a line out that is longer than allowed, whether it comes at once or in parts, and reads on behind it", () => {
    assert.deepEqual(split(["123456\nok\n"], 5), ["ok"]);
    assert.deepEqual(split(["123", "456", "789", "\nok\n12345\n"], 5), ["ok", "12345"]);
    assert.deepEqual(split(["ok\n123456"], 5), ["ok"]);
  });
});
