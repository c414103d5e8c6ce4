import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ByteWriter } from "../../../src/base/index.ts";
import { decodeModifiedUtf8, modifiedUtf8Length, writeModifiedUtf8 } from "../../../src/serialization/modified-utf8.ts";

/** java.io.DataInput, "Modified UTF-8". */
const ROWS: readonly (readonly [string, string])[] = [
  ["", ""],
  ["a", "61"],
  ["\0", "c080"],
  ["\x7f\x80", "7fc280"],
  ["\u07ff\u0800", "dfbfe0a080"],
  ["\uffff", "efbfbf"],
  ["\u{1f600}", "eda0bdedb880"],
  ["\udc00\ud800", "edb080eda080"],
];

describe("modified UTF-8", () => {
  for (const [text, hex] of ROWS) {
    for (const [where, padding] of [
      ["alone", ""],
      ["behind much ASCII", "x".repeat(200)],
    ] as const) {
      it(`writes and reads ${JSON.stringify(text)} ${where} as ${hex}`, () => {
        const padded = padding + text;
        const expected = Buffer.concat([Buffer.from(padding), Buffer.from(hex, "hex")]);
        const length = modifiedUtf8Length(padded);
        assert.equal(length, expected.length);
        const writer = new ByteWriter();
        writeModifiedUtf8(writer, padded, length);
        assert.deepEqual(writer.toBuffer(), expected);
        assert.equal(decodeModifiedUtf8(Buffer.concat([Buffer.of(0xff), expected]), 1, expected.length), padded);
      });
    }
  }

  it("does not keep the bytes it read alive or read past them", () => {
    const bytes = Buffer.from("c3a9c3a9", "hex");
    const text = decodeModifiedUtf8(bytes, 0, 2);
    bytes.fill(0);
    assert.equal(text, "\u00e9");
    assert.throws(() => decodeModifiedUtf8(Buffer.from("c3a9", "hex"), 0, 1));
  });
});
