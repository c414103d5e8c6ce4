import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Registry } from "../../../../src/base/index.ts";
import type { ChannelMessage } from "../../../../src/channel/channel.ts";
import { ChannelMetrics } from "../../../../src/channel/channel-metrics.ts";
import { ChannelError } from "../../../../src/channel/errors.ts";
import { OrderInterceptor, type OrderInterceptorOptions } from "../../../../src/channel/interceptors/order-interceptor.ts";
import { PROBE_BODY } from "../../../../src/channel/interceptors/probe-messages.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { MemoryLog } from "../../../support/memory-log.ts";
import { RecordingAbove, RecordingBelow, testMember, testMessage } from "../../../support/recording-layers.ts";
import { messageOfVector } from "../../../support/tribes-vectors.ts";

const [B, C] = [testMember(2), testMember(3)];
const UNACKNOWLEDGED = 1;
const PROCESSED = 7;

function stack(options: Partial<OrderInterceptorOptions> = {}) {
  const registry = new Registry();
  const clock = new ManualClock();
  const above = new RecordingAbove();
  const below = new RecordingBelow();
  const log = new MemoryLog();
  const order = new OrderInterceptor(
    { clock, logger: log.logger, metrics: new ChannelMetrics(registry) },
    { optionFlag: 0, expireMs: 3000, forwardExpired: true, maxQueue: 2 ** 31 - 1, maxFrameBytes: 65_536, ...options },
  );
  order.link(above, below);
  const receive = (text: string, number: number, fields: Partial<ChannelMessage> = {}) =>
    order.messageReceived(testMessage({ options: UNACKNOWLEDGED, address: B, ...fields, body: numbered(text, number) }));
  return { clock, above, below, log, order, receive, texts: () => above.messages.map(({ body }) => body.toString()) };
}

function numbered(text: string, number: number): Buffer {
  const trailer = Buffer.alloc(4);
  trailer.writeInt32BE(number);
  return Buffer.concat([Buffer.from(text), trailer]);
}

