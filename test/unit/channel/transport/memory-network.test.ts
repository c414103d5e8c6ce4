import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ChannelMessage, Member } from "../../../../src/channel/channel.ts";
import { createMember } from "../../../../src/channel/wire/member-block.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { MemoryNetwork, type MemoryTransport } from "../../../support/memory-network.ts";
import { messageOf } from "../../../support/raw-member.ts";

const A = createMember({ address: "10.0.0.1", port: 4000 });
const B = createMember({ address: "10.0.0.2", port: 4000 });
const C = createMember({ address: "10.0.0.3", port: 4000 });

async function three(clock: ManualClock) {
  const network = new MemoryNetwork(clock, { delayMs: 10, timeoutMs: 1000 });
  const log: string[] = [];
  const node = async (member: Member, name: string): Promise<MemoryTransport> => {
    const transport = network.transport(member.address);
    transport.receiver.onMessage = (message: ChannelMessage) => void log.push(`${name}<${message.body}`);
    await transport.receiver.start();
    await transport.sender.start();
    return transport;
  };
  return { network, log, a: await node(A, "a"), b: await node(B, "b"), c: await node(C, "c") };
}

/** What became of a send: "sent", or the codes of the faulty members' causes. */
function outcome(sending: Promise<void>): Promise<string> {
  return sending.then(
    () => "sent",
    (error: { faultyMembers: { cause: { code: string } }[] }) => error.faultyMembers.map(({ cause }) => cause.code).join(),
  );
}

describe("MemoryNetwork", () => {
  it("delivers in order after the delay, and acknowledges after another", async () => {
    const clock = new ManualClock();
    const { a, log } = await three(clock);
    let done = false;
    const sending = a.sender.sendMessage([B, C], messageOf("1", 6)).then(() => {
      done = true;
    });
    await a.sender.sendMessage([B], messageOf("2"));
    await clock.advance(9);
    assert.deepEqual(log, []);
    await clock.advance(1);
    assert.deepEqual(log, ["b<1", "c<1", "b<2"]);
    assert.equal(done, false);
    await clock.advance(10);
    await sending;
  });

  it("a message waits for the one before, and a refusal is told", async () => {
    const clock = new ManualClock();
    const { a, b, log } = await three(clock);
    const { promise, resolve } = Promise.withResolvers<void>();
    b.receiver.onMessage = (message) => {
      log.push(message.body.toString());
      if (message.body.toString() === "slow") return promise;
      throw new Error("refused");
    };
    const slow = outcome(a.sender.sendMessage([B], messageOf("slow", 6)));
    const next = outcome(a.sender.sendMessage([B], messageOf("next", 6)));
    await clock.advance(100);
    assert.deepEqual(log, ["slow"]);
    resolve();
    await clock.advance(10);
    assert.deepEqual([await slow, await next], ["sent", "REMOTE_PROCESS"]);
  });

  it("partitions, drops, absent nodes and removed members have their errors", async () => {
    const clock = new ManualClock();
    const { network, a, b, log } = await three(clock);
    network.partition([A.address, C.address], [B.address]);
    const cut = outcome(a.sender.sendMessage([B, C], messageOf("cut", 6)));
    await a.sender.sendMessage([B], messageOf("lost"));
    await clock.advance(1000);
    assert.equal(await cut, "ACK_TIMEOUT");
    assert.deepEqual(log, ["c<cut"]);
    network.heal();
    network.drop = (_message, from, to) => from === A.address && to === C.address;
    const dropped = outcome(a.sender.sendMessage([B, C], messageOf("again", 2)));
    await clock.advance(1000);
    assert.equal(await dropped, "ACK_TIMEOUT");
    assert.deepEqual(log, ["c<cut", "b<again"]);
    await b.receiver.stop();
    assert.equal(await outcome(a.sender.sendMessage([B], messageOf("x", 6))), "CONNECT");
    const removed = outcome(a.sender.sendMessage([C], messageOf("y", 6)));
    a.sender.remove(C);
    assert.equal(await removed, "MEMBER_REMOVED");
    const stopped = outcome(a.sender.sendMessage([C], messageOf("z", 6)));
    await a.sender.stop();
    assert.equal(await stopped, "SENDER_STOPPED");
    await clock.advance(10);
    assert.equal(clock.pendingTimers, 0);
  });
});
