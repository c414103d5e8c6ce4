import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Registry } from "../../../../src/base/index.ts";
import { ChannelMetrics } from "../../../../src/channel/channel-metrics.ts";
import { ThroughputInterceptor } from "../../../../src/channel/interceptors/throughput-interceptor.ts";
import { encodeChannelData } from "../../../../src/channel/wire/channel-data.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { MemoryLog } from "../../../support/memory-log.ts";
import { RecordingAbove, RecordingBelow, testMember, testMessage } from "../../../support/recording-layers.ts";

const [B, C] = [testMember(2), testMember(3)];
/** With its frame half a MiB. */
const LARGE = testMessage({ body: Buffer.alloc(512 * 1024 - encodeChannelData(testMessage({ body: Buffer.alloc(0) })).length) });

function stack(interval = 10_000) {
  const registry = new Registry();
  const clock = new ManualClock();
  const above = new RecordingAbove();
  const below = new RecordingBelow();
  const log = new MemoryLog();
  const throughput = new ThroughputInterceptor({ clock, logger: log.logger, metrics: new ChannelMetrics(registry) }, { interval });
  throughput.link(above, below);
  return { registry, clock, above, below, log, throughput };
}

/** Lines of the exposition that begin with what this interceptor counts. */
async function exposed(registry: Registry): Promise<string[]> {
  return (await registry.metrics()).split("\n").filter((line) => line.startsWith("tomcatcluster_channel_throughput_"));
}

describe("ThroughputInterceptor", () => {
  it("counts messages, bytes to all members and of the application, and the time in which something was on its way", async () => {
    const { registry, clock, below, throughput } = stack();
    const ends: (() => void)[] = [];
    below.send = () => new Promise((resolve) => ends.push(resolve));
    const first = throughput.sendMessage([B, C], LARGE);
    await clock.advance(1000);
    const second = throughput.sendMessage([B], LARGE);
    ends[0]!();
    await first;
    await clock.advance(1000);
    ends[1]!();
    await second;
    await clock.advance(7000);
    await throughput.messageReceived(LARGE);
    await clock.advance(500);
    assert.deepEqual(throughput.describe(), {
      throughput: {
        sentMessages: 2,
        sentMiB: 1.5,
        applicationMiB: 1,
        sendingSeconds: 2,
        sentMiBPerSecond: 0.75,
        applicationMiBPerSecond: 0.5,
        failedMessages: 0,
        receivedMessages: 1,
        receivedMiBPerSecond: 1,
        receivedMiB: 0.5,
      },
    });
    assert.deepEqual(await exposed(registry), [
      'tomcatcluster_channel_throughput_messages_total{direction="sent"} 2',
      'tomcatcluster_channel_throughput_messages_total{direction="received"} 1',
      'tomcatcluster_channel_throughput_bytes_total{direction="sent"} 1572864',
      'tomcatcluster_channel_throughput_bytes_total{direction="received"} 524288',
      "tomcatcluster_channel_throughput_failed_messages_total 0",
      "tomcatcluster_channel_throughput_sending_seconds_total 2",
    ]);
  });

  it("changes nothing, and hands failures on: at once, or after the caller had gone on", async () => {
    const { above, below, throughput } = stack();
    const failure = new Error("no acknowledgement");
    await throughput.sendMessage([B], LARGE);
    below.send = () => Promise.reject(failure);
    await assert.rejects(throughput.sendMessage([B], LARGE), failure);
    throughput.sendFailed(failure, LARGE);
    await throughput.messageReceived(LARGE);
    assert.deepEqual(
      below.sent.map(({ message }) => message),
      [LARGE, LARGE],
    );
    assert.deepEqual([above.messages, above.failures], [[LARGE], [failure]]);
    assert.partialDeepStrictEqual(throughput.describe(), { throughput: { sentMessages: 1, failedMessages: 2, receivedMessages: 1 } });
  });

  it("reports after the first sent message and then each `interval` sent and received ones, as a Tomcat does, in one line", async () => {
    const { log, throughput } = stack(3);
    const reportedAt: string[] = [];
    for (let count = 1; count <= 7; count++) {
      const before = log.lines.length;
      await throughput.sendMessage([B], testMessage());
      if (log.lines.length > before) reportedAt.push(`sent ${count}`);
    }
    for (let count = 1; count <= 7; count++) {
      const before = log.lines.length;
      await throughput.messageReceived(testMessage());
      if (log.lines.length > before) reportedAt.push(`received ${count}`);
    }
    assert.deepEqual(reportedAt, ["sent 1", "sent 3", "sent 6", "received 3", "received 6"]);
    assert.partialDeepStrictEqual(log.lines.at(-1)!, { level: "info", msg: "Throughput", sentMessages: 7, receivedMessages: 6 });
  });
});
