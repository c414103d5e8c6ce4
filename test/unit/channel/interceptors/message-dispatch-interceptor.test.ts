import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silentLogger } from "../../../../src/base/index.ts";
import { QueueFullError } from "../../../../src/channel/errors.ts";
import { MessageDispatchInterceptor } from "../../../../src/channel/interceptors/message-dispatch-interceptor.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { RecordingAbove, RecordingBelow, testMember, testMessage, testMetrics } from "../../../support/recording-layers.ts";

const B = testMember(2);
const ASYNCHRONOUS = 8;
const ASYNCHRONOUS_ACKNOWLEDGED = 10;

function stack(options: { maxQueueSize?: number; alwaysSend?: boolean } = {}) {
  const clock = new ManualClock();
  const above = new RecordingAbove();
  const below = new RecordingBelow();
  const dispatch = new MessageDispatchInterceptor(
    { clock, logger: silentLogger, metrics: testMetrics() },
    { maxQueueSize: options.maxQueueSize ?? 1000, alwaysSend: options.alwaysSend ?? true, flushTimeoutMs: 5000 },
  );
  dispatch.link(above, below);
  return { clock, above, below, dispatch };
}

/** "settled" or "waiting" after everything that is ready has run. */
async function stateOf(promise: Promise<void>): Promise<string> {
  let state = "waiting";
  promise.then(
    () => {
      state = "settled";
    },
    () => {
      state = "settled";
    },
  );
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  return state;
}

describe("MessageDispatchInterceptor", () => {
  it("leaves synchronous messages, and the promise of asynchronous ones without acknowledgement, to the layers below", async () => {
    const { below, dispatch } = stack();
    for (const options of [0, 2, 6, ASYNCHRONOUS]) {
      const done = Promise.withResolvers<void>();
      below.send = () => done.promise;
      const sent = dispatch.sendMessage([B], testMessage({ options }));
      assert.equal(await stateOf(sent), "waiting", `options ${options}`);
      done.resolve();
      await sent;
    }
    assert.equal(dispatch.queuedBytes, 0);
  });

  it("hands asynchronous messages down at once and in order, and lets the caller go on before they are acknowledged", async () => {
    const { below, dispatch } = stack();
    const acknowledged = Promise.withResolvers<void>();
    below.send = () => acknowledged.promise;
    const bodies = ["first", "second", "third"].map((text) => Buffer.from(text));
    const sent = bodies.map((body) => dispatch.sendMessage([B], testMessage({ options: ASYNCHRONOUS_ACKNOWLEDGED, body })));
    assert.deepEqual(
      below.sent.map(({ message }) => message.body),
      bodies,
    );
    await Promise.all(sent);
    assert.equal(dispatch.queuedBytes, 16);
    acknowledged.resolve();
    await stateOf(acknowledged.promise);
    assert.equal(dispatch.queuedBytes, 0);
  });

  it("lets the caller go on only when the turn has ended, behind what the sender writes then (rule 9)", async () => {
    const { below, dispatch } = stack();
    let written = false;
    below.send = () => {
      setImmediate(() => {
        written = true;
      });
      return new Promise(() => undefined);
    };
    await dispatch.sendMessage([B], testMessage({ options: ASYNCHRONOUS_ACKNOWLEDGED }));
    assert.equal(written, true);
  });

  it("reports a failure that the caller no longer hears of upward", async () => {
    const { above, below, dispatch } = stack();
    const failure = new Error("no acknowledgement");
    below.send = () => Promise.reject(failure);
    await dispatch.sendMessage([B], testMessage({ options: ASYNCHRONOUS_ACKNOWLEDGED }));
    assert.deepEqual(above.failures, [failure]);
    assert.equal(dispatch.queuedBytes, 0);
  });

  it("makes the caller wait when the queue is full", async () => {
    const { below, dispatch } = stack({ maxQueueSize: 10 });
    const acknowledged = Promise.withResolvers<void>();
    below.send = () => acknowledged.promise;
    await dispatch.sendMessage([B], testMessage({ options: ASYNCHRONOUS_ACKNOWLEDGED, body: Buffer.alloc(25) }));
    assert.equal(dispatch.queuedBytes, 25, "a message larger than the queue passes alone");
    const waiting = dispatch.sendMessage([B], testMessage({ options: ASYNCHRONOUS_ACKNOWLEDGED, body: Buffer.alloc(1) }));
    assert.equal(await stateOf(waiting), "waiting");
    assert.equal(below.sent.length, 2, "it is on its way all the same, in its order");
    acknowledged.resolve();
    await waiting;
  });

  it("refuses when the queue is full and alwaysSend is off", async () => {
    const { below, dispatch } = stack({ maxQueueSize: 10, alwaysSend: false });
    below.send = () => new Promise(() => undefined);
    await dispatch.sendMessage([B], testMessage({ options: ASYNCHRONOUS_ACKNOWLEDGED, body: Buffer.alloc(8) }));
    await assert.rejects(
      dispatch.sendMessage([B], testMessage({ options: ASYNCHRONOUS_ACKNOWLEDGED, body: Buffer.alloc(8) })),
      (error) => error instanceof QueueFullError && /"MessageDispatchInterceptor" holds "maxQueueSize"/.test(error.message),
    );
    assert.equal(below.sent.length, 1);
  });

  it("waits at stop for what is under way", async () => {
    const { clock, below, dispatch } = stack();
    const acknowledged = Promise.withResolvers<void>();
    below.send = () => acknowledged.promise;
    await dispatch.sendMessage([B], testMessage({ options: ASYNCHRONOUS_ACKNOWLEDGED }));
    const stopped = dispatch.stop();
    assert.equal(await stateOf(stopped), "waiting");
    acknowledged.resolve();
    await stopped;
    assert.equal(clock.pendingTimers, 0);
  });

  it("waits at stop no longer than its limit", async () => {
    const { clock, below, dispatch } = stack();
    below.send = () => new Promise(() => undefined);
    await dispatch.sendMessage([B], testMessage({ options: ASYNCHRONOUS_ACKNOWLEDGED }));
    const stopped = dispatch.stop();
    await clock.advance(4999);
    assert.equal(await stateOf(stopped), "waiting");
    await clock.advance(1);
    await stopped;
    assert.equal(clock.pendingTimers, 0);
  });
});
