import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Registry, systemRandom } from "../../../../src/base/index.ts";
import type { ChannelMessage } from "../../../../src/channel/channel.ts";
import { ChannelMetrics } from "../../../../src/channel/channel-metrics.ts";
import { ChannelError } from "../../../../src/channel/errors.ts";
import { PROBE_BODY } from "../../../../src/channel/interceptors/probe-messages.ts";
import {
  TwoPhaseCommitInterceptor,
  type TwoPhaseCommitInterceptorOptions,
} from "../../../../src/channel/interceptors/two-phase-commit-interceptor.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { MemoryLog } from "../../../support/memory-log.ts";
import { RecordingAbove, RecordingBelow, testMember, testMessage } from "../../../support/recording-layers.ts";
import { messageOfVector } from "../../../support/tribes-vectors.ts";

const [B, C] = [testMember(2), testMember(3)];
const [MESSAGE, CONFIRMATION] = [messageOfVector("2pc-message"), messageOfVector("2pc-confirm")];

function stack(options: Partial<TwoPhaseCommitInterceptorOptions> = {}) {
  const clock = new ManualClock();
  const above = new RecordingAbove();
  const below = new RecordingBelow();
  const log = new MemoryLog();
  const layer = new TwoPhaseCommitInterceptor(
    { clock, logger: log.logger, metrics: new ChannelMetrics(new Registry()), random: systemRandom },
    { optionFlag: 0, expireMs: 60_000, maxFrameBytes: 65_536, ...options },
  );
  layer.link(above, below);
  return { clock, above, below, log, layer, texts: () => above.messages.map(({ body }) => body.toString()) };
}

/** What was sent below: "message a", or "confirmation a" of the message with that text. */
function phases(below: RecordingBelow): string[] {
  const texts = new Map<string, string>();
  return below.sent.map(({ message: { body, uniqueId } }) => {
    const confirmed = texts.get(body.toString("hex", 16, 32));
    if (body.length === 48 && confirmed !== undefined) return `confirmation ${confirmed}`;
    texts.set(uniqueId.toString("hex"), body.toString());
    return `message ${body}`;
  });
}

