// Whole channels over loopback with the interceptors that change or hold messages: what a bomb does, what a refusal does, what order is.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { ChannelError, RemoteProcessError, type SendOptions } from "../../src/channel/index.ts";
import { createMember } from "../../src/channel/wire/member-block.ts";
import { BYTE_MESSAGE, COMPRESSED, SYNCHRONIZED_ACK, USE_ACK } from "../../src/channel/wire/options.ts";
import {
  ChannelCluster,
  encryption,
  failureDetector,
  interceptorConfig,
  messageDispatch,
  type TestChannel,
} from "../support/channel-cluster.ts";
import { letters } from "../support/java-channel.ts";
import { messageOf, RawClient } from "../support/raw-member.ts";

const A = "127.0.33.1";
const B = "127.0.33.2";
const C = "127.0.33.3";
let nextPort = 4510;

const SYNCHRONOUS: SendOptions = { acknowledge: "Processed", asynchronous: false };
const ACKNOWLEDGED_BYTES = BYTE_MESSAGE | USE_ACK | SYNCHRONIZED_ACK;
const EVERYTHING = [
  interceptorConfig("TwoPhaseCommitInterceptor"),
  interceptorConfig("OrderInterceptor"),
  messageDispatch(),
  interceptorConfig("ThroughputInterceptor"),
  interceptorConfig("GzipInterceptor", { statsEnabled: true }),
  interceptorConfig("FragmentationInterceptor", { maxSize: 1024 }),
  interceptorConfig("DomainFilterInterceptor"),
  encryption(),
  interceptorConfig("TcpPingInterceptor", { useThread: true, interval: 50 }),
  failureDetector(),
];

async function meet(...nodes: TestChannel[]): Promise<void> {
  for (const node of nodes) {
    await node.until(() => node.addresses.length === nodes.length - 1, "every other member");
    await node.channel.hello.everyMemberAnswered(AbortSignal.timeout(10_000));
  }
}

describe("channels with interceptors that change messages, over loopback", () => {
  const port = () => nextPort - 1;
  let cluster: ChannelCluster;

  beforeEach(() => {
    cluster = new ChannelCluster(nextPort++);
    cluster.resolver.found(A, B, C);
  });
  afterEach(() => cluster.stopAll());

  it("deliver every kind and size of message through all of them, and tell on their page what has passed", async () => {
    const nodes = [
      await cluster.start(A, { interceptors: EVERYTHING }),
      await cluster.start(B, { interceptors: EVERYTHING }),
      await cluster.start(C, { interceptors: EVERYTHING }),
    ] as const;
    await meet(...nodes);
    const [a, b, c] = nodes;
    const bodies = [1, 1024, 5000, 300_000].map((length, seed) => letters(seed, length));
    for (const acknowledge of ["None", "Received", "Processed"] as const) {
      for (const asynchronous of [false, true]) {
        const sent = bodies.map((body) =>
          a.channel.send([a.member(B), a.member(C)], { kind: "Bytes", body }, { acknowledge, asynchronous, orderKey: "session" }),
        );
        await Promise.all(sent);
        for (const node of [b, c]) {
          await node.until(() => node.received.length === bodies.length, "all messages");
          assert.deepEqual(node.received.splice(0), bodies.map(String));
        }
      }
    }
    const { compression, throughput } = a.channel.describe();
    assert.ok(compression!.compressedSizeTX < compression!.sizeTX);
    assert.ok(throughput!.sentMessages > bodies.length * 6);
  });

  it("tell a sender whose message was refused behind all of them, and nobody else (rules 8, 12)", async () => {
    const [a, b, c] = [
      await cluster.start(A, { interceptors: EVERYTHING }),
      await cluster.start(B, { interceptors: EVERYTHING }),
      await cluster.start(C, { interceptors: EVERYTHING }),
    ] as const;
    await meet(a, b, c);
    b.onMessage = () => Promise.reject(new Error("unknown session"));
    const message = { kind: "Bytes" as const, body: letters(1, 5000) };
    await assert.rejects(a.channel.send(a.channel.members, message, SYNCHRONOUS), (error) => {
      assert.ok(error instanceof ChannelError);
      assert.deepEqual(
        error.faultyMembers.map(({ member, cause }) => [member.address, cause instanceof RemoteProcessError]),
        [[B, true]],
      );
      return true;
    });
    assert.deepEqual(c.received, [String(message.body)]);
    b.onMessage = () => undefined;
    await a.channel.send(a.channel.members, { kind: "Bytes", body: letters(2, 5000) }, SYNCHRONOUS);
    assert.equal(c.received.length, 2);
  });

  it("refuse a message that inflates to more than maxFrameBytes, and go on with its connection (rule 12)", async () => {
    const interceptors = [interceptorConfig("GzipInterceptor"), failureDetector()];
    const a = await cluster.start(A, { interceptors, maxFrameBytes: 1_000_000 });
    const client = await RawClient.connect(port(), A, B);
    try {
      const compressed = (body: Buffer) => ({
        ...messageOf(gzipSync(body), ACKNOWLEDGED_BYTES | COMPRESSED),
        address: createMember({ address: B, port: port() }),
      });
      client.send(compressed(Buffer.from("first")), compressed(Buffer.alloc(1_000_001)), compressed(Buffer.from("second")));
      assert.deepEqual(await client.until(3), ["ACK", "FAIL", "ACK"]);
      assert.deepEqual(a.received, ["first", "second"]);
    } finally {
      await client.close();
    }
  });

  it("deliver messages of all keys, which travel on several connections, in the order of their sending", async () => {
    const interceptors = [interceptorConfig("OrderInterceptor"), messageDispatch(), failureDetector()];
    const [a, b] = [await cluster.start(A, { interceptors }), await cluster.start(B, { interceptors })] as const;
    await meet(a, b);
    const texts = Array.from({ length: 500 }, (_, number) => `message ${number}`);
    const sends = texts.map((text, number) => {
      const orderKey = `session ${number % 16}`;
      return a.channel.send([a.member(B)], { kind: "Bytes", body: Buffer.from(text) }, { ...SYNCHRONOUS, orderKey });
    });
    await Promise.all(sends);
    assert.deepEqual(b.received, texts);
  });
});
