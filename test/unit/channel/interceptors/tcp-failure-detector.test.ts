import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silentLogger } from "../../../../src/base/index.ts";
import type { Member } from "../../../../src/channel/channel.ts";
import {
  AckTimeoutError,
  ChannelError,
  ConnectError,
  ConnectionLostError,
  MemberRemovedError,
  RemoteProcessError,
} from "../../../../src/channel/errors.ts";
import { PING_BODY, PROBE_BODY } from "../../../../src/channel/interceptors/probe-messages.ts";
import { TcpFailureDetector } from "../../../../src/channel/interceptors/tcp-failure-detector.ts";
import type { MemberProbe } from "../../../../src/channel/interceptors/tcp-probe.ts";
import { createMember, SHUTDOWN_COMMAND } from "../../../../src/channel/wire/member-block.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { RecordingAbove, RecordingBelow, testMember, testMessage, testMetrics } from "../../../support/recording-layers.ts";

/** Answers for each member what the test has written down; unanswered ones wait. */
class ScriptedProbe implements MemberProbe {
  readonly asked: string[] = [];
  readonly alive = new Map<string, boolean | undefined | Promise<boolean>>();
  stopped = false;

  async probe(_prober: Member, member: Member, acknowledged: boolean): Promise<boolean | undefined> {
    this.asked.push(`${member.address}${acknowledged ? " acknowledged" : ""}`);
    return this.alive.has(member.address) ? this.alive.get(member.address) : false;
  }

  stop(): void {
    this.stopped = true;
  }
}

const B = testMember(2);
const C = testMember(3);

function stack() {
  const clock = new ManualClock();
  const probe = new ScriptedProbe();
  const above = new RecordingAbove();
  const below = new RecordingBelow();
  const detector = new TcpFailureDetector(
    { clock, probe, logger: silentLogger, metrics: testMetrics() },
    { removeSuspectsTimeoutMs: 300_000 },
  );
  detector.link(above, below);
  return { clock, probe, above, below, detector };
}

async function stackWith(...members: Member[]) {
  const parts = stack();
  for (const member of members) {
    parts.probe.alive.set(member.address, true);
    parts.detector.memberAdded(member);
  }
  await parts.detector.start();
  parts.probe.asked.length = 0;
  parts.above.events.length = 0;
  return parts;
}

async function failSend({ below, detector }: Awaited<ReturnType<typeof stackWith>>, cause: Error, member = B): Promise<void> {
  below.send = () => Promise.reject(new ChannelError([{ member, cause }]));
  await assert.rejects(detector.sendMessage([member], testMessage()), ChannelError);
}

