// Every legal sum of send options, between a channel of a real Apache Tomcat 10.1 and one of ours, both ways; failures with their causes.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ChannelError, createMember, fromOptionBits, type Member } from "../../src/channel/index.ts";
import { ChannelCluster, encryption, failureDetector, messageDispatch, type TestChannel } from "../support/channel-cluster.ts";
import { JavaChannel, letters, lineOf } from "../support/java-channel.ts";

const OURS = "127.0.88.2";
const JAVA = "127.0.88.4";
const NOBODY = "127.0.88.9";
const PORT = 4000;
const UDP_PORT = 4001;
/** Of a message: the first, and the largest that leaves room for a trailer in a datagram. */
const LENGTHS = [1, 65_000];
const REFUSED_LENGTH = 61_313;
const [SECURE, UDP, MULTICAST] = [0x10, 0x20, 0x40];
/** BYTE_MESSAGE is set by the channel; multicast needs another membership. */
const SUMS = Array.from({ length: 64 }, (_, bits) => bits).filter((bits) => (bits & 0x01) === 0);
const DISPATCH = "MessageDispatchInterceptor";
const DETECTOR = "TcpFailureDetector";
const ENCRYPT = `EncryptInterceptor,encryptionKey=${encryption().attributes.encryptionKey},replayWindowMessageCount=1000000`;

async function together(encrypted: boolean, act: (node: TestChannel, tomcat: JavaChannel, java: Member) => Promise<void>): Promise<void> {
  const cluster = new ChannelCluster(PORT);
  cluster.resolver.found(OURS, JAVA);
  const interceptors = [DISPATCH, ...(encrypted ? [ENCRYPT] : []), DETECTOR];
  const tomcat = await JavaChannel.start({ address: JAVA, port: PORT, peerAddress: OURS, udpPort: UDP_PORT, interceptors });
  try {
    const stack = [messageDispatch(), ...(encrypted ? [encryption()] : []), failureDetector()];
    const node = await cluster.start(OURS, { interceptors: stack, timeoutMs: 10_000, udpPort: UDP_PORT });
    await node.until(() => node.channel.describe().members[0]?.kind === "Tomcat", "the Tomcat has answered");
    // DNS tells nobody's UDP port.
    await act(node, tomcat, createMember({ ...node.member(JAVA), udpPort: UDP_PORT }));
  } finally {
    await cluster.stopAll();
    await tomcat.stop();
  }
}

