import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Registry } from "../../../../src/base/index.ts";
import type { ChannelMessage } from "../../../../src/channel/channel.ts";
import { ChannelMetrics } from "../../../../src/channel/channel-metrics.ts";
import {
  FragmentationInterceptor,
  type FragmentationInterceptorOptions,
} from "../../../../src/channel/interceptors/fragmentation-interceptor.ts";
import { PROBE_BODY } from "../../../../src/channel/interceptors/probe-messages.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { MemoryLog } from "../../../support/memory-log.ts";
import { RecordingAbove, RecordingBelow, testMember, testMessage } from "../../../support/recording-layers.ts";
import { messageOfVector } from "../../../support/tribes-vectors.ts";

const [B, C] = [testMember(2), testMember(3)];
/** What the vectors frag-0 to frag-2 are pieces of. */
const LETTERS = Buffer.from(Array.from({ length: 3000 }, (_, index) => "a".charCodeAt(0) + (index % 7)));
const PIECES = ["frag-0", "frag-1", "frag-2"].map(messageOfVector) as [ChannelMessage, ChannelMessage, ChannelMessage];

function stack(options: Partial<FragmentationInterceptorOptions> = {}) {
  const registry = new Registry();
  const clock = new ManualClock();
  const above = new RecordingAbove();
  const below = new RecordingBelow();
  const log = new MemoryLog();
  const layer = new FragmentationInterceptor(
    { clock, logger: log.logger, metrics: new ChannelMetrics(registry) },
    { optionFlag: 0, maxSize: 1024, expireMs: 60_000, maxFrameBytes: 65_536, ...options },
  );
  layer.link(above, below);
  const refused = async () => (await registry.getSingleMetric("tomcatcluster_channel_refused_messages_total")!.get()).values[0]?.value ?? 0;
  return { clock, above, below, log, layer, refused, bodies: () => above.messages.map(({ body }) => body) };
}

/** A piece as it comes from below. */
function piece(text: string, index: number, count: number, fields: Partial<ChannelMessage> = {}): ChannelMessage {
  const trailer = Buffer.alloc(9, 1);
  trailer.writeInt32BE(index);
  trailer.writeInt32BE(count, 4);
  return testMessage({ ...fields, body: Buffer.concat([Buffer.from(text), trailer]) });
}

