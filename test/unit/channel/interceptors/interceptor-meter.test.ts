import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Registry } from "../../../../src/base/index.ts";
import { ChannelMetrics } from "../../../../src/channel/channel-metrics.ts";
import { InterceptorMeter } from "../../../../src/channel/interceptors/interceptor-meter.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { RecordingAbove, RecordingBelow, testMember, testMessage } from "../../../support/recording-layers.ts";

function measured() {
  const registry = new Registry();
  const clock = new ManualClock();
  const [above, below] = [new RecordingAbove(), new RecordingBelow()];
  const meter = new InterceptorMeter({ clock, metrics: new ChannelMetrics(registry) }, "Measured");
  meter.link(above, below);
  const seconds = async (direction: string) => {
    const { values } = await registry.getSingleMetric("tomcatcluster_channel_interceptor_seconds")!.get();
    const of = (name: string) =>
      values.find(({ labels, ...rest }) => labels.direction === direction && (rest as { metricName?: string }).metricName?.endsWith(name));
    return { count: of("_count")?.value ?? 0, sum: of("_sum")?.value ?? 0 };
  };
  return { clock, above, below, meter, seconds };
}

describe("InterceptorMeter", () => {
  it("passes everything on as it is, failures too", async () => {
    const { above, below, meter } = measured();
    const message = testMessage();
    await meter.sendMessage([testMember(2)], message);
    assert.equal(below.sent[0]!.message, message);
    await meter.messageReceived(message);
    assert.deepEqual(above.messages, [message]);
    below.send = () => Promise.reject(new Error("gone"));
    await assert.rejects(meter.sendMessage([testMember(2)], message), /gone/);
    above.messageReceived = () => {
      throw new Error("refused");
    };
    assert.throws(() => meter.messageReceived(message), /refused/);
    assert.deepEqual(meter.counts, { name: "Measured", sentMessages: 2, receivedMessages: 2 });
  });

  it("times one message in 64, until it is settled", async () => {
    const { clock, below, meter, seconds } = measured();
    const sent = Promise.withResolvers<void>();
    below.send = () => sent.promise;
    const first = meter.sendMessage([testMember(2)], testMessage());
    await clock.advance(2000);
    assert.equal((await seconds("sent")).count, 0);
    sent.resolve();
    await first;
    assert.deepEqual(await seconds("sent"), { count: 1, sum: 2 });
    for (let message = 1; message < 64; message++) await meter.sendMessage([testMember(2)], testMessage());
    assert.equal((await seconds("sent")).count, 1);
    await meter.sendMessage([testMember(2)], testMessage());
    assert.equal((await seconds("sent")).count, 2);
  });
});
