import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runInNewContext } from "node:vm";
import { ObjectInputStream, ObjectOutputStream, toJava, toJavaScript, UnsupportedValueError } from "../../../src/serialization/index.ts";

class Cart {
  items: string[] = [];
}
class Basket extends Array<string> {}
const cycle: { self?: unknown } = {};
cycle.self = [cycle];

function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

describe("toJava", () => {
  const refused: readonly (readonly [string, unknown, string, string])[] = [
    ["undefined", undefined, "", "undefined"],
    ["a function", () => 1, "", "function"],
    ["a symbol", Symbol("s"), "", "symbol"],
    ["a class instance", new Cart(), "", "instance of Cart"],
    ["an instance of a subclass of Array", Basket.from(["a"]), "", "instance of Basket"],
    ["a promise", Promise.resolve(1), "", "instance of Promise"],
    ["an error", new Error("x"), "", "instance of Error"],
    ["a regular expression", /x/, "", "instance of RegExp"],
    ["an Int32Array", new Int32Array(1), "", "instance of Int32Array"],
    ["a WeakMap", new WeakMap(), "", "instance of WeakMap"],
    ["a String object", new String("x"), "", "instance of String"],
    ["an invalid date", new Date(Number.NaN), "", "invalid Date"],
    ["an object with symbol keys", { [Symbol("s")]: 1 }, "", "object with symbol keys"],
    ["a hole in an array", new Array(1), "[0]", "undefined"],
    ["undefined in an object", { items: [{ price: undefined }] }, ".items[0].price", "undefined"],
    ["a function in a map", new Map([["two words", () => 1]]), '["two words"]', "function"],
    ["a function as key of a map", new Map([[() => 1, 1]]), "[() => 1]", "function"],
    ["a class instance in a set", new Set([1, new Cart()]), ".values()[1]", "instance of Cart"],
    ["a cycle", cycle, ".self[0]", "cycle"],
    ["nesting without end", deep(401), "[0]".repeat(400), "nesting deeper than 400"],
  ];
  for (const [name, value, path, type] of refused) {
    it(`refuses ${name}, naming where and what`, () => {
      assert.throws(
        () => toJava(value),
        (error: unknown) => {
          assert.ok(error instanceof UnsupportedValueError);
          assert.deepEqual({ path: error.path, type: error.type, code: error.code }, { path, type, code: "UNSUPPORTED_VALUE" });
          assert.ok(error.message.includes(type));
          return true;
        },
      );
    });
  }

  it("takes nesting of 400 levels, and its bytes can be written and read", () => {
    const stream = new ObjectOutputStream();
    stream.writeObject(toJava(deep(400)));
    assert.deepEqual(toJavaScript(new ObjectInputStream(stream.toBuffer()).readObject()), deep(400));
  });

  it("keeps what is shared shared, without taking it for a cycle", () => {
    const shared = { a: 1 };
    const [first, second] = toJavaScript(toJava([shared, shared])) as unknown[];
    assert.deepEqual(first, shared);
    assert.equal(first, second);
  });

  it("takes a value of 2^100 paths in 100 steps", () => {
    let value: unknown = "leaf";
    for (let level = 0; level < 100; level++) value = [value, value];
    assert.ok(toJava(value));
  });

  it("takes objects of another realm and objects without prototype", () => {
    const foreign = runInNewContext("({ list: [1], map: new Map([['k', 2]]), date: new Date(5) })");
    assert.deepEqual(toJavaScript(toJava(foreign)), { list: [1], map: new Map([["k", 2]]), date: new Date(5) });
    assert.deepEqual(toJavaScript(toJava(Object.assign(Object.create(null), { a: 1 }))), { a: 1 });
  });

  it("copies bytes, so that a later change of the buffer changes nothing", () => {
    const bytes = new Uint8Array([1, 2]);
    const java = toJava(bytes);
    bytes.fill(9);
    assert.deepEqual(toJavaScript(java), Buffer.from([1, 2]));
  });

  it("writes a key __proto__ as the data it is", () => {
    const value = JSON.parse('{"__proto__": 1}');
    assert.deepEqual(toJavaScript(toJava(value)), new Map([["__proto__", 1]]));
  });
});
