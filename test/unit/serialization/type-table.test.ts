import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  ClassDescriptor,
  JavaArray,
  JavaClass,
  JavaEnum,
  JavaObject,
  type JavaValue,
  javaDouble,
  javaLong,
  ObjectInputStream,
  ObjectOutputStream,
  toJava,
  toJavaScript,
} from "../../../src/serialization/index.ts";
import { javaStream } from "../../support/java-values.ts";

function read(name: string): JavaValue {
  return new ObjectInputStream(javaStream(name)).readObject();
}

function bytesOf(value: JavaValue): Buffer {
  const stream = new ObjectOutputStream();
  stream.writeObject(value);
  return stream.toBuffer();
}

/** Each row: the bytes of real Java become this value, and this value, fresh, becomes the same bytes. */
const BOTH_WAYS: Readonly<Record<string, unknown>> = {
  string: "text",
  "string-empty": "",
  "string-wide": "h\u00e9llo \u20ac \u{1f600} \0 \ud800 end",
  integer: 42,
  "integer-min": -2147483648,
  "long-time": 1700000000000,
  "long-negative": -1700000000000,
  double: 1.5,
  "double-nan": Number.NaN,
  "double-infinite": Number.NEGATIVE_INFINITY,
  "boolean-true": true,
  "boolean-false": false,
  biginteger: 123456789012345678901234567890n,
  "biginteger-negative": -255n,
  "biginteger-zero": 0n,
  date: new Date(1700000000123),
  "date-before-1970": new Date(-1),
  bytes: Buffer.from([1, 2, 253]),
  "bytes-empty": Buffer.alloc(0),
  arraylist: ["a", 1, true, null, 1.5],
  "arraylist-empty": [],
  hashmap: new Map([["k", "v"]]),
  "hashmap-empty": new Map(),
  "hashmap-intkeys": new Map<unknown, unknown>([
    [null, null],
    [1, "one"],
  ]),
  "hashmap-13": new Map(Array.from("abcdefghijklm", (letter, index) => [letter, index])),
  linkedhashmap: { b: 1, a: [2], n: null },
  "linkedhashmap-empty": {},
  linkedhashset: new Set(["b", "a"]),
  "linkedhashset-empty": new Set(),
  null: null,
};

/** Each row: Java's bytes become this value; fresh, it would become the class of the type table's row for it. */
const ONE_WAY: Readonly<Record<string, unknown>> = {
  long: 5,
  "long-max": 9223372036854775807n,
  "double-whole": 3,
  float: 1.25,
  short: -7,
  byte: -8,
  character: "\u20ac",
  linkedlist: ["a", "b"],
  arraydeque: ["a", "b"],
  vector: ["a", "b"],
  stack: ["a"],
  copyonwritearraylist: ["a", "b"],
  "arrays-aslist": ["a", 1, null],
  "list-of-1": ["a"],
  "list-of-3": ["a", "b", "c"],
  "stream-tolist": ["a", null],
  unmodifiablelist: ["a"],
  unmodifiablecollection: ["a"],
  synchronizedlist: ["a"],
  emptylist: [],
  singletonlist: ["a"],
  "linkedhashmap-long": { n: 5, list: [6, 7] },
  "linkedhashmap-intkeys": new Map([[1, "one"]]),
  treemap: new Map([
    ["a", 2],
    ["b", 1],
  ]),
  hashtable: new Map([["k", "v"]]),
  properties: new Map([["k", "v"]]),
  concurrenthashmap: new Map([["k", "v"]]),
  concurrentskiplistmap: new Map([
    ["a", 2],
    ["b", 1],
  ]),
  identityhashmap: new Map([["k", "v"]]),
  unmodifiablesortedmap: new Map([["k", "v"]]),
  unmodifiablenavigablemap: new Map([["k", "v"]]),
  synchronizedsortedmap: new Map([["k", "v"]]),
  synchronizednavigablemap: new Map([["k", "v"]]),
  emptynavigablemap: new Map(),
  checkedmap: new Map([["k", "v"]]),
  "map-of-1": new Map([["k", "v"]]),
  unmodifiablemap: new Map([["k", "v"]]),
  synchronizedmap: new Map([["k", "v"]]),
  emptymap: new Map(),
  singletonmap: new Map([["k", "v"]]),
  hashset: new Set(["a"]),
  treeset: new Set(["a", "b"]),
  "set-of-1": new Set(["a"]),
  copyonwritearrayset: new Set(["a", "b"]),
  concurrentskiplistset: new Set(["a", "b"]),
  setfrommap: new Set(["a"]),
  keysetview: new Set(["a"]),
  unmodifiablesortedset: new Set(["a"]),
  unmodifiablenavigableset: new Set(["a"]),
  synchronizedsortedset: new Set(["a"]),
  synchronizednavigableset: new Set(["a"]),
  emptynavigableset: new Set(),
  checkedset: new Set(["a"]),
  "unmodifiableset-of-synchronizedset": new Set(["a"]),
  unmodifiableset: new Set(["a"]),
  synchronizedset: new Set(["a"]),
  emptyset: new Set(),
  singletonset: new Set(["a"]),
};

