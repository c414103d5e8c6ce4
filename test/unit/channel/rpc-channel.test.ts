import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { silentLogger, systemRandom } from "../../../src/base/index.ts";
import { ChannelError, ConnectError, SenderStoppedError } from "../../../src/channel/errors.ts";
import { type ReplyMode, RpcChannel, type RpcChannelOptions, type RpcHandler } from "../../../src/channel/rpc-channel.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { RecordingCarrier } from "../../support/recording-carrier.ts";
import { testMember, testMetrics } from "../../support/recording-layers.ts";

const [B, C, D] = [testMember(2), testMember(3), testMember(4)];
const silent: RpcHandler = { replyRequest: () => null };

function open(options: { handler?: RpcHandler } & Partial<RpcChannelOptions> = {}) {
  const clock = new ManualClock();
  const carrier = new RecordingCarrier();
  const { handler = silent, ...rest } = options;
  const rpc = new RpcChannel(
    { carrier, clock, logger: silentLogger, metrics: testMetrics(), random: systemRandom },
    { rpcId: "test-rpc", ...rest },
    handler,
  );
  rpc.open();
  const call = (mode: ReplyMode, members = [B, C, D]) =>
    rpc.call(members, "ask", { mode, timeoutMs: 1000, acknowledge: "Received", asynchronous: false });
  return { clock, carrier, rpc, call };
}

