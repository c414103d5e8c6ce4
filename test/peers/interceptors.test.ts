// Each interceptor that changes what is on the wire, between a channel of a real Apache Tomcat 10.1 and one of ours, both ways.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SendOptions } from "../../src/channel/index.ts";
import type { ComponentConfig } from "../../src/config/index.ts";
import {
  ChannelCluster,
  encryption,
  failureDetector,
  interceptorConfig,
  messageDispatch,
  type TestChannel,
} from "../support/channel-cluster.ts";
import { JavaChannel, letters, lineOf } from "../support/java-channel.ts";

const OURS = "127.0.85.2";
const JAVA = "127.0.85.4";
const PORT = 4000;
/** For each piece of a message a Tomcat's FragmentationInterceptor takes as much memory as for the whole: one of 1.5 MB needs 2 GB. */
const LENGTHS = [1, 57, 1024, 1025, 5000, 150_000];
const SYNCHRONOUS: SendOptions = { acknowledge: "Processed", asynchronous: false };
const EVERY_KIND = [0, 2, 6, 8, 10];
/** A Tomcat handles frames of a connection concurrently (rule 10): a confirmation must not be on its way beside its message. */
const PROCESSED = [6, 14];
/** With the key of the tests, and as many remembered messages as ours (rule 21). */
const ENCRYPT = `EncryptInterceptor,encryptionKey=${encryption().attributes.encryptionKey},replayWindowMessageCount=1000000`;
const [DISPATCH, DETECTOR] = ["MessageDispatchInterceptor", "TcpFailureDetector"];

interface Stacks {
  /** Top first. */
  readonly ours: readonly ComponentConfig[];
  readonly java: readonly string[];
  /** Option bits to send with. */
  readonly options: readonly number[];
}

const twoPhases = interceptorConfig("TwoPhaseCommitInterceptor");
const order = interceptorConfig("OrderInterceptor");
const fragments = interceptorConfig("FragmentationInterceptor", { maxSize: 1024 });
const gzip = interceptorConfig("GzipInterceptor", { compressionMinSize: 57 });
const FRAGMENTS = "FragmentationInterceptor,maxSize=1024";
const GZIP = "GzipInterceptor,compressionMinSize=57";

const STACKS: Readonly<Record<string, Stacks>> = {
  GzipInterceptor: { ours: [messageDispatch(), gzip, failureDetector()], java: [DISPATCH, GZIP, DETECTOR], options: EVERY_KIND },
  FragmentationInterceptor: {
    ours: [messageDispatch(), fragments, failureDetector()],
    java: [DISPATCH, FRAGMENTS, DETECTOR],
    options: EVERY_KIND,
  },
  OrderInterceptor: {
    ours: [order, messageDispatch(), failureDetector()],
    java: ["OrderInterceptor", DISPATCH, DETECTOR],
    options: EVERY_KIND,
  },
  TwoPhaseCommitInterceptor: {
    ours: [twoPhases, messageDispatch(), failureDetector()],
    java: [DISPATCH, "TwoPhaseCommitInterceptor", DETECTOR],
    options: PROCESSED,
  },
  // A Tomcat's GzipInterceptor sets its bit in the message itself: a confirmation, which is a copy of it, has to be compressed too.
  "all of them, and EncryptInterceptor": {
    ours: [twoPhases, order, messageDispatch(), interceptorConfig("GzipInterceptor"), fragments, encryption(), failureDetector()],
    java: [DISPATCH, "TwoPhaseCommitInterceptor", "OrderInterceptor", "GzipInterceptor", FRAGMENTS, ENCRYPT, DETECTOR],
    options: PROCESSED,
  },
};

async function together({ ours, java }: Stacks, act: (node: TestChannel, tomcat: JavaChannel) => Promise<void>): Promise<void> {
  const cluster = new ChannelCluster(PORT);
  cluster.resolver.found(OURS, JAVA);
  const tomcat = await JavaChannel.start({ address: JAVA, port: PORT, peerAddress: OURS, interceptors: java });
  try {
    const node = await cluster.start(OURS, { interceptors: ours, timeoutMs: 10_000 });
    await node.until(() => node.channel.describe().members[0]?.kind === "Tomcat", "the Tomcat has answered through the stack");
    await act(node, tomcat);
  } finally {
    await cluster.stopAll();
    await tomcat.stop();
  }
}

describe("a real Tomcat's channel with the same interceptors", () => {
  for (const [name, stacks] of Object.entries(STACKS)) {
    it(`takes our messages of every size and kind of acknowledgement, and we take its: ${name}`, () =>
      together(stacks, async (node, tomcat) => {
        const expected: string[] = [];
        for (const bits of stacks.options) {
          for (const [seed, length] of LENGTHS.entries()) {
            const body = letters(seed, length);
            const acknowledge = (bits & 6) === 6 ? "Processed" : (bits & 2) === 2 ? "Received" : "None";
            const options: SendOptions = { acknowledge, asynchronous: (bits & 8) !== 0 };
            await node.channel.send([node.member(JAVA)], { kind: "Bytes", body }, options);
            expected.push(lineOf(body));
            tomcat.send(bits, seed, length);
          }
        }
        await tomcat.until("all of ours are there", () => tomcat.received.length >= expected.length);
        assert.deepEqual([...tomcat.received].sort(), [...expected].sort());
        await tomcat.until("all of its are sent", () => tomcat.outcomes.length >= expected.length);
        assert.deepEqual(new Set(tomcat.outcomes), new Set(["sent"]));
        await node.until(() => node.received.length >= expected.length, "all of its are there");
        assert.deepEqual(node.received.map((text) => lineOf(Buffer.from(text))).sort(), [...expected].sort());
      }));

    it(`learns that we have refused a message, and goes on (rule 12): ${name}`, () =>
      together(stacks, async (node, tomcat) => {
        let refuses = true;
        node.onMessage = () => {
          if (refuses) throw new Error("refused by the test");
        };
        tomcat.send(6, 1, 3000);
        await tomcat.until("it is told", () => tomcat.outcomes.length === 1);
        assert.deepEqual(tomcat.outcomes, ["failed RemoteProcessException"]);
        refuses = false;
        tomcat.send(6, 2, 3000);
        await tomcat.until("it is told again", () => tomcat.outcomes.length === 2);
        assert.deepEqual(tomcat.outcomes, ["sent", "failed RemoteProcessException"]);
        assert.deepEqual(node.received, [letters(1, 3000), letters(2, 3000)].map(String));
      }));
  }

  it("takes our messages of all keys in the order of their sending, and we take its, which its threads send in any order", () =>
    together(STACKS.OrderInterceptor!, async (node, tomcat) => {
      const numbers = Array.from({ length: 300 }, (_, number) => number);
      const java = node.member(JAVA);
      const bodies = numbers.map((number) => letters(number % 26, 10 + number));
      await Promise.all(
        bodies.map((body, number) =>
          node.channel.send([java], { kind: "Bytes", body }, { ...SYNCHRONOUS, orderKey: `session ${number % 8}` }),
        ),
      );
      await tomcat.until("it has said that all of ours are there", () => tomcat.received.length >= bodies.length);
      assert.deepEqual(tomcat.received, bodies.map(lineOf));
      for (const number of numbers) tomcat.send(8, number % 26, 10 + number);
      await node.until(() => node.received.length >= numbers.length, "all of its are there");
      assert.deepEqual(node.received, bodies.map(String));
    }));
});