let ids = 0;
function outgoing(text: string, fields: Partial<ChannelMessage> = {}): ChannelMessage {
  return testMessage({ uniqueId: Buffer.alloc(16, ++ids), body: Buffer.from(text), ...fields });
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("TwoPhaseCommitInterceptor", () => {
  it("sends a message and its confirmation as a Tomcat 10.1.60 does, to the same members on the same lane", async () => {
    const { below, layer } = stack();
    const message = testMessage({ ...MESSAGE, orderKey: "session" });
    await layer.sendMessage([B, C], message);
    assert.deepEqual(below.sent[0], { destinations: [B, C], message });
    const { destinations, message: confirmation } = below.sent[1]!;
    assert.deepEqual(destinations, [B, C]);
    assert.deepEqual({ ...confirmation, uniqueId: undefined }, { ...message, body: CONFIRMATION.body, uniqueId: undefined });
    assert.equal(confirmation.uniqueId.length, 16);
    assert.notDeepEqual(confirmation.uniqueId, message.uniqueId);
  });

  it("hands the message of a Tomcat 10.1.60 up when it is confirmed", async () => {
    const { above, layer, texts } = stack();
    await layer.messageReceived(MESSAGE);
    assert.deepEqual(texts(), []);
    await layer.messageReceived(CONFIRMATION);
    assert.deepEqual([texts(), layer.waitingBytes], [["hello tribes"], 0]);
    assert.deepEqual(above.messages[0], MESSAGE);
  });

  it("confirms when every member has the message", async () => {
    const { below, layer } = stack();
    const acknowledged = Promise.withResolvers<void>();
    below.send = () => acknowledged.promise;
    const sent = layer.sendMessage([B, C], outgoing("a"));
    await turn();
    assert.deepEqual(phases(below), ["message a"]);
    acknowledged.resolve();
    await sent;
    assert.deepEqual(phases(below), ["message a", "confirmation a"]);
  });

  it("confirms to those who have the message when others fail, so that only these count as faulty (rule 8)", async () => {
    const { below, layer } = stack();
    const failure = new ChannelError([{ member: C, cause: new Error("no acknowledgement") }]);
    below.send = () => (below.sent.length === 1 ? Promise.reject(failure) : Promise.resolve());
    await assert.rejects(layer.sendMessage([B, C], outgoing("a")), (error) => {
      assert.ok(error instanceof ChannelError);
      assert.deepEqual(error.faultyMembers, failure.faultyMembers);
      return true;
    });
    assert.deepEqual(below.sent[1]!.destinations, [B]);

    const alone = stack();
    alone.below.send = () => Promise.reject(failure);
    await assert.rejects(alone.layer.sendMessage([C], outgoing("b")), ChannelError);
    assert.equal(alone.below.sent.length, 1);
  });

  it("fails with the members that refuse the confirmation, and confirms nothing that could not be sent", async () => {
    const { below, layer } = stack();
    const failure = new ChannelError([{ member: B, cause: new Error("refused") }]);
    below.send = () => (below.sent.length === 2 ? Promise.reject(failure) : Promise.resolve());
    await assert.rejects(layer.sendMessage([B, C], outgoing("a")), (error) => {
      assert.ok(error instanceof ChannelError);
      assert.deepEqual(error.faultyMembers, failure.faultyMembers);
      return true;
    });
    const full = new Error("queue full");
    below.send = () => Promise.reject(full);
    await assert.rejects(layer.sendMessage([B], outgoing("b")), full);
    assert.equal(below.sent.length, 3);
  });

  it("confirms messages of one key in their order, also when one waits for a slow member; other keys go on (rule 10)", async () => {
    const { below, layer } = stack();
    const slow = Promise.withResolvers<void>();
    below.send = ({ body }) => (body.toString() === "a" ? slow.promise : Promise.resolve());
    const sent = [
      layer.sendMessage([B, C], outgoing("a", { orderKey: "one" })),
      layer.sendMessage([B], outgoing("b", { orderKey: "one" })),
      layer.sendMessage([B], outgoing("c", { orderKey: "two" })),
    ];
    await turn();
    assert.deepEqual(phases(below), ["message a", "message b", "message c", "confirmation c"]);
    slow.resolve();
    await Promise.all(sent);
    assert.deepEqual(phases(below).slice(4), ["confirmation a", "confirmation b"]);
  });

  it("lets no confirmation wait for ever at stop", async () => {
    const { below, layer } = stack();
    const acknowledged = Promise.withResolvers<void>();
    below.send = () => acknowledged.promise;
    void layer.sendMessage([B], outgoing("a"));
    let stopped = false;
    const stop = layer.stop().then(() => {
      stopped = true;
    });
    await turn();
    assert.equal(stopped, false);
    acknowledged.resolve();
    await stop;
    assert.deepEqual(phases(below), ["message a", "confirmation a"]);
  });

  it("answers the confirmation with what became of the message, and refuses one of a message that is not here (rule 12)", async () => {
    const { above, layer, texts } = stack();
    assert.throws(() => layer.messageReceived(CONFIRMATION), { code: "UNKNOWN_CONFIRMATION" });
    await layer.messageReceived(MESSAGE);
    assert.throws(() => layer.messageReceived({ ...CONFIRMATION, address: C }), { code: "UNKNOWN_CONFIRMATION" });
    above.messageReceived = () => {
      throw new Error("unknown session");
    };
    assert.throws(() => layer.messageReceived(CONFIRMATION), /unknown session/);
    assert.throws(() => layer.messageReceived(CONFIRMATION), { code: "UNKNOWN_CONFIRMATION" });
    assert.deepEqual(texts(), []);
  });

  it("keeps copies: a received body is a view of its socket's buffer", async () => {
    const { layer, texts } = stack();
    const message = { ...MESSAGE, body: Buffer.from(MESSAGE.body) };
    await layer.messageReceived(message);
    message.body.fill(0);
    await layer.messageReceived(CONFIRMATION);
    assert.deepEqual(texts(), ["hello tribes"]);
  });

  it("drops what is not confirmed within `expire`, at a heartbeat", async () => {
    const { clock, layer, log } = stack();
    await layer.messageReceived(MESSAGE);
    await clock.advance(60_000);
    layer.heartbeat();
    assert.ok(layer.waitingBytes > 0);
    await clock.advance(1);
    layer.heartbeat();
    assert.equal(layer.waitingBytes, 0);
    assert.partialDeepStrictEqual(log.lines, [{ level: "info", sender: MESSAGE.address.name }]);
    assert.throws(() => layer.messageReceived(CONFIRMATION), { code: "UNKNOWN_CONFIRMATION" });
  });

  it("holds no more than maxFrameBytes of unconfirmed messages (rule 12)", async () => {
    const { layer, texts } = stack({ maxFrameBytes: 2048 });
    await layer.messageReceived(MESSAGE);
    assert.throws(() => layer.messageReceived(outgoing("x".repeat(1500))), {
      code: "MESSAGE_TOO_LARGE",
      message: /wait for their confirmations would hold more than "maxFrameBytes" \(2048\)/,
    });
    await layer.messageReceived(CONFIRMATION);
    assert.deepEqual(texts(), ["hello tribes"]);
  });

  it("confirms only messages with the bits of its optionFlag, and lets probes through", async () => {
    const { above, below, layer } = stack({ optionFlag: 0x200 });
    const plain = testMessage({ options: 7 });
    await layer.sendMessage([B], plain);
    await layer.messageReceived(plain);
    assert.deepEqual([below.sent.length, above.messages], [1, [plain]]);
    const probed = stack();
    await probed.layer.messageReceived(testMessage({ body: PROBE_BODY }));
    assert.equal(probed.above.messages.length, 1);
  });
});
