import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLogger, type LogLevel } from "../../../src/base/index.ts";
import { FrameLog } from "../../../src/channel/frame-log.ts";
import { describeMessage } from "../../../src/channel/wire/describe-message.ts";
import { createMember, SHUTDOWN_COMMAND } from "../../../src/channel/wire/member-block.ts";
import { ObjectOutputStream } from "../../../src/serialization/index.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { testMember, testMessage } from "../../support/recording-layers.ts";
import { tribesVector } from "../../support/tribes-vectors.ts";

function logAt(level: LogLevel) {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({ level }, { write: (line) => void lines.push(JSON.parse(line)) });
  const clock = new ManualClock();
  return { lines, clock, frames: new FrameLog({ clock, logger }) };
}

const secret = new ObjectOutputStream();
secret.writeObject("a session's secret");
const message = testMessage({ options: 0x10a, body: secret.toBuffer() });

describe("the log of frames", () => {
  it("tells the head of each frame, and nothing that stands in its body", () => {
    const { lines, frames } = logAt("debug");
    frames.sent([testMember(2), testMember(3)], message);
    frames.received(testMessage({ options: 3, body: Buffer.from("secret bytes") }));
    const [sent, received] = lines as [Record<string, unknown>, Record<string, unknown>];
    assert.equal(sent.msg, "Frame sent");
    assert.deepEqual(sent.to, ["tcp://127.0.9.2:4000", "tcp://127.0.9.3:4000"]);
    assert.equal(sent.options, "use_ack,asynchronous,0x100");
    assert.equal(sent.sender, "tcp://127.0.9.1:4000");
    assert.equal(sent.uniqueId, "07".repeat(16));
    assert.deepEqual([received.msg, received.options, received.bodyBytes], ["Frame received", "byte_message,use_ack", 12]);
    assert.doesNotMatch(JSON.stringify(lines), /secret/);
  });

  it("is empty above debug level", () => {
    const { lines, frames } = logAt("info");
    frames.sent([testMember(2)], message);
    frames.received(message);
    assert.deepEqual(lines, []);
  });

  it("has a hundred lines a second at most, names 16 destinations of each, and says how many frames it has left out", async () => {
    const { lines, clock, frames } = logAt("debug");
    for (let frame = 0; frame < 1000; frame++) frames.received(message);
    assert.equal(lines.length, 100);
    await clock.advance(1000);
    frames.sent(
      Array.from({ length: 40 }, (_, number) => testMember(2, 4000 + number)),
      message,
    );
    const last = lines.at(-1)!;
    assert.deepEqual([(last.to as string[]).length, last.destinations, last.omittedBefore], [16, 40, 900]);
    frames.received(message);
    assert.equal(lines.at(-1)!.omittedBefore, undefined);
  });
});

describe("describeMessage", () => {
  it("names the class of an object, and says when the sender leaves", () => {
    const body = tribesVector("rpc-request").bytes;
    const leaving = createMember({ address: "127.0.9.1", port: 4000, command: SHUTDOWN_COMMAND });
    const described = describeMessage(testMessage({ options: 0x76, body, address: leaving }));
    assert.equal(described.options, "use_ack,synchronized_ack,secure,udp,multicast");
    assert.equal(described.className, "org.apache.catalina.tribes.group.RpcMessage");
    assert.equal(described.leaving, true);
  });

  it("takes bodies that are no object stream, such as encrypted ones", () => {
    assert.equal(describeMessage(testMessage({ options: 0, body: Buffer.from([1, 2, 3]) })).className, undefined);
    assert.equal(describeMessage(testMessage({ options: 0, body: Buffer.alloc(0) })).options, "");
  });
});