describe("send options, with a real Tomcat's channel", () => {
  for (const encrypted of [false, true]) {
    it(`carry messages of every legal sum both ways${encrypted ? ", encrypted" : ""}`, () =>
      together(encrypted, async (node, tomcat, java) => {
        const expected: string[] = [];
        const fromTomcat: string[] = [];
        const ids = new Set<string>();
        const outcomes: string[] = [];
        const errorHandler = {
          handleCompletion: (uniqueId: Buffer) => void outcomes.push(uniqueId.toString("hex")),
          handleError: (error: Error) => void outcomes.push(String(error)),
        };
        let asynchronous = 0;
        for (const bits of SUMS) {
          for (const length of LENGTHS) {
            const body = letters(bits, length);
            const isDatagram = (bits & UDP) !== 0;
            // A Tomcat that has written to a member's connection cannot send it datagrams (seen with 10.1.60: NullPointerException).
            if (!isDatagram) {
              fromTomcat.push(lineOf(body));
              tomcat.send(bits, bits, length);
            }
            if ((bits & SECURE) !== 0 && !encrypted) {
              await assert.rejects(node.channel.send([java], { kind: "Bytes", body }, fromOptionBits(bits)), /needs an EncryptInterceptor/);
              continue;
            }
            const options = { ...fromOptionBits(bits), errorHandler };
            if (options.asynchronous) asynchronous++;
            ids.add((await node.channel.send([java], { kind: "Bytes", body }, options)).toString("hex"));
            expected.push(lineOf(body));
            // Two of the largest do not fit into the buffer of its socket.
            if (isDatagram) await tomcat.until(`the datagram with ${bits}`, () => tomcat.received.length >= expected.length);
          }
        }
        await tomcat.until("all of ours are there", () => tomcat.received.length >= expected.length);
        assert.deepEqual([...tomcat.received].sort(), expected.toSorted());
        await tomcat.until("all of its are sent", () => tomcat.outcomes.length >= fromTomcat.length);
        assert.deepEqual(new Set(tomcat.outcomes), new Set(["sent"]));
        await node.until(() => node.received.length >= fromTomcat.length, "all of its are there");
        assert.deepEqual(node.received.map((text) => lineOf(Buffer.from(text))).sort(), fromTomcat.toSorted());
        await node.until(() => outcomes.length >= asynchronous, "the error handler has heard of each");
        assert.equal(ids.size, expected.length);
        assert.deepEqual(
          outcomes.filter((id) => !ids.has(id)),
          [],
        );
      }));
  }

  it("carry a Tomcat's datagrams of every legal sum", async () => {
    const cluster = new ChannelCluster(PORT);
    // It does not list the Tomcat, which would otherwise have answered a hello over a connection.
    cluster.resolver.found(OURS);
    const interceptors = [DISPATCH, DETECTOR];
    const tomcat = await JavaChannel.start({ address: JAVA, port: PORT, peerAddress: OURS, udpPort: UDP_PORT, interceptors });
    try {
      const node = await cluster.start(OURS, { udpPort: UDP_PORT });
      const expected: string[] = [];
      for (const bits of SUMS.filter((sum) => (sum & UDP) !== 0)) {
        for (const length of LENGTHS) {
          expected.push(lineOf(letters(bits, length)));
          tomcat.send(bits, bits, length);
          await node.until(() => node.received.length === expected.length, `the datagram with ${bits}`);
        }
      }
      assert.deepEqual(
        node.received.map((text) => lineOf(Buffer.from(text))),
        expected,
      );
      await tomcat.until("it knows that they were sent", () => tomcat.outcomes.length === expected.length);
      assert.deepEqual(new Set(tomcat.outcomes), new Set(["sent"]));
      node.onMessage = () => {
        throw new Error("refused by the test");
      };
      tomcat.send(UDP | 6, 1, 5);
      await tomcat.until("it is told of the refusal", () => tomcat.outcomes.length > expected.length);
      assert.deepEqual(tomcat.outcomes.at(-1), "failed RemoteProcessException");
    } finally {
      await cluster.stopAll();
      await tomcat.stop();
    }
  });

  it("multicast is refused here by name, where a Tomcat's message goes nowhere without a word", () =>
    together(false, async (node, tomcat, java) => {
      await assert.rejects(
        node.channel.send([java], { kind: "Bytes", body: letters(1, 2) }, fromOptionBits(MULTICAST)),
        /multicast needs a membership by multicast/,
      );
      tomcat.send(6, 1, 5);
      await tomcat.until("its message is sent", () => tomcat.outcomes.length === 1);
      assert.deepEqual(node.received, [letters(1, 5).toString()]);
    }));

  it("a failure lists the members that failed, each with its cause; an error handler hears the same of an asynchronous message", () =>
    together(false, async (node, _tomcat, java) => {
      const nobody = createMember({ address: NOBODY, port: PORT, udpPort: UDP_PORT });
      const causes = (error: unknown) => {
        assert.ok(error instanceof ChannelError, String(error));
        return error.faultyMembers.map(({ member, cause }) => `${member.address} ${cause.name}`).sort();
      };
      const message = { kind: "Bytes", body: letters(1, REFUSED_LENGTH) } as const;
      for (const carrier of [0, UDP]) {
        const expected = [`${JAVA} RemoteProcessError`, `${NOBODY} ConnectError`].sort();
        const synchronous = await node.channel.send([java, nobody], message, fromOptionBits(6 | carrier)).catch(causes);
        assert.deepEqual(synchronous, expected);
        const told = Promise.withResolvers<unknown>();
        const errorHandler = {
          handleCompletion: () => told.resolve("completed"),
          handleError: (error: Error) => told.resolve(causes(error)),
        };
        await node.channel.send([java, nobody], message, { ...fromOptionBits(14 | carrier), errorHandler });
        assert.deepEqual(await told.promise, expected);
      }
    }));
});
