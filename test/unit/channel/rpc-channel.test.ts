import assert from "node:assert/strict";
import { describe, it } from "node:test";
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

  it("tells the handler of a reply that could not be sent, and does not refuse the request for it", async () => {
    const failed = Promise.withResolvers<unknown>();
    const { carrier, rpc } = open({
      handler: { replyRequest: () => "answer", replyFailed: (error, sender) => failed.resolve([error.message, sender]) },
    });
    carrier.outcome = () => Promise.reject(new Error("gone"));
    await rpc.rpcReceived({ kind: "Request", uuid: Buffer.alloc(16), rpcId: "test-rpc", message: null }, B);
    assert.deepEqual(await failed.promise, ["gone", B]);
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
