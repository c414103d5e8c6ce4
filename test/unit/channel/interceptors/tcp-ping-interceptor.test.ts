import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { systemRandom } from "../../../../src/base/index.ts";
import { TcpPingInterceptor, type TcpPingInterceptorOptions } from "../../../../src/channel/interceptors/tcp-ping-interceptor.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { MemoryLog } from "../../../support/memory-log.ts";
import { RecordingAbove, RecordingBelow, testMember } from "../../../support/recording-layers.ts";
import { messageOfVector } from "../../../support/tribes-vectors.ts";

const [B, C] = [testMember(2), testMember(3)];

function stack(options: Partial<TcpPingInterceptorOptions> = {}) {
  const clock = new ManualClock();
  const below = new RecordingBelow();
  const log = new MemoryLog();
  const ping = new TcpPingInterceptor(
    { clock, logger: log.logger, random: systemRandom },
    { optionFlag: 0, intervalMs: 1000, useThread: false, ...options },
  );
  ping.link(new RecordingAbove(), below);
  below.members = [B, C];
  return { clock, below, log, ping };
}

describe("TcpPingInterceptor", () => {
  it("sends every member the message of a Tomcat 10.1.60 with each heartbeat", async () => {
    const { clock, below, ping } = stack();
    await ping.start();
    await clock.advance(5000);
    assert.equal(below.sent.length, 0);
    ping.heartbeat();
    const vector = messageOfVector("probe-tcpping");
    const [{ destinations, message }] = below.sent as [(typeof below.sent)[0]];
    assert.deepEqual(destinations, [B, C]);
    assert.deepEqual([message.options, message.body, message.address], [vector.options, vector.body, below.localMember]);
    assert.deepEqual([message.timestamp, message.uniqueId.length, below.heartbeats], [clock.now(), 16, 1]);
    await ping.stop();
    assert.equal(clock.pendingTimers, 0);
  });

  it("does so each `interval` with useThread, whatever the heartbeat, until it stops", async () => {
    const { clock, below, ping } = stack({ useThread: true, intervalMs: 300, optionFlag: 0x200 });
    await ping.start();
    ping.heartbeat();
    await clock.advance(900);
    assert.equal(below.sent.length, 3);
    assert.equal(below.sent[0]!.message.options, 0x200);
    await ping.stop();
    await clock.advance(900);
    assert.deepEqual([below.sent.length, clock.pendingTimers], [3, 0]);
  });

  it("has a TcpFailureDetector below ask everybody, and sends nothing itself", () => {
    const { below, ping } = stack();
    below.checksMembers = true;
    ping.heartbeat();
    assert.deepEqual([below.memberChecks, below.sent.length], [1, 0]);
  });

  it("sends one ping at a time, nothing to nobody, and goes on when one fails", async () => {
    const { below, log, ping } = stack();
    below.members = [];
    ping.heartbeat();
    await new Promise((resolve) => setImmediate(resolve));
    below.members = [B];
    const sending = Promise.withResolvers<void>();
    below.send = () => sending.promise;
    ping.heartbeat();
    ping.heartbeat();
    assert.equal(below.sent.length, 1);
    sending.reject(new Error("no connection"));
    await new Promise((resolve) => setImmediate(resolve));
    assert.partialDeepStrictEqual(log.lines, [{ level: "warn", msg: "Ping did not reach every member" }]);
    ping.heartbeat();
    assert.equal(below.sent.length, 2);
  });
});
