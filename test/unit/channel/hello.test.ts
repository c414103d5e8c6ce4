import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silentLogger, systemRandom } from "../../../src/base/index.ts";
import type { Member } from "../../../src/channel/channel.ts";
import { ChannelError, ConnectError } from "../../../src/channel/errors.ts";
import { HELLO_RPC_ID, Hello } from "../../../src/channel/hello.ts";
import type { JavaValue } from "../../../src/serialization/index.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { RecordingCarrier } from "../../support/recording-carrier.ts";
import { testMember, testMetrics } from "../../support/recording-layers.ts";

const [B, C] = [testMember(2), testMember(3)];

function open() {
  const clock = new ManualClock();
  const carrier = new RecordingCarrier();
  const hello = new Hello({ channel: carrier, clock, logger: silentLogger, metrics: testMetrics(), random: systemRandom });
  const learnt: string[] = [];
  hello.onKind = (member, kind) => void learnt.push(`${member.address} ${kind}`);
  hello.open();
  return { clock, carrier, hello, learnt };
}

function greet(carrier: RecordingCarrier, sender: Member, message: JavaValue = null): void | Promise<void> {
  return carrier.endpoints
    .get(HELLO_RPC_ID)!
    .rpcReceived({ kind: "Request", uuid: Buffer.alloc(16), rpcId: HELLO_RPC_ID, message }, sender);
}

