// RpcChannels of two real Tomcat channels and two of ours, in one group: every kind of call, both ways.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { silentLogger, systemClock, systemRandom } from "../../src/base/index.ts";
import { type Member, type ReplyMode, RpcChannel, type RpcResult } from "../../src/channel/index.ts";
import { uniqueIdOf } from "../../src/channel/wire/member-block.ts";
import { ChannelCluster, type TestChannel } from "../support/channel-cluster.ts";
import { JavaProgram } from "../support/java-program.ts";
import { testMetrics } from "../support/recording-layers.ts";

const PORT = 4000;
const RPC_ID = "rpc of the test";
const OURS = ["127.0.87.2", "127.0.87.3"] as const;
const JAVA = ["127.0.87.4", "127.0.87.5"] as const;
/** Tomcat's numbers. */
const MODES: Readonly<Record<ReplyMode, number>> = { First: 1, Majority: 2, All: 3, None: 4 };
const LONG_MS = 20_000;

interface Ours {
  readonly node: TestChannel;
  readonly rpc: RpcChannel;
  /** Replies that nobody waited for. */
  readonly late: unknown[];
  /** Replies that have gone out. */
  readonly replied: unknown[];
}

const cluster = new ChannelCluster(PORT);
const ours: Ours[] = [];
const tomcats: JavaProgram[] = [];
/** Settles requests that are to be answered late. */
let answerLate = Promise.withResolvers<void>();

async function startOurs(address: string): Promise<Ours> {
  const node = cluster.create(address);
  const [late, replied]: [unknown[], unknown[]] = [[], []];
  const deps = { carrier: node.channel, clock: systemClock, logger: silentLogger, metrics: testMetrics(), random: systemRandom };
  const rpc = new RpcChannel(
    deps,
    { rpcId: RPC_ID },
    {
      replyRequest: async (request) => {
        if (request === "nothing") return null;
        if (request === "late") await answerLate.promise;
        return `${address}: ${String(request)}`;
      },
      leftOver: (reply) => void late.push(reply),
      replySucceeded: ({ reply }) => void replied.push(reply),
    },
  );
  rpc.open();
  await node.channel.start();
  return { node, rpc, late, replied };
}

function call({ rpc, node }: Ours, mode: ReplyMode, message: string, timeoutMs = LONG_MS): Promise<RpcResult> {
  const members: readonly Member[] = [...OURS, ...JAVA]
    .filter((address) => address !== node.channel.localMember.address)
    .map((address) => node.member(address));
  return rpc.call(members, message, { mode, timeoutMs, acknowledge: "Received", asynchronous: false });
}

/** What a Tomcat's call returns. */
async function callOf(tomcat: JavaProgram, mode: ReplyMode, message: string, timeoutMs = LONG_MS): Promise<readonly string[]> {
  const calls = tomcat.lines("answers").length;
  tomcat.tell(`call ${MODES[mode]} 2 ${timeoutMs} ${message}`);
  await tomcat.until("the call has ended", () => tomcat.lines("answers").length > calls);
  const text = tomcat.lines("answers")[calls]!.slice("answers ".length);
  return text === "" ? [] : text.split("|");
}

const texts = (result: RpcResult) => result.replies.map(({ message }) => String(message)).sort();

