import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { javaDouble, javaLong } from "../../../src/java-types/index.ts";
import { ReplicatedAttribute } from "../../../src/replication/session/replicated-attribute.ts";
import { toJava } from "../../../src/serialization/index.ts";

/** The Java class and the number of a value. */
function typed(value: unknown): [string, unknown] {
  const java = toJava(value) as { readonly className: string; readonly fields: readonly unknown[] };
  return [java.className, java.fields[0]];
}

describe("Java types for applications (rule 15)", () => {
  it("make a Long of any exact integer, and a Double of any number", () => {
    assert.deepEqual(typed(javaLong(5)), ["java.lang.Long", 5]);
    assert.deepEqual(typed(javaLong(2n ** 63n - 1n)), ["java.lang.Long", 2n ** 63n - 1n]);
    assert.deepEqual(typed(javaDouble(5)), ["java.lang.Double", 5]);
  });

  it("refuse what is no Long", () => {
    for (const value of [0.5, 2 ** 53, Number.NaN, 2n ** 63n]) assert.throws(() => javaLong(value), RangeError);
  });

  it("are plain numbers again for whoever reads the attribute, here as elsewhere", () => {
    const attribute = ReplicatedAttribute.set({ ids: [javaLong(1), 2], price: javaDouble(3) }, undefined);
    assert.deepEqual(attribute.value, { ids: [1, 2], price: 3 });
    assert.deepEqual(ReplicatedAttribute.received(attribute.java).value, attribute.value);
    assert.equal(attribute.refresh(), false);
  });

  it("stay with the attribute when a plain number follows, and with the elements of a list that is changed in place", () => {
    const first = ReplicatedAttribute.set(javaLong(1), undefined);
    const next = ReplicatedAttribute.set(2, first).java as { readonly className: string };
    assert.equal(next.className, "java.lang.Long");
    const list = ReplicatedAttribute.set([javaLong(1)], undefined);
    (list.value as number[])[0] = 7;
    assert.equal(list.refresh(), true);
    assert.deepEqual(list.java, toJava([javaLong(7)]));
  });

  it("refuses an object that only looks like one", () => {
    assert.throws(() => toJava({ [Symbol.for("tomcat-cluster.java-number")]: "java.lang.Short", value: 1 }), { code: "UNSUPPORTED_VALUE" });
  });
});