async function settled(promise: Promise<void>): Promise<boolean> {
  let done = false;
  void promise.then(() => {
    done = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return done;
}

describe("Hello", () => {
  it("greets each member that appears with options 6 and learns from the answer what it is", async () => {
    const { clock, carrier, hello, learnt } = open();
    carrier.add(B);
    carrier.add(C);
    assert.deepEqual(
      carrier.sent.map(({ destinations, rpc, options }) => [
        destinations[0]?.address,
        rpc.rpcId,
        options.acknowledge,
        options.asynchronous,
      ]),
      [
        ["127.0.9.2", "tomcat-cluster-hello", "Processed", false],
        ["127.0.9.3", "tomcat-cluster-hello", "Processed", false],
      ],
    );
    const everybody = hello.everyMemberAnswered();
    assert.equal(hello.kindOf(B), undefined);
    carrier.reply(B, "anything", carrier.sent[0]);
    assert.equal(await settled(everybody), false);
    hello.probedBy(C);
    carrier.refuse(C, carrier.sent[1]);
    await everybody;
    assert.deepEqual([hello.kindOf(B), hello.kindOf(C)], ["ours", "Tomcat"]);
    assert.deepEqual(learnt, ["127.0.9.2 ours", "127.0.9.3 Tomcat"]);
    hello.close();
    assert.equal(clock.pendingTimers, 0);
  });

  it("waits for the probe of a Tomcat that may have found us dead before, or for its heartbeat to be over", async () => {
    const { clock, carrier, hello } = open();
    carrier.add(B);
    carrier.add(C);
    carrier.refuse(B, carrier.sent[0]);
    carrier.refuse(C, carrier.sent[1]);
    const everybody = hello.everyMemberAnswered();
    await clock.advance(0);
    assert.deepEqual([hello.kindOf(B), hello.kindOf(C)], ["Tomcat", "Tomcat"], "known at once");
    hello.probedBy(B);
    await clock.advance(5999);
    assert.equal(await settled(everybody), false);
    await clock.advance(1);
    await everybody;
    assert.equal(clock.pendingTimers, 0);

    carrier.remove(B);
    carrier.add(B);
    carrier.refuse(B);
    const again = hello.everyMemberAnswered();
    assert.equal(await settled(again), false, "the probe was for the time before");
    carrier.remove(B);
    await again;
    assert.equal(clock.pendingTimers, 0);
  });

  it("has nothing to wait for when it is alone", () => open().hello.everyMemberAnswered());

  it("repeats a hello that failed or stayed without an answer, until the member answers", async () => {
    const { clock, carrier, hello } = open();
    carrier.outcome = () => Promise.reject(new ChannelError([{ member: B, cause: new ConnectError(B, new Error("refused")) }]));
    carrier.add(B);
    await clock.advance(999);
    assert.equal(carrier.sent.length, 1);
    carrier.outcome = () => Promise.resolve();
    await clock.advance(1);
    assert.equal(carrier.sent.length, 2);
    await clock.advance(4000);
    assert.equal(carrier.sent.length, 3, "after 3 s of silence and a pause of 1 s");
    carrier.reply(B, "late but well");
    await hello.everyMemberAnswered();
    assert.equal(clock.pendingTimers, 0);
  });

  it("stops waiting for a member that goes, and greets it anew when it comes back", async () => {
    const { clock, carrier, hello } = open();
    carrier.add(B);
    const everybody = hello.everyMemberAnswered();
    carrier.remove(B);
    await everybody;
    await clock.advance(10_000);
    assert.equal(carrier.sent.length, 1);
    assert.equal(clock.pendingTimers, 0);
    carrier.add(B);
    assert.equal(carrier.sent.length, 2);
    carrier.reply(B, "hello");
    await hello.everyMemberAnswered();
    carrier.remove(B);
    assert.equal(hello.kindOf(B), undefined, "its next process may be something else");
  });

  it("learns from a hello that its sender is ours, answers, and needs no answer of its own any more", async () => {
    const { carrier, hello, learnt } = open();
    carrier.add(B);
    await greet(carrier, B);
    await hello.everyMemberAnswered();
    assert.equal(carrier.sent.at(-1)?.rpc.kind, "Reply");
    assert.deepEqual(learnt, ["127.0.9.2 ours"]);
  });

  it("rule 4: answers a sender that is no member yet, such as a suspect, only when it is one: then all that follows is written to it", async () => {
    const { clock, carrier, hello, learnt } = open();
    const answered = greet(carrier, B);
    carrier.add(C);
    await clock.advance(2000);
    assert.deepEqual(
      carrier.sent.map(({ rpc }) => rpc.kind),
      ["Request"],
      "C's hello, and no answer to B",
    );
    carrier.add(B);
    await answered;
    assert.deepEqual([carrier.sent.at(-1)?.rpc.kind, carrier.sent.at(-1)?.destinations[0]?.address], ["Reply", "127.0.9.2"]);
    assert.deepEqual(learnt, ["127.0.9.2 ours"]);
    hello.close();
    assert.equal(clock.pendingTimers, 0);
  });

  it("rule 4: refuses the hello of a sender that does not become a member in time, or before it is closed", async () => {
    const { clock, carrier, hello } = open();
    const late = assert.rejects(Promise.resolve(greet(carrier, B)), { code: "NOT_YET_MEMBER" });
    await clock.advance(3000);
    await late;
    const cut = assert.rejects(Promise.resolve(greet(carrier, B)), { code: "NOT_YET_MEMBER" });
    hello.close();
    await cut;
    assert.equal(carrier.sent.length, 0);
    assert.equal(clock.pendingTimers, 0);
  });

  it("rule 4: greets and answers a member only when what was written before is on its way, and tries again when that fails", async () => {
    const { clock, carrier, hello } = open();
    let prepared = Promise.withResolvers<void>();
    hello.beforeAnswer = () => prepared.promise;
    carrier.add(B);
    const answered = greet(carrier, B);
    await clock.advance(0);
    assert.equal(carrier.sent.length, 0);
    const refused = assert.rejects(Promise.resolve(answered), /behind/);
    prepared.reject(new Error("behind"));
    prepared = Promise.withResolvers<void>();
    await refused;
    await clock.advance(1000);
    assert.equal(carrier.sent.length, 0);
    prepared.resolve();
    await clock.advance(0);
    await greet(carrier, B);
    assert.deepEqual(
      carrier.sent.map(({ rpc }) => rpc.kind),
      ["Request", "Reply"],
    );
    hello.close();
  });

  it("rules 4, 11: tells in hello and answer whether it may have asked for state, and notices who may have before they met", async () => {
    const met: string[] = [];
    const [one, other] = [open(), open()];
    for (const { hello } of [one, other])
      hello.onMet = (member, _kind, late) => void met.push(`${member.address} ${late ? "late" : "in time"}`);
    one.carrier.add(B);
    await greet(one.carrier, B, "tomcat-cluster");
    await one.hello.everyMemberAnswered();
    one.hello.knownToAll();
    one.carrier.add(C);
    const hello = one.carrier.sent.at(-1)!;
    other.carrier.add(B);
    await greet(other.carrier, B, hello.rpc.message);
    one.carrier.reply(C, other.carrier.sent.at(-1)!.rpc.message, hello);
    await one.hello.everyMemberAnswered();
    assert.deepEqual(met, ["127.0.9.2 in time", "127.0.9.2 late", "127.0.9.3 in time"]);
    one.hello.close();
    other.hello.close();
  });

  it("gives up waiting when told so, or when it is closed", async () => {
    const { clock, carrier, hello } = open();
    carrier.add(B);
    const aborted = new AbortController();
    const waiting = hello.everyMemberAnswered(aborted.signal);
    aborted.abort(new Error("stopping"));
    await assert.rejects(waiting, /stopping/);
    const closed = hello.everyMemberAnswered();
    hello.close();
    await closed;
    await clock.advance(10_000);
    assert.equal(carrier.sent.length, 1);
    assert.equal(clock.pendingTimers, 0);
  });
});