describe("RPC between two real Tomcat channels and two of ours", () => {
  before(async () => {
    cluster.resolver.found(...OURS, ...JAVA);
    for (const address of JAVA) {
      const members = [...OURS, ...JAVA]
        .filter((other) => other !== address)
        .map((other) => `${other}=${uniqueIdOf(other).toString("hex")}`);
      tomcats.push(await JavaProgram.start("RpcPeer", { args: [address, String(PORT), RPC_ID, ...members] }));
    }
    for (const address of OURS) ours.push(await startOurs(address));
    for (const { node } of ours) await node.until(() => node.channel.members.length === 3, "everybody is there");
  });
  after(async () => {
    answerLate.resolve();
    for (const { rpc, node } of ours) {
      rpc.close();
      await node.channel.stop({ goodbye: false });
    }
    for (const tomcat of tomcats) await tomcat.stop();
  });

  it("ours has the replies of all, null among them", async () => {
    const [one] = ours as [Ours];
    assert.deepEqual(texts(await call(one, "All", "hello")), ["127.0.87.3: hello", "127.0.87.4: hello", "127.0.87.5: hello"]);
    assert.deepEqual(texts(await call(one, "All", "nothing")), ["null", "null", "null"]);
  });

  it("a Tomcat has the replies of all, null among them", async () => {
    const [tomcat] = tomcats as [JavaProgram];
    assert.deepEqual(await callOf(tomcat, "All", "hello"), ["127.0.87.2: hello", "127.0.87.3: hello", "127.0.87.5: hello"]);
    assert.deepEqual(await callOf(tomcat, "All", "nothing"), ["null", "null", "null"]);
  });

  it("a call for the first reply ends with it, on both sides", async () => {
    const [one] = ours as [Ours];
    // Of ours, those that answer late have not.
    assert.ok((await call(one, "First", "late")).replies.length >= 1);
    assert.ok((await callOf(tomcats[0]!, "First", "late")).length >= 1);
    answerLate.resolve();
  });

  it("a call for a majority ends with half of those that were asked or more, on both sides", async () => {
    answerLate = Promise.withResolvers();
    const [one] = ours as [Ours];
    // Two of three answer at once.
    assert.deepEqual(texts(await call(one, "Majority", "late")), ["127.0.87.4: late", "127.0.87.5: late"]);
    answerLate.resolve();
    assert.ok((await callOf(tomcats[0]!, "Majority", "hello")).length >= 2);
  });

  it("a call without replies ends at once, on both sides", async () => {
    const [one] = ours as [Ours];
    assert.deepEqual((await call(one, "None", "none")).replies, []);
    assert.deepEqual(await callOf(tomcats[0]!, "None", "none"), []);
    await one.node.until(() => one.late.length >= 3, "replies that nobody waits for are left over");
  });

  it("a call whose time is over has what has come, and what comes late is left over, on both sides", async () => {
    answerLate = Promise.withResolvers();
    const [one, other] = ours as [Ours, Ours];
    const isLate = (address: string) => one.late.includes(`${address}: wait 1500`);
    const result = await call(one, "All", "wait 1500", 300);
    assert.deepEqual(texts(result), ["127.0.87.3: wait 1500"]);
    assert.deepEqual(result.silent.map(({ address }) => address).sort(), [...JAVA]);
    await one.node.until(() => JAVA.every(isLate), "the replies of the Tomcats");
    const [tomcat] = tomcats as [JavaProgram];
    assert.deepEqual(await callOf(tomcat, "All", "late", 500), ["127.0.87.5: late"]);
    answerLate.resolve();
    await tomcat.until("the replies of ours", () => tomcat.lines("late").filter((line) => /127.0.87.[23]: late/.test(line)).length >= 2);
    assert.ok(other.replied.includes("127.0.87.3: late"));
  });

  it("members without that RPC channel say so, and nobody waits for them, on both sides", async () => {
    const [one] = ours as [Ours];
    const carrier = one.node.channel;
    const deps = { carrier, clock: systemClock, logger: silentLogger, metrics: testMetrics(), random: systemRandom };
    const unknown = new RpcChannel(deps, { rpcId: "only here" }, { replyRequest: () => null });
    unknown.open();
    const { refused, replies } = await call({ ...one, rpc: unknown }, "All", "hello");
    unknown.close();
    assert.deepEqual(replies, []);
    assert.deepEqual(refused.map(({ address }) => address).sort(), [OURS[1], ...JAVA]);
    // The other Tomcat has the channel "alone", ours have not.
    assert.deepEqual(await callOf(tomcats[0]!, "All", "nobody"), ["127.0.87.5: nobody"]);
  });
});
