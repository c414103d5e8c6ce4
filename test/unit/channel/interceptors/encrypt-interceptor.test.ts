import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Registry, systemRandom } from "../../../../src/base/index.ts";
import type { ChannelMessage } from "../../../../src/channel/channel.ts";
import { ChannelMetrics } from "../../../../src/channel/channel-metrics.ts";
import { EncryptInterceptor, type EncryptInterceptorOptions } from "../../../../src/channel/interceptors/encrypt-interceptor.ts";
import { fixedKey, type KeyRing, type KeySource, keyRingOf } from "../../../../src/channel/interceptors/encryption/key-ring.ts";
import { PING_BODY, PROBE_BODY } from "../../../../src/channel/interceptors/probe-messages.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { MemoryLog } from "../../../support/memory-log.ts";
import { RecordingAbove, RecordingBelow, testMember, testMessage } from "../../../support/recording-layers.ts";
import { tribesVector } from "../../../support/tribes-vectors.ts";

const KEY = "00112233445566778899aabbccddeeff";
const OTHER = "ffeeddccbbaa99887766554433221100";
const NOW = 1_795_169_051_700;

interface Node {
  readonly interceptor: EncryptInterceptor;
  readonly above: RecordingAbove;
  readonly below: RecordingBelow;
  readonly clock: ManualClock;
  readonly log: MemoryLog;
  refused(reason: string): Promise<number>;
  receive(body: Buffer, fields?: Partial<ChannelMessage>): void;
}

function node(keys: KeySource | string = KEY, options: Partial<EncryptInterceptorOptions> = {}, clock = new ManualClock(NOW)): Node {
  const registry = new Registry();
  const log = new MemoryLog();
  const interceptor = new EncryptInterceptor(
    {
      clock,
      logger: log.logger,
      metrics: new ChannelMetrics(registry),
      random: systemRandom,
      keys: typeof keys === "string" ? fixedKey("encryptionKey", keys) : keys,
    },
    { algorithm: "AES/GCM/NoPadding", replayWindowMs: 10_000, replayWindowMessageCount: 1_000_000, ...options },
  );
  const above = new RecordingAbove();
  const below = new RecordingBelow();
  interceptor.link(above, below);
  return {
    interceptor,
    above,
    below,
    clock,
    log,
    refused: async (reason) => {
      const { values } = await registry.getSingleMetric("tomcatcluster_channel_refused_messages_total")!.get();
      return values.find(({ labels }) => labels.reason === reason)?.value ?? 0;
    },
    receive: (body, fields = {}) => void interceptor.messageReceived(testMessage({ timestamp: clock.now(), ...fields, body })),
  };
}

/** What the node sends as `text`. */
function sealed(from: Node, text: string): Buffer {
  void from.interceptor.sendMessage([testMember(2)], testMessage({ timestamp: from.clock.now(), body: Buffer.from(text) }));
  return from.below.sent.at(-1)!.message.body;
}

function texts({ above }: Node): string[] {
  return above.messages.map(({ body }) => body.toString());
}

