import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { Registry } from "../../../../src/base/index.ts";
import { ChannelMetrics } from "../../../../src/channel/channel-metrics.ts";
import { GzipInterceptor, type GzipInterceptorOptions } from "../../../../src/channel/interceptors/gzip-interceptor.ts";
import { MemoryLog } from "../../../support/memory-log.ts";
import { RecordingAbove, RecordingBelow, testMember, testMessage } from "../../../support/recording-layers.ts";
import { messageOfVector } from "../../../support/tribes-vectors.ts";

const B = testMember(2);
/** What the vector gzip-frame was made of. */
const LETTERS = Buffer.from(Array.from({ length: 3000 }, (_, index) => "a".charCodeAt(0) + (index % 7)));
const UNKNOWN_OS = 0xff;

function stack(options: Partial<GzipInterceptorOptions> = {}) {
  const registry = new Registry();
  const above = new RecordingAbove();
  const below = new RecordingBelow();
  const log = new MemoryLog();
  const gzip = new GzipInterceptor(
    { logger: log.logger, metrics: new ChannelMetrics(registry) },
    { optionFlag: 256, compressionMinSize: 0, statsEnabled: false, interval: 0, maxFrameBytes: 65_536, ...options },
  );
  gzip.link(above, below);
  const refused = async () => (await registry.getSingleMetric("tomcatcluster_channel_refused_messages_total")!.get()).values[0]?.value ?? 0;
  return { above, below, gzip, log, refused };
}

describe("GzipInterceptor", () => {
  it("inflates what a Tomcat 10.1.60 compressed, and sends the same bytes", async () => {
    const { above, below, gzip } = stack();
    const vector = messageOfVector("gzip-frame");
    await gzip.messageReceived(vector);
    assert.deepEqual(above.messages[0]!.body, LETTERS);

    await gzip.sendMessage([B], testMessage({ options: 3, body: LETTERS }));
    const { options, body } = below.sent[0]!.message;
    const asNewerJdks = Buffer.from(vector.body);
    asNewerJdks[9] = UNKNOWN_OS;
    assert.deepEqual([options, body], [vector.options, asNewerJdks]);
  });

  it("leaves a message of compressionMinSize bytes alone, as a Tomcat does, and takes it as it is", async () => {
    const vector = messageOfVector("gzip-under-minsize");
    const { above, below, gzip } = stack({ compressionMinSize: vector.body.length });
    await gzip.sendMessage([B], testMessage({ options: 3, body: vector.body }));
    assert.deepEqual([below.sent[0]!.message.options, below.sent[0]!.message.body], [vector.options, vector.body]);
    await gzip.messageReceived(vector);
    assert.deepEqual(above.messages[0], vector);
    await gzip.sendMessage([B], testMessage({ options: 3, body: Buffer.concat([vector.body, vector.body]) }));
    assert.equal(below.sent[1]!.message.options, 3 | 256);
  });

  it("sends a message to several members compressed once, and leaves the caller's bytes as they are", async () => {
    const { below, gzip } = stack();
    const body = Buffer.from(LETTERS);
    await gzip.sendMessage([B, testMember(3)], testMessage({ body }));
    assert.equal(below.sent.length, 1);
    assert.equal(below.sent[0]!.destinations.length, 2);
    assert.deepEqual(body, LETTERS);
  });

  it("knows a compressed message by all bits of its optionFlag", async () => {
    const { above, below, gzip } = stack({ optionFlag: 0x300 });
    await gzip.sendMessage([B], testMessage({ options: 6, body: LETTERS }));
    assert.equal(below.sent[0]!.message.options, 0x306);
    await gzip.messageReceived(below.sent[0]!.message);
    await gzip.messageReceived(testMessage({ options: 0x106, body: LETTERS }));
    assert.deepEqual(
      above.messages.map(({ body }) => body),
      [LETTERS, LETTERS],
    );
  });

  it("refuses what inflates to more than maxFrameBytes, and takes the next message (rule 12)", async () => {
    const { above, gzip, refused } = stack();
    const bomb = gzipSync(Buffer.alloc(65_537));
    assert.ok(bomb.length < 200);
    assert.throws(() => gzip.messageReceived(testMessage({ options: 0x106, body: bomb })), {
      code: "MESSAGE_TOO_LARGE",
      message: 'A compressed message inflates to more than "maxFrameBytes" (65536): raise it on the receiver to take such messages',
    });
    assert.equal(await refused(), 1);
    await gzip.messageReceived(testMessage({ options: 0x106, body: gzipSync(Buffer.alloc(65_536)) }));
    assert.equal(above.messages[0]!.body.length, 65_536);
  });

  it("refuses what is not gzip, or only half of it (rule 12)", async () => {
    const { above, gzip, refused } = stack();
    for (const body of [Buffer.alloc(0), Buffer.from("hello"), gzipSync(LETTERS).subarray(0, 30)]) {
      assert.throws(() => gzip.messageReceived(testMessage({ options: 0x106, body })), { code: "MALFORMED_MESSAGE" });
    }
    assert.deepEqual([above.messages.length, await refused()], [0, 3]);
  });

  it("keeps the statistics of Tomcat's MBean, and logs them each `interval` messages", async () => {
    const { gzip, log } = stack({ statsEnabled: true, interval: 4, compressionMinSize: 100 });
    const small = Buffer.from("small");
    const compressed = gzipSync(LETTERS);
    await gzip.sendMessage([B], testMessage({ body: LETTERS }));
    await gzip.sendMessage([B], testMessage({ body: small }));
    await gzip.messageReceived(testMessage({ options: 0x100, body: compressed }));
    assert.deepEqual(log.lines, []);
    await gzip.messageReceived(testMessage({ options: 0, body: small }));
    const expected = {
      count: 4,
      countCompressedTX: 1,
      countUncompressedTX: 1,
      countCompressedRX: 1,
      countUncompressedRX: 1,
      sizeTX: 3005,
      compressedSizeTX: compressed.length,
      uncompressedSizeTX: 5,
      sizeRX: 3005,
      compressedSizeRX: compressed.length,
      uncompressedSizeRX: 5,
    };
    assert.deepEqual(gzip.describe(), { compression: expected });
    assert.partialDeepStrictEqual(log.lines, [{ level: "info", msg: "Compression of messages", ...expected }]);
    assert.deepEqual(stack().gzip.describe(), {});
  });
});
