import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Registry, silentLogger, systemRandom } from "../../../src/base/index.ts";
import type { ChannelMessage, Member, ReceivedMessage, SendOptions } from "../../../src/channel/channel.ts";
import { ChannelCoordinator } from "../../../src/channel/channel-coordinator.ts";
import { ChannelMetrics } from "../../../src/channel/channel-metrics.ts";
import { GroupChannel, type GroupChannelOptions } from "../../../src/channel/group-channel.ts";
import { ChannelInterceptor } from "../../../src/channel/interceptor.ts";
import { PING_BODY, PROBE_BODY } from "../../../src/channel/interceptors/probe-messages.ts";
import { decodeRpcMessage, encodeRpcMessage } from "../../../src/channel/rpc-message.ts";
import { isShutdown } from "../../../src/channel/wire/member-block.ts";
import { ObjectInputStream, ObjectOutputStream, SuidTable } from "../../../src/serialization/index.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { RecordingFloor, testMember, testMessage } from "../../support/recording-layers.ts";
import { tribesVector } from "../../support/tribes-vectors.ts";

const B = testMember(2);
const SYNCHRONOUS = { acknowledge: "Processed", asynchronous: false } as const;
const bytes = (text: string) => ({ kind: "Bytes", body: Buffer.from(text) }) as const;

/** Adds its name to what passes, in both directions. */
class Marking extends ChannelInterceptor {
  readonly #name: string;
  readonly #log: string[];

  constructor(name: string, log: string[]) {
    super();
    this.#name = name;
    this.#log = log;
  }

  override async start(): Promise<void> {
    this.#log.push(`${this.#name} started`);
  }

  override async stop(): Promise<void> {
    this.#log.push(`${this.#name} stopped`);
  }

  override sendMessage(destinations: readonly Member[], message: ChannelMessage): Promise<void> {
    this.#log.push(`${this.#name} down`);
    return super.sendMessage(destinations, message);
  }

  override messageReceived(message: ChannelMessage): void | Promise<void> {
    this.#log.push(`${this.#name} up`);
    return super.messageReceived(message);
  }
}

function build(interceptors: (log: string[]) => ChannelInterceptor[] = () => [], options: Partial<GroupChannelOptions> = {}) {
  const clock = new ManualClock();
  const floor = new RecordingFloor();
  const registry = new Registry();
  const channel = new GroupChannel(
    {
      clock,
      logger: silentLogger,
      metrics: new ChannelMetrics(registry),
      random: systemRandom,
      coordinator: new ChannelCoordinator(floor),
      interceptors: interceptors(floor.log),
      suids: new SuidTable(),
    },
    { heartbeatSleepMs: 5000, ...options },
  );
  const counted = async (name: string) => (await registry.getSingleMetric(name)!.get()).values[0]?.value ?? 0;
  return { clock, floor, channel, counted, registry };
}

async function started(interceptors?: (log: string[]) => ChannelInterceptor[]) {
  const parts = build(interceptors);
  await parts.channel.start();
  parts.floor.log.length = 0;
  return parts;
}

function javaString(text: string): Buffer {
  const stream = new ObjectOutputStream();
  stream.writeObject(text);
  return stream.toBuffer();
}

