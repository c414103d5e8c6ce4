import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ByteReader, ByteWriter, UnexpectedEndError } from "../../../src/base/index.ts";

describe("ByteWriter and ByteReader", () => {
  it("read what was written, big-endian, growing past the first allocation", () => {
    const writer = new ByteWriter(2);
    writer
      .u8(0xfe)
      .u16(0xbeef)
      .i32(-2)
      .i64(-3n)
      .safeI64(1_795_169_296_293)
      .f32(0.5)
      .f64(-1.25)
      .latin1("Größe")
      .bytes(Buffer.from([1, 2]));
    const reader = new ByteReader(writer.toBuffer());
    assert.equal(reader.u8(), 0xfe);
    assert.equal(reader.u16(), 0xbeef);
    assert.equal(reader.i32(), -2);
    assert.equal(reader.i64(), -3n);
    assert.equal(reader.i64Number(), 1_795_169_296_293);
    assert.equal(reader.f32(), 0.5);
    assert.equal(reader.f64(), -1.25);
    assert.equal(reader.bytes(5).toString("latin1"), "Größe");
    assert.deepEqual([...reader.bytes(2)], [1, 2]);
    assert.equal(reader.remaining, 0);
  });

  for (const value of [0, 1, -1, 2 ** 32, -(2 ** 32) - 7, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
    it(`keeps ${value} exact as 64 bits without a bigint`, () => {
      const bytes = new ByteWriter().safeI64(value).toBuffer();
      assert.equal(bytes.readBigInt64BE(), BigInt(value));
      assert.equal(new ByteReader(bytes).i64Number(), value);
    });
  }

  it("patches a length that is known only afterwards, and nothing beyond", () => {
    const writer = new ByteWriter().i32(0).u8(7);
    writer.patchI32(0, 1);
    assert.deepEqual([...writer.toBuffer()], [0, 0, 0, 1, 7]);
    assert.throws(() => writer.patchI32(2, 1), RangeError);
  });

  it("refuses to read past the end or a negative length", () => {
    const reader = new ByteReader(Buffer.from([1, 2, 3]));
    assert.throws(() => reader.i32(), UnexpectedEndError);
    assert.throws(() => reader.bytes(-1), UnexpectedEndError);
    assert.equal(reader.u16(), 0x0102);
  });
});
