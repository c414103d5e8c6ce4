// Sessions of a real Apache Tomcat 10.1 and a worker of ours without HTTP: the type table (rule 15) and who changes what when (13, 14, 16, 22).
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { UnreplicableAttributeError } from "../../src/replication/errors.ts";
import { JavaObject, javaDouble, javaLong } from "../../src/serialization/index.ts";
import { ReplicatedWorker } from "../support/replicated-worker.ts";
import { ScriptedResolver } from "../support/scripted-resolver.ts";
import { ask, attributeIn, eventually, held, idIn } from "../support/session-requests.ts";
import { RealTomcat } from "../support/tomcat.ts";

const OURS = "127.0.87.2";
const JAVA = "127.0.87.4";
const HEARTBEAT_MS = 500;

const cookieOf = (id: string) => `JSESSIONID=${id}`;

class Cart {
  readonly items = [];
}

describe("values of a real Tomcat 10.1 and of a worker of ours", () => {
  let tomcat: RealTomcat;
  let worker: ReplicatedWorker;

  before(async () => {
    const resolver = new ScriptedResolver();
    resolver.found(OURS, JAVA);
    const members = [OURS, JAVA];
    const addresses = { members, httpPort: 8080, receiverPort: 4000 };
    tomcat = new RealTomcat({ name: "java", address: JAVA, ...addresses, channelSendOptions: 6, heartbeatMs: HEARTBEAT_MS });
    worker = new ReplicatedWorker({ address: OURS, port: 4000, resolver, heartbeatSleepMs: HEARTBEAT_MS });
    await tomcat.start();
    await worker.start();
  });
  after(async () => {
    await worker.stop();
    await tomcat.stop();
  });

  const setInTomcat = async (kind: string, cookie = "") => (await ask(tomcat.url, `op=set&k=v&v=${kind}`, cookie)).cookie;
  const setInOurs = (value: unknown) => worker.create((session) => session.setAttribute("v", value));
  const inOurs = (id: string, name = "v") => worker.find(id).getAttribute(name);
  const inTomcat = async (id: string, name = "v") => attributeIn(await held(tomcat.url, name, cookieOf(id)));

  describe("from Java to JavaScript and back (rule 15)", () => {
    /** Kind; what an application of ours reads; what it sets in its place; what Java has then. */
    const ROWS: readonly (readonly [string, unknown, unknown, string])[] = [
      ["integer", 42, 43, "java.lang.Integer 43"],
      ["zero", 0, 1, "java.lang.Long 1"],
      ["long", 2 ** 40, 7, "java.lang.Long 7"],
      ["wide", 2n ** 63n - 1n, 2n ** 63n - 2n, "java.lang.Long 9223372036854775806"],
      ["whole", 3, 4, "java.lang.Double 4.0"],
      ["double", 2.5, 0.1, "java.lang.Double 0.1"],
      ["float", 1.5, 2.5, "java.lang.Float 2.5"],
      ["short", 9, 10, "java.lang.Short 10"],
      ["byte", -3, 127, "java.lang.Byte 127"],
      ["character", "x", "y", "java.lang.Character y"],
      ["small", 5n, 6n, "java.math.BigInteger 6"],
      ["boolean", true, false, "java.lang.Boolean false"],
      ["string", "Größe €", "", "java.lang.String"],
      ["date", new Date(1_700_000_000_000), new Date(0), "java.util.Date 0"],
      ["bytes", Buffer.from([0, 1, 255]), new Uint8Array([128]), "[B [-128]"],
      ["list", ["a", 1, true, null], [], "java.util.ArrayList []"],
      [
        "numbers",
        new Map<unknown, unknown>([
          [1, "one"],
          [2 ** 41, "large"],
          [true, 2.5],
        ]),
        new Map([[3, "three"]]),
        "java.util.HashMap {3=three}",
      ],
      ["set", new Set(["one", "two"]), new Set([1]), "java.util.LinkedHashSet [1]"],
    ];
    for (const [kind, read, written, java] of ROWS) {
      it(`reads a ${kind} as ${typeof read}, and ${java} is there after a change`, async () => {
        const cookie = await setInTomcat(kind);
        assert.deepEqual(inOurs(idIn(cookie)), read);
        await worker.request(idIn(cookie), (session) => session.setAttribute("v", written));
        assert.equal((await inTomcat(idIn(cookie))).trim(), java);
      });
    }

    it("keeps the Java types inside a map of which one value changes in place (rule 14)", async () => {
      const cookie = await setInTomcat("nested");
      await worker.request(idIn(cookie), (session) => {
        const value = session.getAttribute("v") as { when: Date; tags: Set<string>; price: number; count: number };
        assert.deepEqual(value, { when: new Date(1_700_000_000_000), tags: new Set(["a", "b"]), price: 2, count: 7 });
        value.price += 1;
        value.count += 1;
        value.tags.add("c");
      });
      const text = await inTomcat(idIn(cookie));
      assert.match(text, /^java\.util\.LinkedHashMap \{when=.+, tags=\[a, b, c\], price=3\.0, count=8\}$/);
    });
  });

  describe("from JavaScript to Java (rule 15)", () => {
    const ROWS: readonly (readonly [string, unknown, string])[] = [
      ["an integer in 32 bits", -(2 ** 31), "java.lang.Integer -2147483648"],
      ["a safe integer", 2 ** 31, "java.lang.Long 2147483648"],
      ["the largest safe integer", Number.MAX_SAFE_INTEGER, "java.lang.Long 9007199254740991"],
      ["a number beyond", 2 ** 60, "java.lang.Double 1.15292150460684698E18"],
      ["a fraction", 0.5, "java.lang.Double 0.5"],
      ["NaN", Number.NaN, "java.lang.Double NaN"],
      ["a bigint", 1n, "java.math.BigInteger 1"],
      ["a bigint below 64 bits", -(2n ** 70n), "java.math.BigInteger -1180591620717411303424"],
      ["javaLong(5)", javaLong(5), "java.lang.Long 5"],
      ["javaDouble(5)", javaDouble(5), "java.lang.Double 5.0"],
      ["a Uint8Array", new Uint8Array([1, 2]), "[B [1, 2]"],
      ["nested values", { list: [1, { deep: [2n ** 40n, null] }] }, "java.util.LinkedHashMap {list=[1, {deep=[1099511627776, null]}]}"],
      [
        "a Map whose keys are not strings",
        new Map<unknown, unknown>([
          [1, "one"],
          [true, new Date(0)],
        ]),
        "java.util.HashMap {1=one, true=",
      ],
      ["a string outside of the Basic Multilingual Plane, with a zero", "\u{1F600}\0ß", "java.lang.String \u{1F600}\0ß"],
    ];
    for (const [what, value, java] of ROWS) {
      it(`shows ${what} as ${JSON.stringify(java)}`, async () => {
        const id = await setInOurs(value);
        const text = await inTomcat(id);
        assert.equal(java.endsWith("=") ? text.slice(0, java.length) : text, java);
      });
    }

    it("keeps the type that javaLong and javaDouble have given when a plain number follows", async () => {
      const id = await worker.create((session) => {
        session.setAttribute("l", javaLong(1));
        session.setAttribute("d", javaDouble(1));
      });
      await worker.request(id, (session) => {
        session.setAttribute("l", 2);
        session.setAttribute("d", 2);
      });
      assert.deepEqual([await inTomcat(id, "l"), await inTomcat(id, "d")], ["java.lang.Long 2", "java.lang.Double 2.0"]);
    });

    it("removes an attribute that is set to null or removed, on either side", async () => {
      const id = await worker.create((session) => {
        session.setAttribute("v", 1);
        session.setAttribute("w", 1);
      });
      await worker.request(id, (session) => session.setAttribute("v", null));
      await worker.request(id, (session) => session.removeAttribute("w"));
      assert.deepEqual([await inTomcat(id), await inTomcat(id, "w")], ["null", "null"]);
      const cookie = await setInTomcat("string");
      await setInTomcat("null", cookie);
      assert.deepEqual(worker.find(idIn(cookie)).getAttributeNames(), []);
    });

    it("refuses what has no Java form, naming attribute and type, and nothing of it travels", async () => {
      const cycle: unknown[] = [];
      cycle.push(cycle);
      const id = await setInOurs(1);
      await worker.request(id, (session) => {
        assert.throws(() => session.setAttribute("basket", undefined), /"basket" cannot be undefined/);
        for (const [value, type] of [
          [() => 1, "function"],
          [Symbol("s"), "symbol"],
          [new Cart(), "instance of Cart"],
          [cycle, "cycle"],
          [{ inside: [undefined] }, "undefined"],
        ] as const) {
          const refusal = { name: UnreplicableAttributeError.name, message: new RegExp(`"basket".*${type}`) };
          assert.throws(() => session.setAttribute("basket", value), refusal);
        }
      });
      assert.deepEqual([await inTomcat(id), await inTomcat(id, "basket")], ["java.lang.Integer 1", "null"]);
    });
  });

  describe("objects of a class that only the Java side knows (rule 15)", () => {
    const BASKET = "Basket Ann 12.50 LARGE [2, 1] [Bob 0.10 LARGE [2, 1] [] true] true";

    it("go out again unchanged with the state of a worker and under another name", async () => {
      const cookie = await setInTomcat("basket");
      const id = idIn(cookie);
      assert.ok(inOurs(id) instanceof JavaObject);
      await worker.request(id, (session) => session.setAttribute("copy", session.getAttribute("v")));
      assert.equal(await inTomcat(id, "copy"), BASKET);
    });

    it("stand inside a list that an application of ours makes", async () => {
      const cookie = await setInTomcat("basket");
      const id = idIn(cookie);
      await worker.request(id, (session) => session.setAttribute("list", [session.getAttribute("v"), 1]));
      assert.equal(await inTomcat(id, "list"), `java.util.ArrayList [${BASKET.slice("Basket ".length)}, 1]`);
    });

    it("do not keep other attributes of the session from being read and changed", async () => {
      const cookie = await setInTomcat("uuid");
      await ask(tomcat.url, "op=set&k=other&v=integer", cookie);
      await worker.request(idIn(cookie), (session) => session.setAttribute("other", 43));
      assert.deepEqual(
        [await inTomcat(idIn(cookie), "other"), await inTomcat(idIn(cookie))],
        ["java.lang.Integer 43", "java.util.UUID 00000000-0000-0001-0000-000000000002"],
      );
    });
  });

  describe("requests at the same time", () => {
    it("a change of the Tomcat that arrives during a request of ours takes nothing from what that request has changed (rule 13)", async () => {
      const id = await worker.create((session) => session.setAttribute("both", "before"));
      await worker.request(id, async (session) => {
        session.setAttribute("both", "ours");
        session.setAttribute("mine", 1);
        const { cookie } = await ask(tomcat.url, "op=set&k=both&v=string", cookieOf(id));
        await ask(tomcat.url, "op=set&k=theirs&v=integer", cookie);
        assert.deepEqual([session.getAttribute("both"), session.getAttribute("theirs")], ["ours", 42]);
      });
      // The Tomcat's request has given the session its own route; its old id stays an alias here.
      const name = worker.find(id).id;
      assert.match(name, /\.java$/);
      assert.deepEqual(
        [await inTomcat(name, "both"), await inTomcat(name, "mine"), await inTomcat(name, "theirs")],
        ["java.lang.String ours", "java.lang.Integer 1", "java.lang.Integer 42"],
      );
    });

    it("a change of ours that arrives during a request of the Tomcat makes it forget to tell what that request has changed", async () => {
      const cookie = await setInTomcat("string");
      const id = idIn(cookie);
      await ask(tomcat.url, "op=hold");
      const running = ask(tomcat.url, "op=set&k=theirs&v=integer&wait=1", cookie);
      await eventually(
        () => inTomcat(id, "theirs"),
        (text) => text === "java.lang.Integer 42",
      );
      await worker.request(id, (session) => session.setAttribute("mine", 1));
      await ask(tomcat.url, "op=release");
      await running;
      assert.deepEqual([await inTomcat(id, "theirs"), await inTomcat(id, "mine")], ["java.lang.Integer 42", "java.lang.Integer 1"]);
      // ha.md 3.4: it discards its own record. Only sessions that stay with one member at a time are safe from that (rule 17).
      assert.deepEqual([inOurs(id, "theirs"), inOurs(id, "mine")], [undefined, 1]);
    });

    it("a request of the Tomcat that only reads changes nothing here, and is answered with nothing (rules 13, 22)", async () => {
      const id = await setInOurs("kept");
      const { cookie } = await ask(tomcat.url, "op=peek&k=v", cookieOf(id));
      const sent = await counter(worker, "tomcatcluster_replication_messages_sent_total");
      for (let count = 0; count < 5; count++) await ask(tomcat.url, "op=peek&k=v", cookie);
      assert.equal(await counter(worker, "tomcatcluster_replication_messages_sent_total"), sent);
      assert.equal(worker.find(id).getAttribute("v"), "kept");
      assert.equal(worker.find(id).isNew, false);
    });
  });

  describe("ids (rule 16)", () => {
    it("a session that the Tomcat has taken is found here under both ids, and by its new one there", async () => {
      const id = await setInOurs("v");
      const { cookie } = await ask(tomcat.url, "op=get&k=v", cookieOf(id));
      assert.equal(worker.find(id), worker.find(idIn(cookie)));
      assert.equal(worker.find(id).id, id.replace(/\.\w+$/, ".java"));
    });

    it("after a new id at a login in the Tomcat, the old one is found here", async () => {
      const made = await setInTomcat("string");
      const renamed = (await ask(tomcat.url, "op=rename&k=v", made)).cookie;
      assert.notEqual(idIn(made).split(".")[0], idIn(renamed).split(".")[0]);
      assert.equal(worker.find(idIn(made)).id, idIn(renamed));
      assert.equal(inOurs(idIn(made)), "Größe €");
    });

    it("after a new id here, the Tomcat has the session under it, and what the same request changed", async () => {
      const id = await setInOurs("before");
      const newId = id.replace(/^\w+/, "ABCDEF0123456789ABCDEF0123456789");
      await worker.request(id, (session) => {
        worker.manager.changeSessionId(session, newId);
        session.setAttribute("v", "after");
      });
      assert.equal(await inTomcat(newId), "java.lang.String after");
      assert.equal(await held(tomcat.url, "v", cookieOf(id)), "no session");
    });
  });

  it("a session of ours without attributes stays here until it has one (rule 22)", async () => {
    const id = await worker.create(() => undefined);
    assert.equal(await held(tomcat.url, "v", cookieOf(id)), "no session");
    await worker.request(id, (session) => session.setAttribute("v", 1));
    assert.equal(await inTomcat(id), "java.lang.Integer 1");
  });

  it("a session of the Tomcat without attributes is here at once (rule 22)", async () => {
    const { cookie } = await ask(tomcat.url, "op=get&k=none");
    assert.deepEqual(worker.find(idIn(cookie)).getAttributeNames(), []);
    assert.equal(worker.find(idIn(cookie)).primary, false);
  });
});

async function counter(worker: ReplicatedWorker, name: string): Promise<number> {
  const values = (await worker.registry.getSingleMetric(name)!.get()).values;
  return values.reduce((sum, { value }) => sum + value, 0);
}