describe("GroupChannel", () => {
  it("starts receiver, sender, membership, then the layers from below, and stops in reverse", async () => {
    const { clock, floor, channel } = build((log) => [new Marking("top", log), new Marking("bottom", log)]);
    await channel.start();
    await channel.stop();
    assert.deepEqual(floor.log, [
      "receiver started",
      "sender started",
      "membership started",
      "bottom started",
      "top started",
      "top stopped",
      "bottom stopped",
      "membership stopped",
      "sender stopped",
      "receiver stopped",
    ]);
    assert.equal(clock.pendingTimers, 0);
  });

  it("gives each message a unique id and returns it", async () => {
    const { floor, channel } = await started();
    const ids = await Promise.all([1, 2].map((number) => channel.send([B], bytes(String(number)), SYNCHRONOUS)));
    assert.deepEqual(
      ids,
      floor.sent.map(({ message }) => message.uniqueId),
    );
    assert.notDeepEqual(ids[0], ids[1]);
  });

  it("sends nothing with options that contradict one another or this channel, and says why", async () => {
    const { floor, channel } = await started();
    const refused = (options: Partial<SendOptions>, expected: RegExp) =>
      assert.rejects(channel.send([B], bytes("x"), { ...SYNCHRONOUS, ...options }), expected);
    await refused({ secure: true }, /"secure" needs an EncryptInterceptor/);
    await refused({ carrier: "Multicast" }, /multicast is never acknowledged/);
    await refused({ carrier: "Multicast", acknowledge: "None" }, /needs a membership by multicast/);
    await refused({ interceptorBits: 2 }, /bits from 128 up/);
    assert.deepEqual(floor.sent, []);
  });

  it("puts what a message asks for into its options", async () => {
    class Encrypting extends ChannelInterceptor {
      override get encrypts(): boolean {
        return true;
      }
    }
    const { floor, channel } = await started(() => [new Encrypting()]);
    const broadcast: number[] = [];
    floor.membership.broadcast = async ({ options }) => void broadcast.push(options);
    await channel.send([B], bytes("x"), { ...SYNCHRONOUS, secure: true, carrier: "Datagram", interceptorBits: 0x200 });
    await channel.send([B], bytes("x"), { acknowledge: "None", asynchronous: true, carrier: "Multicast" });
    assert.deepEqual(
      floor.sent.map(({ message }) => message.options),
      [0x200 | 0x20 | 0x10 | 6 | 1],
    );
    assert.deepEqual(broadcast, [0x40 | 8 | 1]);
  });

  it("stops what has started when a layer does not start", async () => {
    class Failing extends ChannelInterceptor {
      override start(): Promise<void> {
        return Promise.reject(new Error("No key"));
      }
    }
    const { clock, floor, channel } = build(() => [new Failing()]);
    await assert.rejects(channel.start(), /No key/);
    assert.deepEqual(floor.log.slice(3), ["membership stopped", "sender stopped", "receiver stopped"]);
    assert.equal(clock.pendingTimers, 0);
  });

  it("sends down and delivers up through the layers in their order", async () => {
    const { floor, channel } = await started((log) => [new Marking("top", log), new Marking("bottom", log)]);
    channel.addChannelListener({ accept: () => true, messageReceived: () => void floor.log.push("listener") });
    await channel.send([B], bytes("x"), SYNCHRONOUS);
    await floor.receiver.onMessage(testMessage());
    assert.deepEqual(floor.log, ["top down", "bottom down", "bottom up", "top up", "listener"]);
  });

  it("makes ChannelData of a message: options, time stamp, a UUID of its own, the local member", async () => {
    const { clock, floor, channel } = await started();
    const expected = [
      [6, { acknowledge: "Processed", asynchronous: false }],
      [2, { acknowledge: "Received", asynchronous: false }],
      [0, { acknowledge: "None", asynchronous: false }],
      [8, { acknowledge: "None", asynchronous: true }],
      [10, { acknowledge: "Received", asynchronous: true }],
    ] as const;
    for (const [bits, options] of expected) {
      await channel.send([B], bytes("raw"), options);
      await channel.send([B], { kind: "Object", body: javaString("x") }, { ...options, orderKey: "ABC" });
      const [raw, object] = floor.sent.splice(0).map(({ message }) => message);
      assert.equal(raw?.options, bits | 1);
      assert.equal(object?.options, bits);
      assert.equal(object?.orderKey, "ABC");
      assert.equal(raw?.timestamp, clock.now());
      assert.equal(raw?.address, channel.localMember);
      assert.match(raw?.uniqueId.toString("hex") ?? "", /^.{12}4.{3}[89ab].{15}$/);
      assert.notDeepEqual(raw?.uniqueId, object?.uniqueId);
    }
  });

  it("refuses to send to nobody, and when it does not run", async () => {
    const { channel } = build();
    await assert.rejects(channel.send([B], bytes("x"), SYNCHRONOUS), { code: "CHANNEL_STOPPED" });
    await channel.start();
    await assert.rejects(channel.send([], bytes("x"), SYNCHRONOUS), { code: "NO_DESTINATION" });
    await channel.stop();
    await assert.rejects(channel.send([B], bytes("x"), SYNCHRONOUS), { code: "CHANNEL_STOPPED" });
  });

  it("delivers to every listener that accepts, one after the other in the order of registration", async () => {
    const { floor, channel } = await started();
    const order: string[] = [];
    const first = Promise.withResolvers<void>();
    channel.addChannelListener({
      accept: () => true,
      messageReceived: () => first.promise.then(() => void order.push("first")),
    });
    channel.addChannelListener({ accept: () => false, messageReceived: () => void order.push("never") });
    const last = { accept: () => true, messageReceived: () => void order.push("last") };
    channel.addChannelListener(last);
    const outcome = floor.receiver.onMessage(testMessage());
    assert.deepEqual(order, []);
    first.resolve();
    await outcome;
    assert.deepEqual(order, ["first", "last"]);
    channel.removeChannelListener(last);
    await floor.receiver.onMessage(testMessage());
    assert.deepEqual(order, ["first", "last", "first"]);
  });

  it("makes no promise for listeners that need none", async () => {
    const { floor, channel } = await started();
    channel.addChannelListener({ accept: () => true, messageReceived: () => undefined });
    assert.equal(floor.receiver.onMessage(testMessage()), undefined);
  });

  it("refuses a message when a listener throws, rejects, or cannot decode it (rule 12)", async () => {
    const { floor, channel, counted } = await started();
    const refusals: ((message: ReceivedMessage) => void | Promise<void>)[] = [
      () => {
        throw new Error("No such session");
      },
      () => Promise.reject(new Error("No such session")),
      (message) => void message.object(),
    ];
    for (const messageReceived of refusals) {
      const listener = { accept: () => true, messageReceived };
      channel.addChannelListener(listener);
      await assert.rejects(async () => floor.receiver.onMessage(testMessage({ options: 6, body: Buffer.from("no stream") })));
      channel.removeChannelListener(listener);
    }
    assert.equal(await counted("tomcatcluster_channel_refused_messages_total"), 3);
  });

  it("counts what no listener accepts, and does not decode it", async () => {
    const { floor, counted } = await started();
    assert.equal(floor.receiver.onMessage(testMessage({ options: 6, body: Buffer.from("no stream") })), undefined);
    assert.equal(await counted("tomcatcluster_channel_undeliverable_messages_total"), 1);
  });

  it("shows listeners kind, class and object, which is decoded once", async () => {
    const { floor, channel } = await started();
    const seen: unknown[] = [];
    channel.addChannelListener({
      accept: () => true,
      messageReceived: (message) => void seen.push(message.kind, message.className, message.kind === "Object" && message.object()),
    });
    await floor.receiver.onMessage(testMessage({ options: 0, body: javaString("hello") }));
    await floor.receiver.onMessage(testMessage({ options: 1 }));
    assert.deepEqual(seen, ["Object", "java.lang.String", "hello", "Bytes", undefined, false]);
  });

  it("drops probes and pings, also without a failure detector", async () => {
    const { floor, channel, counted } = await started();
    channel.addChannelListener({ accept: () => true, messageReceived: () => assert.fail("delivered") });
    await floor.receiver.onMessage(testMessage({ body: PROBE_BODY }));
    await floor.receiver.onMessage(testMessage({ body: PING_BODY, options: 0 }));
    assert.equal(await counted("tomcatcluster_channel_undeliverable_messages_total"), 0);
  });

  it("answers a request of an unknown rpcId as Tomcat does: NoRpcChannelReply, options 8", async () => {
    const { floor, channel } = await started();
    channel.addChannelListener({ accept: () => true, messageReceived: () => assert.fail("RPC messages are not for listeners") });
    await floor.receiver.onMessage(testMessage({ options: 6, address: B, body: tribesVector("rpc-request").bytes }));
    assert.equal(floor.sent.length, 1);
    assert.deepEqual(floor.sent[0]?.destinations, [B]);
    assert.equal(floor.sent[0]?.message.options, 8);
    assert.deepEqual(floor.sent[0]?.message.body, tribesVector("rpc-norpcchannel").bytes);
  });

  it("does not answer replies that nobody waits for, and refuses an RpcMessage that cannot be read", async () => {
    const { floor, counted } = await started();
    await floor.receiver.onMessage(testMessage({ options: 0, body: tribesVector("rpc-reply").bytes }));
    await floor.receiver.onMessage(testMessage({ options: 0, body: tribesVector("rpc-norpcchannel").bytes }));
    assert.equal(floor.sent.length, 0);
    assert.equal(await counted("tomcatcluster_channel_undeliverable_messages_total"), 2);
    await assert.rejects(async () =>
      floor.receiver.onMessage(testMessage({ options: 6, body: tribesVector("rpc-request").bytes.subarray(0, 90) })),
    );
  });

  it("tells membership listeners once, and closes the connections of who has gone", async () => {
    const { floor, channel } = await started();
    const events: string[] = [];
    channel.addMembershipListener({
      memberAdded: () => {
        throw new Error("must not, and must not keep others from hearing it");
      },
      memberDisappeared: () => void events.push(`first: ${floor.removed.join()}`),
    });
    channel.addMembershipListener({
      memberAdded: (member) => void events.push(`added ${member.address}`),
      memberDisappeared: (member) => void events.push(`disappeared ${member.address}`),
    });
    floor.add(B);
    floor.add(B);
    const before = channel.members;
    floor.membership.listener.memberDisappeared(B);
    floor.membership.listener.memberDisappeared(B);
    assert.deepEqual(events, ["added 127.0.9.2", "first: 127.0.9.2", "disappeared 127.0.9.2"]);
    assert.deepEqual(before, [B], "a snapshot");
    assert.deepEqual(channel.members, []);
    await channel.stop();
  });

  it("describes itself, with the time since each member was last heard", async () => {
    const { clock, floor, channel } = await started();
    floor.add(B);
    assert.equal(channel.describe().members[0]?.lastHeardMs, undefined);
    await floor.receiver.onMessage(testMessage({ address: B }));
    await clock.advance(1500);
    assert.deepEqual(channel.describe(), {
      localMember: "tcp://127.0.9.1:4000",
      listsLocalMember: true,
      members: [
        {
          name: "tcp://127.0.9.2:4000",
          uniqueId: B.uniqueId.toString("hex"),
          state: "Alive",
          kind: undefined,
          lastHeardMs: 1500,
          queueBytes: 0,
        },
      ],
      interceptors: [],
    });
    await channel.stop();
  });

  it("can be described before it runs", () => {
    assert.deepEqual(build().channel.describe(), { localMember: undefined, listsLocalMember: true, members: [], interceptors: [] });
  });

  it("describes what has passed each interceptor", async () => {
    class Dropping extends ChannelInterceptor {
      override messageReceived(): void {
        // What comes from below ends here.
      }
    }
    const { floor, channel, registry } = await started((log) => [new Marking("top", log), new Dropping()]);
    await channel.send([B], bytes("one"), SYNCHRONOUS);
    await floor.receiver.onMessage(testMessage());
    assert.deepEqual(channel.describe().interceptors, [
      { name: "Marking", sentMessages: 1, receivedMessages: 0 },
      { name: "Dropping", sentMessages: 1, receivedMessages: 0 },
    ]);
    const text = await registry.metrics();
    assert.match(text, /channel_interceptor_messages_total\{interceptor="Dropping",direction="sent"\} 1/);
    assert.match(text, /channel_interceptor_seconds_count\{interceptor="Marking",direction="sent"\} 1/);
    await channel.stop();
  });

  it("sends a heartbeat down every period", async () => {
    const { clock, floor, channel } = await started();
    await clock.advance(10_000);
    assert.deepEqual(floor.log, ["sender heartbeat", "membership heartbeat", "sender heartbeat", "membership heartbeat"]);
    await channel.stop();
  });

  it("passes each heartbeat to listeners that want it, once to one of both kinds, whatever another does", async () => {
    const { channel } = await started();
    const log: string[] = [];
    const both = {
      accept: () => false,
      messageReceived: () => undefined,
      memberAdded: () => undefined,
      memberDisappeared: () => undefined,
      heartbeat: () => void log.push("both"),
    };
    const failing = {
      ...both,
      heartbeat: () => {
        log.push("failing");
        throw new Error("in the test");
      },
    };
    const silent = { accept: () => false, messageReceived: () => undefined };
    for (const listener of [failing, both, silent]) channel.addChannelListener(listener);
    channel.addMembershipListener(both);
    channel.heartbeat();
    assert.deepEqual(log.sort(), ["both", "failing"]);
    await channel.stop();
  });

  it("beats only when it is told to where heartbeat is off", async () => {
    const { clock, floor, channel } = build(() => [], { heartbeat: false });
    await channel.start();
    floor.log.length = 0;
    await clock.advance(20_000);
    assert.deepEqual(floor.log, []);
    channel.heartbeat();
    assert.deepEqual(floor.log, ["sender heartbeat", "membership heartbeat"]);
    await channel.stop();
  });

  it("says good-bye to every member: a probe with the shutdown command, and nothing after it", async () => {
    const { floor, channel } = await started();
    floor.add(B);
    floor.sent.length = 0;
    const goodbye = Promise.withResolvers<void>();
    floor.send = () => goodbye.promise;
    const stopped = channel.stop();
    await new Promise((resolve) => setImmediate(resolve));
    const [said] = floor.sent;
    assert.deepEqual(said?.destinations, [B]);
    assert.equal(said?.message.options, 3);
    assert.deepEqual(said?.message.body, PROBE_BODY);
    assert.equal(isShutdown(said!.message.address), true);
    assert.equal(said?.message.address.key, channel.localMember.key);
    await floor.receiver.onMessage(testMessage({ address: B, options: 0, body: tribesVector("rpc-request").bytes }));
    assert.equal(floor.sent.length, 1, "no NoRpcChannelReply behind the good-bye");
    goodbye.resolve();
    await stopped;
  });

  it("stops although nobody takes the good-bye, and says none when told so", async () => {
    const unheard = await started();
    unheard.floor.add(B);
    unheard.floor.send = () => Promise.reject(new Error("unreachable"));
    await unheard.channel.stop();
    const silent = await started();
    silent.floor.add(B);
    silent.floor.sent.length = 0;
    await silent.channel.stop({ goodbye: false });
    assert.equal(silent.floor.sent.length, 0);
    assert.equal(silent.clock.pendingTimers, 0);
  });

  it("hands failures of asynchronous sends to whoever asked for them", async () => {
    class Dispatching extends ChannelInterceptor {
      fail(error: Error): void {
        this.above.sendFailed(error, testMessage());
      }
    }
    const dispatching = new Dispatching();
    const { channel } = await started((log) => [new Marking("top", log), dispatching]);
    const failures: Error[] = [];
    channel.onSendFailed = (error) => void failures.push(error);
    dispatching.fail(new Error("no acknowledgement"));
    assert.equal(failures[0]?.message, "no acknowledgement");
  });

  it("gives a sender the identity by which the membership knows it", async () => {
    const { floor, channel } = await started();
    floor.add(B);
    const senders: Member[] = [];
    channel.addChannelListener({ accept: () => true, messageReceived: (message) => void senders.push(message.sender) });
    await floor.receiver.onMessage(testMessage({ address: { ...B, key: "other", uniqueId: Buffer.alloc(16) } }));
    assert.equal(senders[0], B);
    await channel.stop();
  });

  it("waits for a Tomcat until its probe shows that it knows us", async () => {
    const { floor, channel } = await started();
    floor.add(B);
    const { message } = floor.sent[0]!;
    const hello = decodeRpcMessage(new ObjectInputStream(message.body).readObject());
    const refusal = encodeRpcMessage({ ...hello, kind: "NoRpcChannel", message: null }, new SuidTable());
    await floor.receiver.onMessage(testMessage({ address: B, options: 8, body: refusal }));
    let answered = false;
    const everybody = channel.hello.everyMemberAnswered().then(() => {
      answered = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([channel.hello.kindOf(B), answered], ["Tomcat", false]);
    await floor.receiver.onMessage(testMessage({ address: B, body: PROBE_BODY }));
    await everybody;
    await channel.stop();
  });

  it("answers a member's hello", async () => {
    const { floor, channel } = await started();
    floor.add(B);
    const uuid = Buffer.alloc(16, 9);
    const body = encodeRpcMessage({ kind: "Request", uuid, rpcId: "tomcat-cluster-hello", message: "hello" }, new SuidTable());
    await floor.receiver.onMessage(testMessage({ address: B, options: 6, body }));
    const reply = decodeRpcMessage(new ObjectInputStream(floor.sent.at(-1)!.message.body).readObject());
    assert.equal(reply.kind, "Reply");
    assert.deepEqual(reply.uuid, uuid);
    await channel.stop();
  });
});