describe("OrderInterceptor", () => {
  it("numbers messages as a Tomcat 10.1.60 does, for each member from 1", async () => {
    const { below, order } = stack();
    for (const text of ["msg0", "msg1", "msg2"]) await order.sendMessage([B], testMessage({ body: Buffer.from(text) }));
    assert.deepEqual(
      below.sent.map(({ message }) => message.body),
      ["order-0", "order-1", "order-2"].map((name) => messageOfVector(name).body),
    );
    await order.sendMessage([B, C], testMessage({ body: Buffer.from("msg3"), orderKey: "session" }));
    assert.deepEqual(
      below.sent.slice(3).map(({ destinations, message }) => [destinations, message.body, message.orderKey]),
      [
        [[B], numbered("msg3", 4), "session"],
        [[C], numbered("msg3", 1), "session"],
      ],
    );
  });

  it("takes the messages of a Tomcat 10.1.60 in the order of their sending, whatever order they come in", async () => {
    for (const arrival of ["012", "021", "102", "120", "201", "210"]) {
      const { clock, order, texts } = stack();
      for (const index of arrival) void order.messageReceived(messageOfVector(`order-${index}`));
      assert.deepEqual(texts(), ["msg0", "msg1", "msg2"], arrival);
      assert.equal(clock.pendingTimers, 0);
    }
  });

  it("tells who failed when a message does not reach every member", async () => {
    const { below, order } = stack();
    const cause = new Error("no acknowledgement");
    below.send = (message) =>
      message.body.equals(numbered("x", 1)) && below.sent.length === 2
        ? Promise.reject(new ChannelError([{ member: C, cause }]))
        : Promise.resolve();
    await assert.rejects(order.sendMessage([B, C], testMessage({ body: Buffer.from("x") })), (error) => {
      assert.ok(error instanceof ChannelError);
      assert.deepEqual(error.faultyMembers, [{ member: C, cause }]);
      return true;
    });
  });

  it("keeps senders apart, and copies of what waits: a received body is a view of its socket's buffer", () => {
    const { order, receive, texts } = stack();
    const early = testMessage({ options: UNACKNOWLEDGED, address: B, body: numbered("second of B", 2) });
    void order.messageReceived(early);
    early.body.fill(0);
    void receive("first of C", 1, { address: C });
    void receive("first of B", 1);
    assert.deepEqual(texts(), ["first of C", "first of B", "second of B"]);
  });

  it("takes an old number at once, as after a restart of the sender", () => {
    const { receive, texts } = stack();
    for (const number of [1, 2, 1, 2, 3]) void receive(`number ${number}`, number);
    assert.deepEqual(texts(), ["number 1", "number 2", "number 1", "number 2", "number 3"]);
  });

  it("answers a message that waits only with its outcome (rule 12), and lets a connection go on that asks for none", async () => {
    const { above, log, receive, texts } = stack();
    const take = above.messageReceived.bind(above);
    above.messageReceived = (message) => {
      take(message);
      if (message.body.toString().startsWith("refused")) throw new Error("unknown session");
    };
    const outcomes: string[] = [];
    const waiting = [receive("taken", 3, { options: PROCESSED }), receive("refused", 4, { options: PROCESSED })].map((outcome, index) =>
      outcome!.then(
        () => outcomes.push(`${index} taken`),
        (error: Error) => outcomes.push(`${index} ${error.message}`),
      ),
    );
    assert.equal(receive("refused quietly", 2), undefined);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(outcomes, []);
    void receive("first", 1);
    await Promise.all(waiting);
    assert.deepEqual(texts(), ["first", "refused quietly", "taken", "refused"]);
    assert.deepEqual(outcomes, ["0 taken", "1 unknown session"]);
    assert.partialDeepStrictEqual(log.lines, [{ level: "warn", sender: B.name, msg: "A received message could not be processed" }]);
  });

  it("hands the next ones up also when the one that they waited for is refused", () => {
    const { above, receive, texts } = stack();
    const take = above.messageReceived.bind(above);
    above.messageReceived = (message) => {
      take(message);
      if (message.body.toString() === "first") throw new Error("unknown session");
    };
    void receive("second", 2);
    assert.throws(() => receive("first", 1), /unknown session/);
    assert.deepEqual(texts(), ["first", "second"]);
  });

  it("waits for what is missing no longer than `expire`, without another message, and goes on from there", async () => {
    const { clock, receive, texts } = stack();
    void receive("third", 3);
    await clock.advance(1000);
    void receive("fourth", 4);
    void receive("seventh", 7);
    await clock.advance(1999);
    assert.deepEqual(texts(), []);
    await clock.advance(1);
    assert.deepEqual(texts(), ["third", "fourth"]);
    void receive("fifth", 5);
    assert.deepEqual(texts(), ["third", "fourth", "fifth"]);
    await clock.advance(1000);
    assert.deepEqual(texts(), ["third", "fourth", "fifth", "seventh"]);
    void receive("second, late", 2);
    void receive("eighth", 8);
    assert.deepEqual(texts().slice(4), ["second, late", "eighth"]);
    assert.equal(clock.pendingTimers, 0);
  });

  it("refuses what has expired when forwardExpired is off (rule 12)", async () => {
    const { clock, receive, texts } = stack({ forwardExpired: false });
    const refused = assert.rejects(receive("third", 3, { options: PROCESSED })!, {
      code: "EXPIRED_MESSAGE",
      message: `Message 3 of "${B.name}" is dropped: those before it did not come, and "forwardExpired" is false`,
    });
    await clock.advance(3000);
    await refused;
    void receive("fourth", 4);
    assert.deepEqual(texts(), ["fourth"]);
  });

  it("lets no more than maxQueue messages wait, and no more than maxFrameBytes of them", () => {
    const { receive, texts } = stack({ maxQueue: 3 });
    for (const number of [4, 2, 6]) void receive(`number ${number}`, number);
    assert.deepEqual(texts(), ["number 2", "number 4", "number 6"]);

    const large = stack({ maxFrameBytes: 2048 });
    void large.receive("x".repeat(1000), 3);
    assert.deepEqual(large.texts(), []);
    void large.receive("y".repeat(1000), 2);
    assert.deepEqual(
      large.texts().map((text) => text[0]),
      ["y", "x"],
    );
  });

  it("hands up what waits when its sender goes, and begins with 1 again in both directions", async () => {
    const { above, below, clock, order, receive, texts } = stack({ forwardExpired: false });
    await order.sendMessage([B], testMessage());
    void receive("first", 1);
    void receive("third", 3);
    order.memberDisappeared(B);
    assert.deepEqual([texts(), above.events], [["first", "third"], ["disappeared 127.0.9.2"]]);
    void receive("second of the new one", 2);
    void receive("first of the new one", 1);
    assert.deepEqual(texts().slice(2), ["first of the new one", "second of the new one"]);
    await order.sendMessage([B], testMessage({ body: Buffer.from("x") }));
    assert.deepEqual(below.sent[1]!.message.body, numbered("x", 1));
    void receive("fifth", 5);
    await order.stop();
    assert.deepEqual([texts().at(-1), clock.pendingTimers], ["fifth", 0]);
  });

  it("does not wait for a member that counts on, since it does not know that it was gone (rule 3)", () => {
    const { clock, order, receive, texts } = stack();
    for (const number of [1, 2, 3]) void receive(`number ${number}`, number);
    order.memberDisappeared(B);
    for (const number of [5, 4, 6]) void receive(`number ${number}`, number);
    assert.deepEqual(texts().slice(3), ["number 4", "number 5", "number 6"]);
    assert.equal(clock.pendingTimers, 0);
  });

  it("lets nothing wait any more when it has stopped", async () => {
    const { clock, order, receive, texts } = stack();
    await order.start();
    await order.stop();
    void receive("second", 2);
    assert.deepEqual([texts(), clock.pendingTimers], [["second"], 0]);
  });

  it("counts on behind the largest number, as Java's int does", async () => {
    const { clock, receive, texts } = stack();
    void receive("largest", 2 ** 31 - 1);
    await clock.advance(3000);
    void receive("smallest", -(2 ** 31));
    assert.deepEqual(texts(), ["largest", "smallest"]);
  });

  it("refuses a number that waits already, and what has none (rule 12)", () => {
    const { order, receive, texts } = stack();
    void receive("second", 2);
    assert.throws(() => receive("other second", 2), { code: "MALFORMED_MESSAGE" });
    assert.throws(() => order.messageReceived(testMessage({ body: Buffer.from("abc") })), { code: "MALFORMED_MESSAGE" });
    void receive("first", 1);
    assert.deepEqual(texts(), ["first", "second"]);
  });

  it("numbers only messages with the bits of its optionFlag, and lets probes through", async () => {
    const { above, below, order } = stack({ optionFlag: 0x200 });
    const plain = testMessage({ options: PROCESSED });
    await order.sendMessage([B], plain);
    await order.messageReceived(plain);
    await stack().order.messageReceived(testMessage({ body: PROBE_BODY }));
    assert.deepEqual([below.sent[0]!.message, above.messages], [plain, [plain]]);
    await order.messageReceived(testMessage({ options: 0x206, address: B, body: numbered("x", 1) }));
    assert.equal(above.messages[1]!.body.toString(), "x");
  });

  it("forgets, a minute after, whoever is no member, and counts on for who is", async () => {
    const { below, clock, order } = stack();
    below.members = [B];
    await order.sendMessage([B, C], testMessage());
    await clock.advance(60_000);
    order.heartbeat();
    await order.sendMessage([B, C], testMessage({ body: Buffer.from("x") }));
    assert.deepEqual(
      below.sent.slice(2).map(({ message }) => message.body),
      [numbered("x", 2), numbered("x", 1)],
    );
  });
});