describe("EncryptInterceptor (rule 21)", () => {
  for (const [name, algorithm, key] of [
    ["encrypt-gcm", "AES/GCM/NoPadding", KEY],
    ["encrypt-gcm-256", "AES/GCM/NoPadding", KEY + KEY],
    ["encrypt-cbc", "AES/CBC/PKCS5Padding", KEY],
  ] as const) {
    it(`takes ${name} of a Tomcat 10.1.60 once`, async () => {
      const receiver = node(key, { algorithm });
      receiver.receive(tribesVector(name).bytes);
      assert.deepEqual(texts(receiver), ["hello tribes"]);
      assert.throws(() => receiver.receive(tribesVector(name).bytes), { code: "REFUSED_BY_ENCRYPTION", reason: "replay" });
      assert.deepEqual(texts(receiver), ["hello tribes"]);
      assert.equal(await receiver.refused("replay"), 1);
    });
  }

  for (const [name, algorithm, reason] of [
    ["encrypt-old-gcm", "AES/GCM/NoPadding", "old_format"],
    ["encrypt-old-cbc", "AES/CBC/PKCS5Padding", "undecryptable"],
  ] as const) {
    it(`refuses ${name} of a Tomcat 10.1.55 and says which versions are too old`, async () => {
      const receiver = node(KEY, { algorithm });
      assert.throws(() => receiver.receive(tribesVector(name).bytes), { reason, message: /before 9\.0\.119, 10\.1\.56 or 11\.0\.23/ });
      assert.equal(await receiver.refused(reason), 1);
      assert.deepEqual(receiver.above.messages, []);
    });
  }

  it("encrypts once for all destinations, and another sees message, time and everything else as they were", () => {
    const sender = node();
    const receiver = node();
    const message = testMessage({ timestamp: NOW + 5, body: Buffer.from("plain text"), orderKey: "abc" });
    void sender.interceptor.sendMessage([testMember(2), testMember(3)], message);
    const [sent, ...more] = sender.below.sent;
    assert.deepEqual(more, []);
    assert.deepEqual(
      sent!.destinations.map(({ address }) => address),
      ["127.0.9.2", "127.0.9.3"],
    );
    assert.equal(sent!.message.orderKey, "abc");
    assert.equal(sent!.message.body.includes("plain"), false);
    assert.equal(message.body.toString(), "plain text", "the caller's buffer is not changed");
    void receiver.interceptor.messageReceived(sent!.message);
    assert.deepEqual(receiver.above.messages, [message]);
  });

  it("never uses an IV twice", () => {
    const sender = node();
    const ivs = Array.from({ length: 2000 }, () => sealed(sender, "same").toString("hex", 0, 12));
    assert.equal(new Set(ivs).size, 2000);
  });

  it("believes the encrypted time stamp, not the one beside the body", () => {
    const [sender, receiver] = [node(), node()];
    const body = sealed(sender, "x");
    receiver.receive(body, { timestamp: 1 });
    assert.equal(receiver.above.messages[0]!.timestamp, NOW);
  });

  it("refuses every change of a byte, with GCM", async () => {
    const [sender, receiver] = [node(), node()];
    const body = sealed(sender, "session data");
    for (let index = 0; index < body.length; index++) {
      const changed = Buffer.from(body);
      changed[index]! ^= 1;
      assert.throws(() => receiver.receive(changed), { code: "REFUSED_BY_ENCRYPTION", reason: "undecryptable" });
    }
    assert.equal(await receiver.refused("undecryptable"), body.length);
    receiver.receive(body);
    assert.deepEqual(texts(receiver), ["session data"]);
  });

  it("refuses bytes of every length that are no message of this channel, with either algorithm", () => {
    for (const algorithm of ["AES/GCM/NoPadding", "AES/CBC/PKCS5Padding"] as const) {
      const receiver = node(KEY, { algorithm });
      for (let length = 0; length < 200; length++) {
        assert.throws(() => receiver.receive(systemRandom.bytes(length)), { code: "REFUSED_BY_ENCRYPTION" }, `${length} bytes`);
      }
      assert.deepEqual(receiver.above.messages, []);
    }
  });

  for (const [what, body, reason] of [
    ["nothing", Buffer.alloc(0), "too_short"],
    ["an IV and half a tag", Buffer.alloc(20), "too_short"],
    ["a short Java object that is not encrypted", Buffer.from("aced0005740001", "hex"), "not_encrypted"],
    ["a Java object that is not encrypted", Buffer.concat([Buffer.from("aced0005", "hex"), Buffer.alloc(500)]), "not_encrypted"],
  ] as const) {
    it(`refuses ${what} as ${reason}`, async () => {
      const receiver = node();
      assert.throws(() => receiver.receive(body), { reason });
      assert.equal(await receiver.refused(reason), 1);
    });
  }

  it("refuses the message of a sender with another key", () => {
    const receiver = node();
    for (const key of [OTHER, KEY + KEY, `${KEY}${KEY.slice(16)}`]) {
      assert.throws(() => receiver.receive(sealed(node(key), "x")), { reason: "undecryptable" });
    }
  });

  for (const skewMs of [-10_001, 10_001, -86_400_000, 86_400_000]) {
    it(`refuses a message whose sender's clock is ${skewMs} ms from ours`, async () => {
      const receiver = node();
      const sender = node(KEY, {}, new ManualClock(NOW + skewMs));
      assert.throws(() => receiver.receive(sealed(sender, "x")), { reason: "clock_skew", message: /replayWindowTime: set the clocks/ });
      assert.equal(await receiver.refused("clock_skew"), 1);
    });
  }

  it("takes messages of clocks that agree within the window, in any order", () => {
    const receiver = node();
    const bodies = [9000, -9000, 0, 10_000, -10_000].map((skewMs) => sealed(node(KEY, {}, new ManualClock(NOW + skewMs)), String(skewMs)));
    for (const body of bodies) receiver.receive(body);
    assert.deepEqual(texts(receiver), ["9000", "-9000", "0", "10000", "-10000"]);
  });

  it("refuses a copy under another unique id and another sender's name, until the window is over and then as too old", async () => {
    const [sender, receiver] = [node(), node()];
    const body = sealed(sender, "add 1");
    receiver.receive(body);
    const copy = { uniqueId: Buffer.alloc(16, 9), address: testMember(7) };
    assert.throws(() => receiver.receive(body, copy), { reason: "replay" });
    await receiver.clock.advance(10_000);
    receiver.interceptor.heartbeat();
    assert.throws(() => receiver.receive(body, copy), { reason: "replay" });
    await receiver.clock.advance(1);
    receiver.interceptor.heartbeat();
    assert.throws(() => receiver.receive(body, copy), { reason: "clock_skew" });
    assert.deepEqual(texts(receiver), ["add 1"]);
  });

  it("gives up at a heartbeat what would be too old to be taken", async () => {
    const [sender, receiver] = [node(), node()];
    for (let n = 0; n < 3; n++) receiver.receive(sealed(sender, `message ${n}`));
    receiver.interceptor.heartbeat();
    assert.equal(receiver.interceptor.describe().encryption.rememberedMessages, 3);
    await receiver.clock.advance(11_000);
    receiver.interceptor.heartbeat();
    assert.equal(receiver.interceptor.describe().encryption.rememberedMessages, 0);
  });

  it("lets probes pass as they are: the failure detectors below ask in plain", () => {
    const receiver = node();
    for (const body of [PROBE_BODY, PING_BODY]) receiver.receive(body);
    assert.deepEqual(
      receiver.above.messages.map(({ body }) => body),
      [PROBE_BODY, PING_BODY],
    );
  });

  it("logs one line in ten seconds for each reason, with sender and what to do, and counts every message", async () => {
    const receiver = node();
    for (let n = 0; n < 50; n++) assert.throws(() => receiver.receive(sealed(node(OTHER), "x")));
    assert.throws(() => receiver.receive(Buffer.alloc(3)));
    assert.deepEqual(
      receiver.log.lines.map(({ level, msg, reason, sender, messages }) => [level, msg, reason, sender, messages]),
      [
        ["warn", "Refused a message on the encrypted channel", "undecryptable", testMember(1).name, 1],
        ["warn", "Refused a message on the encrypted channel", "too_short", testMember(1).name, 1],
      ],
    );
    assert.match(String(receiver.log.lines[0]!.explanation), /another key/);
    await receiver.clock.advance(10_000);
    assert.throws(() => receiver.receive(sealed(node(OTHER), "x")));
    assert.equal(receiver.log.lines.at(-1)!.messages, 50, "49 that were not logged, and this one");
    assert.equal(await receiver.refused("undecryptable"), 51);
  });
});

