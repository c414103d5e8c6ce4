import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  defineClass,
  type FieldValue,
  JAVA,
  type JavaArray,
  JavaObject,
  type JavaValue,
  javaArrayList,
  javaByteArray,
  javaInteger,
  javaObject,
  ObjectInputStream,
  StreamLimitError,
  toJava,
  toJavaScript,
} from "../../../src/serialization/index.ts";
import { javaStream } from "../../support/java-values.ts";

const listView = defineClass("java.util.Collections$UnmodifiableList", 1n, 2, { list: "Ljava/util/List;" });
const mapView = defineClass("java.util.Collections$UnmodifiableMap", 1n, 2, { m: "Ljava/util/Map;" });
const setFromMap = defineClass("java.util.Collections$SetFromMap", 1n, 2, { m: "Ljava/util/Map;" });

/** A list behind so many views. */
function viewed(levels: number): JavaObject {
  return levels === 0 ? javaArrayList(["a"]) : javaObject(listView, { list: viewed(levels - 1) });
}

function viewOfItself(): JavaObject {
  const fields: FieldValue[] = [];
  const view = new JavaObject(listView, fields);
  fields.push(view);
  return view;
}

function read(name: string): JavaValue {
  return new ObjectInputStream(javaStream(name)).readObject();
}

describe("toJavaScript", () => {
  for (const name of ["proto", "constructor", "prototype"]) {
    it(`gives a Map in place of an object for the key of linkedhashmap-${name}`, () => {
      const value = toJavaScript(read(`linkedhashmap-${name}`));
      assert.ok(value instanceof Map);
      assert.equal(value.get(name === "proto" ? "__proto__" : name), "x");
      assert.equal(({} as { x?: unknown }).x, undefined);
    });
  }

  it("keeps a shared object shared", () => {
    const [first, second] = toJavaScript(read("shared")) as unknown[];
    assert.deepEqual(first, ["x"]);
    assert.equal(first, second);
  });

  it("keeps a cycle a cycle", () => {
    const list = toJavaScript(read("cycle")) as unknown[];
    assert.equal(list[0], list);
  });

  it("keeps a map that holds itself, and a list of an array that holds itself, as they are", () => {
    const map = toJavaScript(read("hashmap-in-itself")) as Map<string, unknown>;
    assert.equal(map.get("self"), map);
    const [array] = toJavaScript(read("list-in-itself")) as JavaArray[];
    assert.equal(array?.elements[0], array);
  });

  it("looks through four views", () => {
    assert.deepEqual(toJavaScript(viewed(4)), ["a"]);
  });

  it("refuses a list that many views would multiply, and a number that many BigIntegers share", () => {
    const large = javaArrayList(new Array<null>(10_000).fill(null));
    const views = Array.from({ length: 1000 }, () => javaObject(listView, { list: large }));
    assert.throws(() => toJavaScript(javaArrayList(views)), StreamLimitError);
    assert.deepEqual(
      (toJavaScript(javaArrayList(views.slice(0, 2))) as unknown[][]).map((list) => list.length),
      [10_000, 10_000],
    );

    const magnitude = javaByteArray(Buffer.alloc(1_000_000, 1));
    const numbers = Array.from({ length: 100 }, () => javaObject(JAVA.bigInteger, { signum: 1, magnitude }, []));
    assert.throws(() => toJavaScript(javaArrayList(numbers)), StreamLimitError);
    assert.equal((toJavaScript(javaArrayList(numbers.slice(0, 2))) as bigint[])[1], toJavaScript(numbers[0]!));
  });

  it("gives bytes that may be changed without changing the node", () => {
    const java = read("bytes");
    (toJavaScript(java) as Buffer).fill(9);
    assert.deepEqual(toJavaScript(java), Buffer.from([1, 2, 253]));
  });

  it("makes a container anew at each call", () => {
    const java = read("arraylist");
    assert.notEqual(toJavaScript(java), toJavaScript(java));
  });

  it("converts a node once however often the graph shares it, so that 2^100 paths cost 100 steps", () => {
    let list: JavaValue = javaArrayList(["leaf"]);
    for (let level = 0; level < 100; level++) list = javaArrayList([list, list]);
    let value = toJavaScript(list) as unknown[];
    for (let level = 0; level < 100; level++) value = value[1] as unknown[];
    assert.deepEqual(value, ["leaf"]);
  });

  it("refuses a graph that is deeper than its nesting in the stream was", () => {
    const lists: JavaObject[] = [javaArrayList([])];
    for (let level = 0; level < 100_000; level++) lists.push(javaArrayList([lists.at(-1)!]));
    assert.throws(() => toJavaScript(lists.at(-1)!), StreamLimitError);
  });

  const misshapen: readonly (readonly [string, JavaValue])[] = [
    ["an Integer whose value is text", javaObject(JAVA.integer, { value: "x" })],
    ["a Date without its time", javaObject(JAVA.date)],
    ["a Date beyond JavaScript's range", javaObject(JAVA.date, {}, [Buffer.from("7fffffffffffffff", "hex")])],
    ["an ArrayList without its size", javaObject(JAVA.arrayList, { size: 1 }, ["a"])],
    ["an ArrayList with another size", javaObject(JAVA.arrayList, { size: 2 }, [Buffer.from([0, 0, 0, 2]), "a"])],
    [
      "an ArrayList with primitives among its elements",
      javaObject(JAVA.arrayList, { size: 2 }, [Buffer.from([0, 0, 0, 2]), "a", Buffer.of(1)]),
    ],
    ["a HashMap with a negative size", javaObject(JAVA.hashMap, {}, [Buffer.from("00000010ffffffff", "hex")])],
    ["a HashMap without entries data", javaObject(JAVA.hashMap)],
    ["a BigInteger without digits", javaObject(JAVA.bigInteger, { signum: 1 })],
    ["a view of itself", viewOfItself()],
    ["a view behind four others", viewed(5)],
    ["a list that is a view of a map", javaObject(listView, { list: toJava(new Map()) })],
    ["a map that is a view of a list", javaObject(mapView, { m: javaArrayList(["k", "v"]) })],
    ["a set of the keys of a list", javaObject(setFromMap, { m: javaArrayList(["k", "v"]) })],
    [
      "a HashSet whose elements are the same in JavaScript",
      toJava(new Set()) &&
        javaObject(JAVA.hashSet, {}, [Buffer.from("000000103f40000000000002", "hex"), javaInteger(1), javaObject(JAVA.long, { value: 1 })]),
    ],
  ];
  for (const [name, node] of misshapen) {
    it(`leaves ${name} as the node it is`, () => {
      assert.equal(toJavaScript(node), node);
    });
  }
});