/** Each row: stays a node of that class, which goes out again unchanged. */
const INERT: Readonly<Record<string, readonly [new (...args: never[]) => object, string]>> = {
  uuid: [JavaObject, "java.util.UUID"],
  enum: [JavaEnum, "JavaValues$Color"],
  "enum-body": [JavaEnum, "JavaValues$Color"],
  class: [JavaClass, "java.lang.Class"],
  "class-int": [JavaClass, "java.lang.Class"],
  point: [JavaObject, "JavaValues$Point"],
  custom: [JavaObject, "JavaValues$Custom"],
  ints: [JavaArray, "[I"],
  longs: [JavaArray, "[J"],
  strings: [JavaArray, "[Ljava.lang.String;"],
  nested: [JavaArray, "[[Ljava.lang.Object;"],
  bigdecimal: [JavaObject, "java.math.BigDecimal"],
  timestamp: [JavaObject, "java.sql.Timestamp"],
  localdate: [JavaObject, "java.time.Ser"],
  enummap: [JavaObject, "java.util.EnumMap"],
  atomiclong: [JavaObject, "java.util.concurrent.atomic.AtomicLong"],
  exception: [JavaObject, "java.lang.IllegalStateException"],
  "exception-caused": [JavaObject, "java.lang.IllegalStateException"],
  uri: [JavaObject, "java.net.URI"],
  locale: [JavaObject, "java.util.Locale"],
  calendar: [JavaObject, "java.util.GregorianCalendar"],
  bitset: [JavaObject, "java.util.BitSet"],
  enumset: [JavaObject, "java.util.EnumSet$SerializationProxy"],
  priorityqueue: [JavaObject, "java.util.PriorityQueue"],
  ncopies: [JavaObject, "java.util.Collections$CopiesList"],
  record: [JavaObject, "JavaValues$Pair"],
  externalizable: [JavaObject, "JavaValues$External"],
  "comparator-lambda": [JavaObject, "java.lang.invoke.SerializedLambda"],
  "class-descriptor": [ClassDescriptor, "java.io.ObjectStreamClass"],
  "class-descriptors": [JavaArray, "[Ljava.lang.Object;"],
  "array-in-itself": [JavaArray, "[Ljava.lang.Object;"],
  "treemap-comparator": [JavaObject, "java.util.TreeMap"],
  "concurrentskiplistmap-comparator": [JavaObject, "java.util.concurrent.ConcurrentSkipListMap"],
  "hashmap-one-key-two-types": [JavaObject, "java.util.HashMap"],
};

describe("the type table, both ways and byte for byte (rule 15)", () => {
  for (const [name, expected] of Object.entries(BOTH_WAYS)) {
    it(`${name} of Java reads as ${label(expected)}, which writes as the same bytes`, () => {
      const java = read(name);
      const value = toJavaScript(java);
      assert.deepEqual(value, expected);
      assert.equal(toJava(value, java), java, "unchanged, it is the same node");
      assert.deepEqual(bytesOf(toJava(expected)), javaStream(name));
    });
  }
});

describe("further classes of java.lang and java.util", () => {
  for (const [name, expected] of Object.entries(ONE_WAY)) {
    it(`${name} of Java reads as ${label(expected)} and goes out as it came while it is unchanged`, () => {
      const java = read(name);
      assert.deepEqual(toJavaScript(java), expected);
      assert.equal(toJava(toJavaScript(java), java), java);
      assert.deepEqual(bytesOf(java), javaStream(name));
    });
  }
});

