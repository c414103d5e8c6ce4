import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Registry, silentLogger, systemRandom } from "../../../src/base/index.ts";
import type { Member, SendOptions } from "../../../src/channel/channel.ts";
import { ChannelCoordinator } from "../../../src/channel/channel-coordinator.ts";
import { ChannelMetrics } from "../../../src/channel/channel-metrics.ts";
import { AckTimeoutError, ChannelError, RemoteProcessError } from "../../../src/channel/errors.ts";
import { GroupChannel } from "../../../src/channel/group-channel.ts";
import type { ChannelInterceptor } from "../../../src/channel/interceptor.ts";
import { createInterceptors } from "../../../src/channel/interceptors/registry.ts";
import { SuidTable } from "../../../src/serialization/index.ts";
import { interceptorConfig } from "../../support/channel-cluster.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { RecordingFloor, testMember } from "../../support/recording-layers.ts";

const [B, C] = [testMember(2), testMember(3)];
const MESSAGE = { kind: "Bytes", body: Buffer.from("body") } as const;

interface Reported {
  readonly error?: Error;
  readonly uniqueId: Buffer;
}

/** A channel over a floor whose sends end when a test says so; `next` is what its error handler is told next. */
async function channelOf(...names: string[]) {
  const clock = new ManualClock();
  const metrics = new ChannelMetrics(new Registry());
  const floor = new RecordingFloor();
  const configs = names.map((name) => interceptorConfig(name));
  const deps = { clock, logger: silentLogger, metrics, random: systemRandom, maxFrameBytes: 1_000_000, sendTimeoutMs: 3000 };
  const interceptors: ChannelInterceptor[] = createInterceptors(deps, configs);
  const coordinator = new ChannelCoordinator(floor);
  const channel = new GroupChannel({ ...deps, coordinator, interceptors, suids: new SuidTable() }, { heartbeatSleepMs: 5000 });
  await channel.start();
  const reports: Reported[] = [];
  const errorHandler = {
    handleCompletion: (uniqueId: Buffer) => void reports.push({ uniqueId }),
    handleError: (error: Error, uniqueId: Buffer) => void reports.push({ error, uniqueId }),
  };
  const send = (destinations: readonly Member[], options: Partial<SendOptions> = {}) =>
    channel.send(destinations, MESSAGE, { acknowledge: "Received", asynchronous: true, errorHandler, ...options });
  return { channel, floor, reports, send };
}

const everything = async () => {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe("the error handler of an asynchronous message", () => {
  it("is told of its completion once, after the caller has its id, and not before each member has acknowledged", async () => {
    const { floor, reports, send } = await channelOf("MessageDispatchInterceptor");
    const acknowledged = Promise.withResolvers<void>();
    floor.send = () => acknowledged.promise;
    const uniqueId = await send([B, C]);
    await everything();
    assert.deepEqual(reports, []);
    acknowledged.resolve();
    await everything();
    assert.deepEqual(reports, [{ uniqueId }]);
  });

  it("is told which members failed, each with its cause, when `send` has resolved long ago", async () => {
    const { floor, reports, send } = await channelOf("MessageDispatchInterceptor");
    const failure = new ChannelError([{ member: C, cause: new RemoteProcessError(C) }]);
    floor.send = () => Promise.reject(failure);
    const uniqueId = await send([B, C]);
    await everything();
    assert.deepEqual(reports, [{ error: failure, uniqueId }]);
  });

  it("is told once of a message that a layer above the dispatcher has sent to each member alone", async () => {
    const { floor, reports, send } = await channelOf("OrderInterceptor", "MessageDispatchInterceptor");
    const causes = [new RemoteProcessError(B), new AckTimeoutError(C, 1)];
    const members = [B, C];
    floor.send = () => Promise.reject(new ChannelError([{ member: members.shift()!, cause: causes.shift()! }]));
    await send([B, C]);
    await everything();
    assert.equal(reports.length, 1);
    const { error } = reports[0]!;
    assert.ok(error instanceof ChannelError);
    assert.deepEqual(
      error.faultyMembers.map(({ member, cause }) => [member.address, cause.constructor.name]),
      [
        [B.address, "RemoteProcessError"],
        [C.address, "AckTimeoutError"],
      ],
    );
  });

  it("is told once of a message and its confirmation", async () => {
    const { floor, reports, send } = await channelOf("TwoPhaseCommitInterceptor", "MessageDispatchInterceptor");
    const uniqueId = await send([B]);
    await everything();
    assert.equal(floor.sent.length, 2);
    assert.deepEqual(reports, [{ uniqueId }]);
  });

  it("hears nothing when `send` rejects, or of a synchronous message", async () => {
    const { floor, reports, send } = await channelOf("MessageDispatchInterceptor");
    floor.send = () => Promise.reject(new ChannelError([{ member: B, cause: new AckTimeoutError(B, 1) }]));
    await assert.rejects(send([B], { acknowledge: "None" }), ChannelError);
    await assert.rejects(send([B], { asynchronous: false }), ChannelError);
    floor.send = () => Promise.resolve();
    await send([B], { asynchronous: false });
    await everything();
    assert.deepEqual(reports, []);
  });

  it("hears of a loss behind its completion where nothing was acknowledged (rule 11)", async () => {
    const { floor, reports, send } = await channelOf("MessageDispatchInterceptor");
    const uniqueId = await send([B], { acknowledge: "None" });
    await everything();
    const lost = new ChannelError([{ member: B, cause: new AckTimeoutError(B, 1) }]);
    floor.sender.onSendFailed!(lost, floor.sent[0]!.message);
    assert.deepEqual(reports, [{ uniqueId }, { error: lost, uniqueId }]);
  });
});
