import assert from "node:assert/strict";
import { test } from "node:test";
import { LineTooLongError, readLines } from "../../../src/base/lines.ts";

async function* inPieces(text: string, bytes: number): AsyncGenerator<Buffer> {
  const whole = Buffer.from(text);
  for (let at = 0; at < whole.length; at += bytes) yield whole.subarray(at, at + bytes);
}

async function linesOf(text: string, pieceBytes: number, maxBytes = 100): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of readLines(inPieces(text, pieceBytes), maxBytes)) lines.push(line.toString("utf8"));
  return lines;
}

test("Lines come whole, in whatever pieces their bytes come", async () => {
  const text = "one\nzwölf\n\nthree\nunfinished";
  for (let bytes = 1; bytes <= Buffer.byteLength(text); bytes++) {
    assert.deepEqual(await linesOf(text, bytes), ["one", "zwölf", "three"], `pieces of ${bytes}`);
  }
});

test("A line may have as many bytes as are allowed, and not one more", async () => {
  for (const bytes of [1, 4, 5, 6, 20]) {
    assert.deepEqual(await linesOf("12345\n12345\n", bytes, 5), ["12345", "12345"]);
    await assert.rejects(linesOf("123456", bytes, 5), LineTooLongError);
    await assert.rejects(linesOf("1\n123456\n", bytes, 5), LineTooLongError);
  }
});
