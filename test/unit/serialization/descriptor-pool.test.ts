import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DescriptorPool } from "../../../src/serialization/descriptor-pool.ts";
import { ClassDescriptor } from "../../../src/serialization/index.ts";

const SERIALIZABLE = 2;

function described(name: string, fields: readonly string[] = [], superDescriptor?: ClassDescriptor): ClassDescriptor {
  const descriptors = fields.map((field) => ({ name: field, signature: "I", typeCode: 73 }));
  return new ClassDescriptor(name, 1n, SERIALIZABLE, descriptors, superDescriptor);
}

function manyFields(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `field${index}`);
}

describe("DescriptorPool", () => {
  it("gives one object for descriptors of equal content", () => {
    const pool = new DescriptorPool();
    const first = pool.intern(described("A", ["a"]));
    assert.equal(pool.intern(described("A", ["a"])), first);
    assert.notEqual(pool.intern(described("A", ["b"])), first);
    assert.notEqual(pool.intern(described("B", ["a"])), first);
  });

  it("keeps no more than its memory, however large the classes are that a peer makes up", () => {
    const pool = new DescriptorPool();
    const early = pool.intern(described("Early"));
    const huge = manyFields(60_000);
    let kept = 0;
    for (let index = 0; index < 3; index++) {
      const descriptor = pool.intern(described(`Huge${index}`, huge));
      if (pool.intern(described(`Huge${index}`, huge)) === descriptor) kept++;
    }
    assert.equal(kept, 1, "16 MiB hold one class of 60 000 fields");
    assert.equal(pool.intern(described("Early")), early);
    assert.equal(pool.intern(described("Small")), pool.intern(described("Small")), "what is left of the memory serves small ones");
  });

  it("keeps no class whose ancestor it does not keep, for that would hold the ancestor in memory", () => {
    const pool = new DescriptorPool();
    const huge = described("Huge", manyFields(100_000));
    assert.notEqual(pool.intern(described("Huge", manyFields(100_000))), pool.intern(huge));
    const heir = pool.intern(described("Heir", [], huge));
    assert.notEqual(pool.intern(described("Heir", [], huge)), heir);
    const base = pool.intern(described("Base"));
    const other = pool.intern(described("Heir", [], base));
    assert.equal(pool.intern(described("Heir", [], base)), other);
  });

  it("knows the bytes of a class that it keeps, and remembers none of others", () => {
    const pool = new DescriptorPool();
    const bytes = Buffer.from("000141000000000000000102000078", "hex");
    pool.learn(described("A"), bytes, -1, []);
    assert.equal(pool.match(bytes, 0, 0), undefined);
    const kept = pool.intern(described("A"));
    pool.learn(kept, bytes, -1, []);
    assert.equal(pool.match(Buffer.concat([bytes, bytes]), bytes.length, 5)?.descriptor, kept);
    assert.equal(pool.match(bytes.subarray(0, -1), 0, 0), undefined);
  });
});