describe("classes outside the type table (rule 15)", () => {
  for (const [name, [node, className]] of Object.entries(INERT)) {
    it(`${name} stays a node of ${className}, with the same bytes in a stream of its own and in one with other things`, () => {
      const java = read(name);
      assert.ok(java instanceof node);
      assert.equal((java as JavaObject).className, className);
      assert.equal(toJavaScript(java), java);
      assert.equal(toJava(java), java);
      assert.deepEqual(bytesOf(java), javaStream(name));

      const nested = toJava({ other: [1, "x"], it: java, again: java });
      const back = new ObjectInputStream(bytesOf(nested)).readObject();
      const inner = toJavaScript(back) as { it: JavaValue; again: JavaValue };
      assert.equal(inner.it, inner.again, "shared in Java stays shared");
      assert.deepEqual(bytesOf(inner.it), javaStream(name), "handles are numbered anew");
    });
  }
});

describe("the Java type that was there before (rule 15)", () => {
  const long = javaLong(5);
  const double = javaDouble(3);
  const rows: readonly (readonly [string, unknown, JavaValue, string])[] = [
    ["a Long stays one", 6, long, "java.lang.Long"],
    ["a Long becomes a Double when the value is a fraction", 6.5, long, "java.lang.Double"],
    ["a Long takes a bigint of 64 bits", 2n ** 62n, long, "java.lang.Long"],
    ["a Long gives way to a bigint of more", 2n ** 63n, long, "java.math.BigInteger"],
    ["a Double stays one for a whole number", 4, double, "java.lang.Double"],
    ["an Integer becomes a Long when the value is too large", 2 ** 31, toJava(1), "java.lang.Long"],
    ["a Short stays one", 300, read("short"), "java.lang.Short"],
    ["a Short becomes an Integer when the value is too large", 40000, read("short"), "java.lang.Integer"],
    ["a Byte stays one", -128, read("byte"), "java.lang.Byte"],
    ["a Float stays one", 0.5, read("float"), "java.lang.Float"],
    ["a Float becomes a Double when it would lose digits", 0.1, read("float"), "java.lang.Double"],
    ["a Character stays one", "x", read("character"), "java.lang.Character"],
    ["a bigint without a Long before is a BigInteger", 5n, null, "java.math.BigInteger"],
    ["minus zero is the Integer 0", -0, null, "java.lang.Integer"],
    ["a boolean in place of a Long is a Boolean", true, long, "java.lang.Boolean"],
    ["2^53 is a Double", 2 ** 53, null, "java.lang.Double"],
  ];
  for (const [name, value, previous, className] of rows) {
    it(name, () => {
      const java = toJava(value, previous);
      assert.ok(java instanceof JavaObject);
      assert.equal(java.className, className);
      assert.deepEqual(toJavaScript(new ObjectInputStream(bytesOf(java)).readObject()), Object.is(value, -0) ? 0 : value);
    });
  }

  it("holds inside maps and lists, where only what changed becomes new", () => {
    const java = read("linkedhashmap-long");
    const value = toJavaScript(java) as { n: number; list: number[] };
    value.n = 8;
    value.list.push(9);
    const changed = toJava(value, java) as JavaObject;
    const [, , n, , list] = changed.annotation("java.util.HashMap") as [unknown, unknown, JavaObject, unknown, JavaObject];
    assert.equal(n.className, "java.lang.Long");
    assert.deepEqual(
      list
        .annotation()
        .slice(1)
        .map((node) => (node as JavaObject).className),
      ["java.lang.Long", "java.lang.Double", "java.lang.Integer"],
    );
  });

  it("does not take one null key for another key that is gone", () => {
    const java = toJava(new Map([["a", null]]));
    assert.deepEqual(toJavaScript(toJava(new Map([[null, null]]), java)), new Map([[null, null]]));
  });

  it("sees every kind of change in a map, a set and a list", () => {
    const map = toJava({ a: 1, b: 2 });
    for (const changed of [{ a: 1 }, { a: 1, b: 3 }, { a: 1, c: 2 }, { a: 1, b: 2, c: 3 }]) {
      assert.deepEqual(toJavaScript(toJava(changed, map)), changed);
    }
    const set = toJava(new Set([1, 2]));
    for (const changed of [new Set([1]), new Set([1, 3]), new Set([1, 2, 3])])
      assert.deepEqual(toJavaScript(toJava(changed, set)), changed);
    const list = toJava([1, 2]);
    for (const changed of [[1], [2, 1], [1, 2, 3]]) assert.deepEqual(toJavaScript(toJava(changed, list)), changed);
  });
});

function label(value: unknown): string {
  if (typeof value === "object" && value !== null) return value.constructor.name;
  return typeof value === "bigint" ? `${value}n` : (JSON.stringify(value) ?? String(value));
}