describe("FragmentationInterceptor", () => {
  it("sends a large message in the pieces of a Tomcat 10.1.60, all within the call (rule 10)", async () => {
    const { below, layer } = stack();
    void layer.sendMessage([B, C], testMessage({ uniqueId: PIECES[0].uniqueId, body: LETTERS, orderKey: "session" }));
    assert.deepEqual(
      below.sent.map(({ message }) => message.body),
      PIECES.map(({ body }) => body),
    );
    for (const { destinations, message } of below.sent) {
      assert.deepEqual([destinations, message.uniqueId, message.orderKey], [[B, C], PIECES[0].uniqueId, "session"]);
    }
  });

  it("marks a small message as whole, as a Tomcat does, and takes the mark off", async () => {
    const { above, below, layer } = stack();
    const vector = messageOfVector("frag-none");
    await layer.sendMessage([B], testMessage({ body: Buffer.from("hello tribes") }));
    assert.deepEqual(below.sent[0]!.message.body, vector.body);
    await layer.messageReceived(vector);
    assert.equal(above.messages[0]!.body.toString(), "hello tribes");
    await layer.sendMessage([B], testMessage({ body: Buffer.alloc(1024) }));
    assert.equal(below.sent.length, 2);
  });

  it("puts the pieces of a Tomcat 10.1.60 together in whatever order they come", async () => {
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 0, 2],
    ]) {
      const { above, layer } = stack();
      for (const index of order) await layer.messageReceived(PIECES[index]!);
      assert.equal(above.messages.length, 1);
      assert.deepEqual([above.messages[0]!.body, above.messages[0]!.uniqueId], [LETTERS, PIECES[0].uniqueId]);
      assert.equal(layer.waitingBytes, 0);
    }
  });

  it("answers the last piece with what became of the message (rule 12)", async () => {
    const { above, layer } = stack();
    above.messageReceived = () => {
      throw new Error("unknown session");
    };
    await layer.messageReceived(PIECES[0]);
    await layer.messageReceived(PIECES[1]);
    assert.throws(() => layer.messageReceived(PIECES[2]), /unknown session/);
  });

  it("fails a send when a piece fails", async () => {
    const { below, layer } = stack();
    const failure = new Error("refused");
    below.send = (message) => (message.body.equals(PIECES[1].body) ? Promise.reject(failure) : Promise.resolve());
    await assert.rejects(layer.sendMessage([B], testMessage({ body: LETTERS })), failure);
    assert.equal(below.sent.length, 3);
  });

  it("sends only messages with the bits of its optionFlag in pieces, and marks the others as whole", async () => {
    const { below, layer } = stack({ optionFlag: 6 });
    await layer.sendMessage([B], testMessage({ options: 3, body: LETTERS }));
    assert.deepEqual([below.sent.length, below.sent[0]!.message.body.at(-1)], [1, 0]);
    await layer.sendMessage([B], testMessage({ options: 7, body: LETTERS }));
    assert.equal(below.sent.length, 4);
  });

  it("keeps messages apart by sender and unique id, and takes a repeated piece once", async () => {
    const { layer, bodies } = stack();
    const other = Buffer.alloc(16, 9);
    await layer.messageReceived(piece("a", 0, 2));
    await layer.messageReceived(piece("b", 1, 2, { address: C }));
    await layer.messageReceived(piece("c", 1, 2, { uniqueId: other }));
    await layer.messageReceived(piece("a", 0, 2));
    assert.deepEqual(bodies(), []);
    await layer.messageReceived(piece("d", 1, 2));
    await layer.messageReceived(piece("e", 0, 2, { uniqueId: other }));
    assert.deepEqual(bodies().map(String), ["ad", "ec"]);
  });

  it("keeps copies: a received body is a view of its socket's buffer", async () => {
    const { layer, bodies } = stack();
    const first = piece("first", 0, 2);
    await layer.messageReceived(first);
    first.body.fill(0);
    await layer.messageReceived(piece(" second", 1, 2));
    assert.deepEqual(bodies().map(String), ["first second"]);
  });

  it("gives pieces up when the rest does not come, and refuses what comes later, so that the sender knows (rule 12)", async () => {
    const { clock, layer, log, bodies, refused } = stack();
    await layer.messageReceived(piece("a", 0, 3));
    await clock.advance(60_000);
    await layer.messageReceived(piece("b", 1, 3));
    layer.heartbeat();
    assert.ok(layer.waitingBytes > 0);
    await clock.advance(1);
    layer.heartbeat();
    assert.equal(layer.waitingBytes, 0);
    assert.partialDeepStrictEqual(log.lines, [{ level: "warn", sender: testMember(1).name, arrived: 2, count: 3 }]);
    assert.throws(() => layer.messageReceived(piece("c", 2, 3)), { code: "PIECE_REFUSED" });
    assert.deepEqual([bodies(), await refused()], [[], 1]);
    await clock.advance(60_001);
    layer.heartbeat();
    await layer.messageReceived(piece("again", 0, 1));
    assert.deepEqual(bodies().map(String), ["again"]);
  });

  it("holds no more than maxFrameBytes of pieces: refuses the message that would be too much, and others go on (rule 12)", async () => {
    const { layer, bodies, refused } = stack({ maxFrameBytes: 2048 });
    const large = Buffer.alloc(16, 9);
    await layer.messageReceived(piece("small", 0, 2));
    await layer.messageReceived(piece("x".repeat(1000), 0, 3, { uniqueId: large }));
    assert.throws(() => layer.messageReceived(piece("x".repeat(1000), 1, 3, { uniqueId: large })), {
      code: "MESSAGE_TOO_LARGE",
      message: /would hold more than "maxFrameBytes" \(2048\)/,
    });
    assert.throws(() => layer.messageReceived(piece("x", 2, 3, { uniqueId: large })), { code: "PIECE_REFUSED" });
    await layer.messageReceived(piece("er", 1, 2));
    assert.deepEqual([bodies().map(String), layer.waitingBytes, await refused()], [["smaller"], 0, 2]);
  });

  it("takes no memory for what a piece announces, and no more than thousands of messages at a time", async () => {
    const { layer } = stack({ maxFrameBytes: 2 ** 26 });
    for (let id = 0; id < 8192; id++) {
      const uniqueId = Buffer.alloc(16);
      uniqueId.writeInt32BE(id);
      await layer.messageReceived(piece("x", 0, 2 ** 31 - 1, { uniqueId }));
    }
    assert.ok(layer.waitingBytes < 2 ** 21);
    assert.throws(() => layer.messageReceived(piece("x", 0, 2, { uniqueId: Buffer.alloc(16, 255) })), {
      code: "PIECE_REFUSED",
      message: /8192 messages wait/,
    });
  });

  it("refuses what no FragmentationInterceptor has sent (rule 12)", async () => {
    const { above, layer } = stack();
    await layer.messageReceived(piece("a", 0, 3));
    for (const message of [
      testMessage({ body: Buffer.alloc(0) }),
      testMessage({ body: Buffer.from("no trailer") }),
      piece("", 0, 1),
      piece("a", -1, 1),
      piece("a", 1, 1),
      piece("a", 0, 0),
      piece("b", 1, 4),
    ]) {
      assert.throws(() => layer.messageReceived(message), { code: "MALFORMED_MESSAGE" });
    }
    assert.deepEqual([above.messages, layer.waitingBytes], [[], 0]);
  });

  it("gives up the pieces of a member that has gone, and lets probes through", async () => {
    const { above, layer } = stack();
    await layer.messageReceived(piece("a", 0, 2, { address: B }));
    await layer.messageReceived(piece("c", 0, 2, { address: C }));
    layer.memberDisappeared(B);
    assert.throws(() => layer.messageReceived(piece("b", 1, 2, { address: B })), { code: "PIECE_REFUSED" });
    await layer.messageReceived(piece("d", 1, 2, { address: C }));
    await layer.messageReceived(testMessage({ body: PROBE_BODY }));
    assert.deepEqual(above.events, ["disappeared 127.0.9.2"]);
    assert.deepEqual(
      above.messages.map(({ body }) => body),
      [Buffer.from("cd"), PROBE_BODY],
    );
  });
});