describe("the keys of an EncryptInterceptor (rule 21)", () => {
  const ring = (files: Record<string, string>): KeyRing => keyRingOf("/keys", new Map(Object.entries(files)));
  const STEPS = {
    old: { "1.key": KEY },
    acceptsNew: { "1.key": KEY, "2.key": OTHER, sending: "1.key" },
    sendsNew: { "1.key": KEY, "2.key": OTHER, sending: "2.key" },
    new: { "2.key": OTHER },
  };

  const FIRST = { name: "1.key", id: ring(STEPS.old).sending.id };
  const SECOND = { name: "2.key", id: ring(STEPS.new).sending.id };

  /** Files that a test changes. */
  class Files implements KeySource {
    current: Record<string, string> = STEPS.old;
    readonly load = () => ring(this.current);
    readonly reload = async () => ring(this.current);
  }

  /** Reads the files again. */
  async function beat(one: Node): Promise<void> {
    one.interceptor.heartbeat();
    await one.interceptor.stop();
  }

  it("rotate without a message lost: members take one another's at every step, whoever is a step ahead", async () => {
    const [fileA, fileB] = [new Files(), new Files()];
    const [a, b] = [node(fileA), node(fileB)];
    const bothWays = () => {
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const) {
        to.receive(sealed(from, "x"));
      }
    };
    bothWays();
    for (const step of [STEPS.acceptsNew, STEPS.sendsNew, STEPS.new]) {
      fileA.current = step;
      await beat(a);
      bothWays();
      fileB.current = step;
      await beat(b);
      bothWays();
    }
    assert.equal(a.above.messages.length, 7);
    assert.equal(b.above.messages.length, 7);
    assert.throws(() => a.receive(sealed(node(KEY), "x")), { reason: "undecryptable" }, "the old key is worth nothing now");
  });

  it("take no copy of a message that was sealed with a key that is not the first one", async () => {
    const files = new Files();
    files.current = STEPS.sendsNew;
    const receiver = node(files);
    const body = sealed(node(KEY), "x");
    receiver.receive(body);
    assert.throws(() => receiver.receive(body), { reason: "replay" });
  });

  it("are logged by name and id when they change, and never by content", async () => {
    const files = new Files();
    const one = node(files);
    await one.interceptor.start();
    await beat(one);
    files.current = STEPS.sendsNew;
    await beat(one);
    await beat(one);
    assert.deepEqual(
      one.log.lines.map(({ msg, sending, accepted }) => [msg, sending, accepted]),
      [
        ["Messages are encrypted", FIRST, [FIRST]],
        ["Encryption keys changed", SECOND, [SECOND, FIRST]],
      ],
    );
    assert.equal(one.log.text.includes(KEY) || one.log.text.includes(OTHER), false);
  });

  it("are shown with the time of the last reading, so that an operator sees when a worker has made a step", async () => {
    const files = new Files();
    const one = node(files);
    const status = () => one.interceptor.describe().encryption;
    await one.clock.advance(4000);
    assert.deepEqual(status(), {
      algorithm: "AES/GCM/NoPadding",
      sending: FIRST,
      accepted: [FIRST],
      rememberedMessages: 0,
      lastReadMs: 4000,
      failure: undefined,
    });
    files.current = STEPS.acceptsNew;
    await beat(one);
    assert.partialDeepStrictEqual(status(), { sending: FIRST, accepted: [FIRST, SECOND], lastReadMs: 0 });
    files.current = {};
    await one.clock.advance(5000);
    await beat(one);
    assert.partialDeepStrictEqual(status(), { sending: FIRST, accepted: [FIRST, SECOND], lastReadMs: 5000 });
    assert.match(status().failure!, /holds no key/);
    files.current = STEPS.sendsNew;
    await beat(one);
    assert.partialDeepStrictEqual(status(), { sending: SECOND, accepted: [SECOND, FIRST], lastReadMs: 0, failure: undefined });
    assert.equal(JSON.stringify(status()).includes(KEY), false);
  });

  it("have an id that follows from the bytes alone", () => {
    const idOf = (text: string, name = "1.key") => ring({ [name]: text }).sending.id;
    assert.match(idOf(KEY), /^[0-9a-f]{8}$/);
    assert.equal(idOf(KEY), idOf(`${KEY.toUpperCase()}\n`, "other.key"));
    assert.notEqual(idOf(KEY), idOf(OTHER));
    assert.equal(KEY.includes(idOf(KEY)), false);
  });

  it("stay as they are while the files cannot be read, which is logged once", async () => {
    const files = new Files();
    const one = node(files);
    files.current = { "1.key": "no key" };
    await beat(one);
    await beat(one);
    one.receive(sealed(node(KEY), "still taken"));
    assert.deepEqual(texts(one), ["still taken"]);
    files.current = STEPS.old;
    await beat(one);
    assert.deepEqual(
      one.log.lines.map(({ level, msg }) => [level, msg]),
      [
        ["warn", "Encryption keys cannot be read; these stay in use"],
        ["info", "Encryption keys can be read again"],
      ],
    );
  });

  it("must be there when the channel is made", () => {
    const files = new Files();
    files.current = {};
    assert.throws(() => node(files), { code: "ENCRYPTION_KEY" });
  });

  it("are used with a warning when the algorithm does not notice changes", async () => {
    const one = node(KEY, { algorithm: "AES/CBC/PKCS5Padding" });
    await one.interceptor.start();
    assert.deepEqual(
      one.log.lines.map(({ level }) => level),
      ["info", "warn"],
    );
  });
});