describe("RpcChannel", () => {
  it("sends one request to every destination and returns the first reply", async () => {
    const { clock, carrier, call } = open();
    const result = call("First");
    assert.equal(carrier.sent.length, 1);
    const { destinations, rpc, options } = carrier.sent[0]!;
    assert.deepEqual(destinations, [B, C, D]);
    assert.deepEqual([rpc.kind, rpc.rpcId, rpc.message, options.acknowledge], ["Request", "test-rpc", "ask", "Received"]);
    carrier.reply(C, "answer");
    assert.deepEqual(await result, { replies: [{ member: C, message: "answer" }], refused: [], failed: [], silent: [B, D] });
    assert.equal(clock.pendingTimers, 0);
  });

  it("waits for half, or for all, of those that can reply; null is a reply", async () => {
    const { carrier, call } = open();
    const half = call("Majority");
    carrier.refuse(B);
    carrier.reply(D, null);
    assert.deepEqual(await half, { replies: [{ member: D, message: null }], refused: [B], failed: [], silent: [C] });
    const all = call("All", [B, C]);
    carrier.reply(C, "second");
    carrier.reply(B, "first");
    assert.deepEqual(
      (await all).replies.map(({ member }) => member),
      [C, B],
    );
  });

  it("ends when nobody is left that could reply: refused, unreachable, gone", async () => {
    const { clock, carrier, call } = open();
    const refused = call("First", [B]);
    carrier.refuse(B);
    assert.deepEqual((await refused).refused, [B]);

    const cause = new ConnectError(C, new Error("refused"));
    carrier.outcome = () => Promise.reject(new ChannelError([{ member: C, cause }]));
    const unreachable = call("All", [B, C]);
    carrier.reply(B, "here");
    assert.deepEqual((await unreachable).failed, [{ member: C, cause }]);

    carrier.outcome = () => Promise.resolve();
    const gone = call("All", [B, C]);
    carrier.remove(B);
    carrier.reply(C, "here");
    assert.deepEqual(
      (await gone).failed.map(({ member, cause: { name } }) => [member, name]),
      [[B, "MemberRemovedError"]],
    );
    assert.equal(clock.pendingTimers, 0);
  });

  it("ends at its time-out with what it has", async () => {
    const { clock, carrier, call } = open();
    const result = call("All", [B, C]);
    carrier.reply(B, "in time");
    await clock.advance(1000);
    assert.deepEqual(await result, { replies: [{ member: B, message: "in time" }], refused: [], failed: [], silent: [C] });
  });

  it("waits only for the send where no reply is wanted", async () => {
    const { carrier, call } = open();
    const sent = Promise.withResolvers<void>();
    carrier.outcome = () => sent.promise;
    const result = call("None", [B]);
    sent.resolve();
    assert.deepEqual(await result, { replies: [], refused: [], failed: [], silent: [B] });
  });

  it("gives late and doubled replies to leftOver", async () => {
    const left: unknown[] = [];
    const { clock, carrier, call } = open({
      handler: { replyRequest: () => null, leftOver: (message, sender) => void left.push(message, sender) },
    });
    const result = call("All", [B, C]);
    carrier.reply(B, "first");
    carrier.reply(B, "again");
    await clock.advance(1000);
    await result;
    carrier.reply(C, "late");
    carrier.refuse(C);
    assert.deepEqual(left, ["again", B, "late", C]);
  });

  it("answers a request with what its handler returns or promises, without acknowledgement", async () => {
    for (const answer of ["at once", Promise.resolve("later")]) {
      const { carrier, rpc } = open({
        handler: { replyRequest: (message, sender) => (message === "ask" && sender === B ? answer : null) },
      });
      const uuid = Buffer.alloc(16, 3);
      await rpc.rpcReceived({ kind: "Request", uuid, rpcId: "test-rpc", message: "ask" }, B);
      assert.deepEqual(carrier.sent, [
        {
          destinations: [B],
          rpc: { kind: "Reply", uuid, rpcId: "test-rpc", message: await answer },
          options: { acknowledge: "None", asynchronous: false },
        },
      ]);
    }
  });

  it("refuses a request that its handler throws or rejects on, and sends no reply", async () => {
    const failing: RpcHandler["replyRequest"][] = [
      () => {
        throw new Error("No");
      },
      () => Promise.reject(new Error("No")),
    ];
    for (const replyRequest of failing) {
      const { carrier, rpc } = open({ handler: { replyRequest } });
      await assert.rejects(
        async () => rpc.rpcReceived({ kind: "Request", uuid: Buffer.alloc(16), rpcId: "test-rpc", message: null }, B),
        /No/,
      );
      assert.equal(carrier.sent.length, 0);
    }
  });

  it("gives replies to leftOver that come before a call without replies has its message sent", async () => {
    const left: unknown[] = [];
    const { carrier, call } = open({ handler: { replyRequest: () => null, leftOver: (message) => void left.push(message) } });
    const sent = Promise.withResolvers<void>();
    carrier.outcome = () => sent.promise;
    const result = call("None", [B]);
    carrier.reply(B, "unasked");
    sent.resolve();
    assert.deepEqual((await result).replies, []);
    assert.deepEqual(left, ["unasked"]);
  });

  it("tells the handler what became of a reply, and does not refuse the request when it could not be sent", async () => {
    const told: unknown[] = [];
    const { carrier, rpc } = open({
      handler: {
        replyRequest: () => "answer",
        replySucceeded: (answer) => void told.push(answer),
        replyFailed: (error, answer) => void told.push(error.message, answer),
      },
    });
    const request = { kind: "Request", uuid: Buffer.alloc(16), rpcId: "test-rpc", message: "ask" } as const;
    const answer = { request: "ask", reply: "answer", sender: B };
    await rpc.rpcReceived(request, B);
    await setImmediate();
    assert.deepEqual(told.splice(0), [answer]);
    carrier.outcome = () => Promise.reject(new Error("gone"));
    await rpc.rpcReceived(request, B);
    await setImmediate();
    assert.deepEqual(told, ["gone", answer]);
  });

  it("waits for the outcome of an asynchronous reply before it tells the handler", async () => {
    const told: unknown[] = [];
    const { carrier, rpc } = open({
      handler: { replyRequest: () => "answer", replySucceeded: ({ reply }) => void told.push(reply) },
      replyOptions: { acknowledge: "Received", asynchronous: true },
    });
    await rpc.rpcReceived({ kind: "Request", uuid: Buffer.alloc(16), rpcId: "test-rpc", message: null }, B);
    await setImmediate();
    assert.deepEqual(told, []);
    carrier.sent[0]!.options.errorHandler!.handleCompletion(Buffer.alloc(16));
    assert.deepEqual(told, ["answer"]);
  });

  it("refuses calls to nobody, too many calls, and calls when it is closed", async () => {
    const { clock, carrier, rpc, call } = open({ maxCalls: 1 });
    await assert.rejects(call("First", []), { code: "NO_DESTINATION" });
    const waiting = call("First", [B]);
    await assert.rejects(call("First", [B]), { code: "TOO_MANY_CALLS" });
    rpc.close();
    assert.deepEqual((await waiting).silent, [B]);
    await assert.rejects(call("First", [B]), { code: "CHANNEL_STOPPED" });
    assert.equal(carrier.endpoints.size + carrier.listeners.size, 0);
    assert.equal(clock.pendingTimers, 0);
  });

  it("rejects with what keeps the channel itself from sending", async () => {
    const { clock, carrier, call } = open();
    carrier.outcome = () => Promise.reject(new SenderStoppedError());
    await assert.rejects(call("All"), { code: "SENDER_STOPPED" });
    assert.equal(clock.pendingTimers, 0);
  });
});
