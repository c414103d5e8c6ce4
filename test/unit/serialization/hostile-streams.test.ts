import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TomcatClusterError } from "../../../src/base/index.ts";
import {
  defineClass,
  JAVA,
  JavaArray,
  JavaObject,
  type JavaValue,
  javaObject,
  ObjectInputStream,
  ObjectOutputStream,
  peekClassName,
  StreamLimitError,
  toJava,
  toJavaScript,
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
          toJavaScript(value);
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