describe("TcpFailureDetector", () => {
  it("passes a listed member on when a probe reaches it, and has asked everybody when it has started", async () => {
    const { probe, above, detector } = stack();
    probe.alive.set(B.address, true);
    detector.memberAdded(B);
    detector.memberAdded(C);
    assert.deepEqual(above.events, []);
    await detector.start();
    assert.deepEqual(above.events, ["added 127.0.9.2"]);
    assert.deepEqual(detector.members, [B]);
    assert.deepEqual(detector.suspects, [], "the other one has not failed, it has not come yet");
  });

  it("rule 5: does not tell that DNS lists us before everybody whom it lists has been asked", async () => {
    const { clock, probe, detector } = stack();
    const asked = Promise.withResolvers<boolean>();
    probe.alive.set(B.address, asked.promise);
    assert.equal(detector.listsLocalMember, true, "nobody else is listed");
    detector.memberAdded(B);
    detector.memberAdded(C);
    await clock.advance(0);
    assert.equal(detector.listsLocalMember, undefined);
    asked.resolve(true);
    await clock.advance(0);
    assert.equal(detector.listsLocalMember, true, "one lives, the other one was found dead");
  });

  it("asks one that did not answer at first again with each heartbeat", async () => {
    const { clock, probe, above, below, detector } = stack();
    detector.memberAdded(B);
    await detector.start();
    probe.alive.set(B.address, true);
    detector.heartbeat();
    await clock.advance(0);
    assert.deepEqual(above.events, ["added 127.0.9.2"]);
    assert.deepEqual(probe.asked, ["127.0.9.2", "127.0.9.2"]);
    assert.equal(below.heartbeats, 1);
  });

  it("takes a new member that speaks for alive, and its message after it", async () => {
    const { probe, above, detector } = stack();
    const answer = Promise.withResolvers<boolean>();
    probe.alive.set(B.address, answer.promise);
    detector.memberAdded(B);
    await detector.messageReceived(testMessage({ address: B }));
    assert.deepEqual(above.events, ["added 127.0.9.2"]);
    assert.equal(above.messages.length, 1);
    answer.resolve(false);
    await detector.start();
    assert.deepEqual(above.events, ["added 127.0.9.2"], "its receiver was not open yet: that proves nothing");
  });

  it("drops probes and pings", async () => {
    const { above, detector } = await stackWith(B);
    await detector.messageReceived(testMessage({ body: PROBE_BODY }));
    await detector.messageReceived(testMessage({ body: PING_BODY, options: 0 }));
    await detector.messageReceived(testMessage({ body: Buffer.alloc(64) }));
    assert.deepEqual(
      above.messages.map((message) => message.body.length),
      [64],
    );
  });

  it("passes a disappearance on only when the member does not answer", async () => {
    const { clock, probe, above, detector } = await stackWith(B, C);
    probe.alive.set(C.address, false);
    detector.memberDisappeared(B);
    detector.memberDisappeared(C);
    await clock.advance(0);
    assert.deepEqual(probe.asked, ["127.0.9.2 acknowledged", "127.0.9.3 acknowledged"]);
    assert.deepEqual(above.events, ["disappeared 127.0.9.3"]);
    assert.deepEqual(detector.suspects, [], "nobody lists it any more");

    detector.heartbeat();
    await clock.advance(0);
    assert.deepEqual(above.events, ["disappeared 127.0.9.3"], "still alive");
    probe.alive.set(B.address, false);
    detector.heartbeat();
    await clock.advance(0);
    assert.deepEqual(above.events, ["disappeared 127.0.9.3", "disappeared 127.0.9.2"]);
  });

  it("asks one that is listed again, or was watched for long enough, no more", async () => {
    const { clock, probe, above, detector } = await stackWith(B, C);
    detector.memberDisappeared(B);
    detector.memberDisappeared(C);
    await clock.advance(1);
    detector.memberAdded(B);
    probe.asked.length = 0;
    detector.heartbeat();
    await clock.advance(300_000);
    assert.deepEqual(probe.asked, ["127.0.9.3 acknowledged"]);
    for (let beat = 0; beat < 2; beat++) {
      for (const address of [B, C]) await detector.messageReceived(testMessage({ address }));
      detector.heartbeat();
      await clock.advance(0);
    }
    assert.deepEqual(probe.asked, ["127.0.9.3 acknowledged"]);
    assert.deepEqual(above.events, []);
  });

  it("believes a good-bye at once", async () => {
    const { probe, above, detector } = await stackWith(B);
    detector.memberDisappeared(createMember({ ...B, command: SHUTDOWN_COMMAND }));
    assert.deepEqual(above.events, ["disappeared 127.0.9.2"]);
    assert.deepEqual(probe.asked, []);
  });

  it("makes a member that fails in a send and does not answer a suspect, which comes back only by answering (rule 3)", async () => {
    const parts = await stackWith(B);
    const { clock, probe, above, detector } = parts;
    probe.alive.set(B.address, false);
    await failSend(parts, new AckTimeoutError(B, 1000));
    await clock.advance(0);
    assert.deepEqual(probe.asked, ["127.0.9.2 acknowledged"]);
    assert.deepEqual(above.events, ["disappeared 127.0.9.2"]);
    assert.deepEqual(detector.suspects, [B]);
    assert.deepEqual(detector.members, []);

    await clock.advance(5000);
    await detector.messageReceived(testMessage({ address: B }));
    await clock.advance(0);
    detector.heartbeat();
    await clock.advance(0);
    assert.deepEqual(above.events, ["disappeared 127.0.9.2"], "to speak is not to answer");
    probe.alive.set(B.address, true);
    detector.heartbeat();
    await clock.advance(0);
    assert.deepEqual(above.events, ["disappeared 127.0.9.2", "added 127.0.9.2"]);
    assert.deepEqual(probe.asked, Array(4).fill("127.0.9.2 acknowledged"));
    assert.deepEqual(detector.suspects, []);
  });

  it("asks everybody when it is told to, also who has just spoken", async () => {
    const { probe, above, detector } = await stackWith(B, C);
    await detector.messageReceived(testMessage({ address: B }));
    probe.alive.set(C.address, false);
    assert.equal(detector.checkMembers(), true);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(probe.asked, [`${B.address} acknowledged`, `${C.address} acknowledged`]);
    assert.deepEqual(above.events, [`disappeared ${C.address}`]);
  });

  it("rule 4: keeps a member that closes the connection, since its DNS may not list us yet, and asks it again at the heartbeat", async () => {
    const parts = await stackWith(B);
    const { clock, probe, above, detector } = parts;
    probe.alive.set(B.address, undefined);
    await clock.advance(1000);
    await failSend(parts, new ConnectionLostError(B));
    await clock.advance(0);
    assert.deepEqual([detector.members, detector.suspects, above.events], [[B], [], []]);
    assert.deepEqual(probe.asked, ["127.0.9.2 acknowledged"]);
    probe.alive.set(B.address, false);
    detector.heartbeat();
    await clock.advance(0);
    assert.deepEqual([detector.members, detector.suspects], [[], [B]]);
    probe.alive.set(B.address, undefined);
    detector.heartbeat();
    await clock.advance(0);
    assert.deepEqual([detector.members, detector.suspects], [[], [B]], "no sign of life either");
  });

  it("does not change the view for an event loop that was blocked and answers in time", async () => {
    const parts = await stackWith(B);
    const answer = Promise.withResolvers<boolean>();
    parts.probe.alive.set(B.address, answer.promise);
    await failSend(parts, new AckTimeoutError(B, 1000));
    await parts.clock.advance(2000);
    assert.deepEqual(parts.detector.members, [B]);
    answer.resolve(true);
    await parts.clock.advance(0);
    assert.deepEqual(parts.above.events, []);
  });

  it("asks at the heartbeat who has said nothing since the one before: a frozen member is found although nobody waits for it (rule 3)", async () => {
    const { clock, probe, above, below, detector } = await stackWith(B, C);
    const beat = async () => {
      probe.asked.length = 0;
      detector.heartbeat();
      await clock.advance(0);
      return [...probe.asked];
    };
    assert.deepEqual(await beat(), [], "both have just been found");
    await detector.messageReceived(testMessage({ address: B, body: PROBE_BODY }));
    assert.deepEqual(await beat(), ["127.0.9.3 acknowledged"]);
    assert.deepEqual(await beat(), ["127.0.9.2 acknowledged", "127.0.9.3 acknowledged"]);
    assert.deepEqual([detector.members, above.events], [[B, C], []]);
    probe.alive.set(C.address, false);
    await detector.sendMessage([C], testMessage({ options: 8 }));
    assert.equal(below.sent.length, 1, "the kernel takes it");
    await beat();
    assert.deepEqual([detector.members, detector.suspects, above.events], [[B], [C], ["disappeared 127.0.9.3"]]);
  });

  it("does not ask members that answered, even with a failure, or that were removed here", async () => {
    const parts = await stackWith(B);
    for (const cause of [new RemoteProcessError(B), new MemberRemovedError(B)]) await failSend(parts, cause);
    await parts.clock.advance(0);
    assert.deepEqual(parts.probe.asked, []);
  });

  it("asks a member that fails again and again at most once a second, and finally at the heartbeat", async () => {
    const parts = await stackWith(B);
    await parts.clock.advance(1000);
    for (let send = 0; send < 5; send++) {
      await failSend(parts, new AckTimeoutError(B, 10));
      await parts.clock.advance(10);
    }
    assert.equal(parts.probe.asked.length, 1);
    parts.detector.heartbeat();
    await parts.clock.advance(0);
    assert.equal(parts.probe.asked.length, 2);
    await parts.detector.messageReceived(testMessage({ address: B }));
    parts.detector.heartbeat();
    await parts.clock.advance(0);
    assert.equal(parts.probe.asked.length, 2);
  });

  it("learns of failures from a dispatcher below it too, and passes them on", async () => {
    const { clock, probe, above, detector } = await stackWith(B);
    await clock.advance(1000);
    probe.alive.set(B.address, false);
    const failure = new ChannelError([{ member: B, cause: new ConnectError(B, new Error("connect ECONNREFUSED")) }]);
    detector.sendFailed(failure, testMessage());
    await clock.advance(0);
    assert.deepEqual(above.failures, [failure]);
    assert.deepEqual(above.events, ["disappeared 127.0.9.2"]);
  });

  it("ends its probes when it stops, and reports nothing of them", async () => {
    const parts = await stackWith(B);
    const answer = Promise.withResolvers<boolean>();
    parts.probe.alive.set(B.address, answer.promise);
    parts.detector.memberDisappeared(B);
    const stopped = parts.detector.stop();
    assert.equal(parts.probe.stopped, true);
    answer.resolve(false);
    await stopped;
    assert.deepEqual(parts.above.events, []);
    assert.equal(parts.clock.pendingTimers, 0);
  });
});
