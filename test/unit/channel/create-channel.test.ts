import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Registry, silentLogger } from "../../../src/base/index.ts";
import { createChannel } from "../../../src/channel/create-channel.ts";
import { ACK, FAIL_ACK } from "../../../src/channel/wire/acknowledgement.ts";
import { encodeChannelData } from "../../../src/channel/wire/channel-data.ts";
import { createMember } from "../../../src/channel/wire/member-block.ts";
import { BYTE_MESSAGE, SYNCHRONIZED_ACK, USE_ACK } from "../../../src/channel/wire/options.ts";
import { channelConfig } from "../../support/channel-cluster.ts";
import { MemorySockets } from "../../support/memory-sockets.ts";
import { messageOf } from "../../support/raw-member.ts";
import { ScriptedResolver } from "../../support/scripted-resolver.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { ProcessClock, VirtualTime } from "../../support/virtual-time.ts";

const HERE = "10.0.0.1";
const MEMBER = "10.0.0.2";
const PROXY = "10.0.0.9";
const PORT = 4000;

/** What a channel answers to a member's message that arrives from `source`. */
async function answerTo(speaker: string, source: string, trustProxiedPeers: boolean): Promise<string> {
  const time = new VirtualTime();
  const random = new SeededRandom(1);
  const network = new MemorySockets(time, random);
  const clock = new ProcessClock(time);
  const resolver = new ScriptedResolver();
  resolver.found(HERE, MEMBER);
  const config = channelConfig({ address: HERE, port: PORT });
  const channel = createChannel(
    { clock, random, resolver, logger: silentLogger, registry: new Registry(), sockets: network.host(HERE).sockets },
    { ...config, receiver: { ...config.receiver, trustProxiedPeers } },
  );
  const received: string[] = [];
  channel.addChannelListener({
    accept: ({ kind }) => kind === "Bytes",
    messageReceived: ({ body }) => void received.push(body.toString()),
  });
  const started = channel.start();
  await time.run(3000);
  await started;
  const socket = network.host(source).sockets.connect({ host: HERE, port: PORT });
  let answer = "silence";
  socket.on("connect", () =>
    socket.write(
      encodeChannelData({
        ...messageOf("x", BYTE_MESSAGE | USE_ACK | SYNCHRONIZED_ACK),
        timestamp: clock.now(),
        address: createMember({ address: speaker, port: PORT }),
      }),
    ),
  );
  socket.on("data", (bytes: Buffer) => {
    answer = bytes.equals(ACK) ? "ACK" : bytes.equals(FAIL_ACK) ? "FAIL_ACK" : "something else";
  });
  socket.on("close", () => {
    if (answer === "silence") answer = "closed";
  });
  socket.on("error", () => undefined);
  await time.run(2000);
  const stopped = channel.stop({ goodbye: false });
  await time.run(10_000);
  await stopped;
  return `${answer}, ${received.length} received`;
}

describe("a channel, before it is known who speaks (rule 20)", () => {
  for (const [what, speaker, source, trustProxiedPeers, expected] of [
    ["takes a member's message from the member's address", MEMBER, MEMBER, false, "ACK, 1 received"],
    ["closes a connection from an address that DNS does not list", MEMBER, PROXY, false, "closed, 0 received"],
    ["closes a connection whose message names another member", "10.0.0.3", MEMBER, false, "closed, 0 received"],
    ["takes a member's message through a proxy with trustProxiedPeers", MEMBER, PROXY, true, "ACK, 1 received"],
    ["still takes nothing from who announces an address that DNS does not list", PROXY, PROXY, true, "FAIL_ACK, 0 received"],
  ] as const) {
    it(what, async () => assert.equal(await answerTo(speaker, source, trustProxiedPeers), expected));
  }
});
