// Messages with option 32: from a sender over real UDP sockets to a receiver, or to a socket that answers as a test says.
import assert from "node:assert/strict";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, it } from "node:test";
import { Registry, silentLogger } from "../../../../src/base/index.ts";
import type { ChannelMessage, Member } from "../../../../src/channel/channel.ts";
import {
  AckTimeoutError,
  ChannelError,
  ConnectError,
  DatagramTooLargeError,
  MemberRemovedError,
  NoUdpPortError,
  QueueFullError,
  RemoteProcessError,
  SenderStoppedError,
} from "../../../../src/channel/errors.ts";
import { TcpReceiver, type TcpReceiverDeps, type TcpReceiverOptions } from "../../../../src/channel/transport/tcp-receiver.ts";
import { TcpSender, type TcpSenderOptions } from "../../../../src/channel/transport/tcp-sender.ts";
import { ACK, FAIL_ACK } from "../../../../src/channel/wire/acknowledgement.ts";
import { encodeChannelData } from "../../../../src/channel/wire/channel-data.ts";
import { createMember } from "../../../../src/channel/wire/member-block.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { messageOf } from "../../../support/raw-member.ts";

const ADDRESS = "127.0.86.1";
const UDP_PORT = 4101;
const [UDP, USE_ACK, SYNC] = [0x20, 0x22, 0x26];
const TIMEOUT_MS = 3000;

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function counterOf(registry: Registry, name: string, labels: Record<string, string>): Promise<number> {
  const { values } = await registry.getSingleMetric(`tomcatcluster_channel_${name}`)!.get();
  return values.find((value) => Object.entries(labels).every(([label, wanted]) => value.labels[label] === wanted))?.value ?? 0;
}

async function startReceiver(options: Partial<TcpReceiverOptions> = {}, deps: Partial<TcpReceiverDeps> = {}) {
  const registry = new Registry();
  const receiver = new TcpReceiver(
    { clock: new ManualClock(), logger: silentLogger, registry, ...deps },
    {
      address: ADDRESS,
      port: 0,
      autoBind: 3,
      udpPort: UDP_PORT,
      maxFrameBytes: 1_000_000,
      tcpNoDelay: true,
      soKeepAlive: false,
      ...options,
    },
  );
  const bodies: string[] = [];
  receiver.onMessage = (message) => void bodies.push(message.body.toString("latin1"));
  await receiver.start();
  cleanUps.push(() => receiver.stop());
  const member = createMember({ address: receiver.address, port: receiver.port, udpPort: receiver.udpPort });
  return { receiver, member, bodies, count: (labels: Record<string, string>) => counterOf(registry, "receive_failures_total", labels) };
}

async function startSender(options: Partial<TcpSenderOptions> = {}) {
  const clock = new ManualClock();
  const registry = new Registry();
  const sender = new TcpSender(
    { clock, logger: silentLogger, registry, localAddress: () => "127.0.0.1" },
    {
      timeoutMs: TIMEOUT_MS,
      maxRetryAttempts: 1,
      poolSize: 2,
      keepAliveTimeMs: -1,
      keepAliveCount: -1,
      tcpNoDelay: true,
      soKeepAlive: false,
      ...options,
    },
  );
  await sender.start();
  cleanUps.push(() => sender.stop());
  return { sender, clock, count: (labels: Record<string, string>) => counterOf(registry, "send_failures_total", labels) };
}

/** A member that is only a UDP socket: `next` is what it gets next. */
async function rawMember() {
  const socket: Socket = createSocket("udp4");
  socket.bind(0, ADDRESS);
  await once(socket, "listening");
  cleanUps.push(() => socket.close());
  const next = async () => {
    const [datagram, from] = (await once(socket, "message")) as [Buffer, RemoteInfo];
    return { datagram, answer: (frame: Buffer) => socket.send(frame, from.port, from.address) };
  };
  return { member: createMember({ address: ADDRESS, port: 4000, udpPort: socket.address().port }), next };
}

async function causesOf(sent: Promise<void>): Promise<readonly [string, Error][]> {
  const error = await sent.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ChannelError, String(error));
  return error.faultyMembers.map(({ member, cause }) => [member.name, cause]);
}

async function causeOf(sent: Promise<void>, type: new (...args: never[]) => Error): Promise<Error> {
  const [[, cause], ...more] = (await causesOf(sent)) as [[string, Error]];
  assert.deepEqual(more, []);
  assert.ok(cause instanceof type, cause.stack);
  return cause;
}

describe("messages in datagrams", () => {
  it("arrive with every kind of acknowledgement, up to the largest that fits", async () => {
    const { member, bodies, receiver } = await startReceiver();
    const { sender } = await startSender();
    const overhead = encodeChannelData(messageOf("", UDP)).length;
    const largest = "x".repeat(65_507 - overhead);
    for (const options of [USE_ACK, SYNC]) {
      await sender.sendMessage([member], messageOf(`with ${options}`, options));
      assert.equal(bodies.at(-1), `with ${options}`);
    }
    await sender.sendMessage([member], messageOf(largest, SYNC));
    assert.equal(bodies.at(-1), largest);
    const arrived = Promise.withResolvers<string>();
    receiver.onMessage = ({ body }) => arrived.resolve(body.toString());
    await sender.sendMessage([member], messageOf("without", UDP));
    assert.equal(await arrived.promise, "without");
    await causeOf(sender.sendMessage([member], messageOf(`${largest}x`, SYNC)), DatagramTooLargeError);
  });

  it("fail for members without a UDP port, and for each other reason, with the cause of each; the others have them", async () => {
    const { member, bodies } = await startReceiver();
    const { sender, count } = await startSender();
    const without = createMember({ address: "127.0.86.9", port: 4000 });
    const nobody = createMember({ address: "127.0.86.8", port: 4000, udpPort: 4199 });
    const causes = await causesOf(sender.sendMessage([without, member, nobody], messageOf("one", USE_ACK)));
    assert.deepEqual(
      causes.map(([name, cause]) => [name, cause.constructor]),
      [
        [without.name, NoUdpPortError],
        [nobody.name, ConnectError],
      ],
    );
    assert.deepEqual(bodies, ["one"]);
    assert.equal(await count({ reason: "no_datagram" }), 1);
  });

  it("are refused with FAIL_ACK where the receiver could not process them, and not repeated (rule 12)", async () => {
    const { member, receiver } = await startReceiver();
    let deliveries = 0;
    receiver.onMessage = async () => {
      deliveries++;
      throw new Error("refused by the test");
    };
    const { sender } = await startSender();
    await causeOf(sender.sendMessage([member], messageOf("one", SYNC)), RemoteProcessError);
    assert.equal(deliveries, 1);
    const { sender: lenient } = await startSender({ throwOnFailedAck: false });
    await lenient.sendMessage([member], messageOf("two", SYNC));
  });

  it("get the first answer when they come twice, and are delivered once (rule 12)", async () => {
    const { member, bodies, receiver } = await startReceiver();
    const client = createSocket("udp4");
    cleanUps.push(() => client.close());
    const frame = encodeChannelData(messageOf("one", SYNC));
    for (let time = 0; time < 2; time++) {
      client.send(frame, member.udpPort, member.address);
      assert.deepEqual((await once(client, "message"))[0], ACK);
    }
    assert.deepEqual(bodies, ["one"]);
    receiver.onMessage = () => {
      throw new Error("refused by the test");
    };
    const refused = encodeChannelData(messageOf("two", SYNC));
    for (let time = 0; time < 2; time++) {
      client.send(refused, member.udpPort, member.address);
      assert.deepEqual((await once(client, "message"))[0], FAIL_ACK);
    }
  });

  it("fail when no answer comes in time, and a late answer counts for no other message", async () => {
    const { member, next } = await rawMember();
    const { sender, clock } = await startSender({ poolSize: 1 });
    const first = sender.sendMessage([member], messageOf("first", USE_ACK));
    const { answer } = await next();
    const secondArrives = next();
    const timedOut = causeOf(first, AckTimeoutError);
    await clock.advance(TIMEOUT_MS);
    await timedOut;
    const second = sender.sendMessage([member], messageOf("second", USE_ACK));
    const { answer: answerSecond } = await secondArrives;
    answer(ACK);
    answerSecond(Buffer.from("no frame"));
    answerSecond(FAIL_ACK);
    await causeOf(second, RemoteProcessError);
  });

  it("wait when poolSize of them are on their way to a member, up to maxQueueBytes", async () => {
    const { member, next } = await rawMember();
    const { sender } = await startSender({ poolSize: 1, maxQueueBytes: 400 });
    const firstArrives = next();
    const first = sender.sendMessage([member], messageOf("first", USE_ACK));
    const second = sender.sendMessage([member], messageOf("second", USE_ACK));
    assert.ok(sender.queuedBytes(member) > 250);
    await causeOf(sender.sendMessage([member], messageOf("third", USE_ACK)), QueueFullError);
    const { answer } = await firstArrives;
    const secondArrives = next();
    answer(ACK);
    await first;
    (await secondArrives).answer(ACK);
    await second;
    assert.equal(sender.queuedBytes(member), 0);
  });

  it("fail when their member goes, or the sender stops", async () => {
    const { member } = await rawMember();
    const { sender } = await startSender();
    const sent = sender.sendMessage([member], messageOf("one", USE_ACK));
    sender.remove(member);
    await causeOf(sent, MemberRemovedError);
    const other = sender.sendMessage([member], messageOf("two", USE_ACK));
    await sender.stop();
    await causeOf(other, SenderStoppedError);
  });
});

describe("a receiver of datagrams", () => {
  it("takes the next free port within autoBind, as for connections, and says which is missing", async () => {
    const { receiver: first } = await startReceiver();
    const { receiver: second } = await startReceiver();
    assert.deepEqual([first.udpPort, second.udpPort], [UDP_PORT, UDP_PORT + 1]);
    await assert.rejects(startReceiver({ autoBind: 2 }), /ports 4101 to 4102/);
    const { receiver: none } = await startReceiver({ udpPort: -1 });
    assert.equal(none.udpPort, -1);
  });

  const send = async (member: Member, ...datagrams: readonly Buffer[]) => {
    const client = createSocket("udp4");
    cleanUps.push(() => client.close());
    for (const datagram of datagrams) client.send(datagram, member.udpPort, member.address);
    // Behind them one that is taken.
    client.send(encodeChannelData(messageOf("last", USE_ACK)), member.udpPort, member.address);
    await once(client, "message");
  };

  it("drops what is no frame, or no message, and counts it", async () => {
    const { member, bodies, count } = await startReceiver();
    const frame = encodeChannelData(messageOf("cut", USE_ACK));
    await send(member, Buffer.from("garbage"), frame.subarray(0, -1), ACK);
    assert.deepEqual(bodies, ["last"]);
    assert.equal(await count({ reason: "framing" }), 2);
    assert.equal(await count({ reason: "malformed" }), 1);
  });

  it("takes several frames of one datagram, each with its acknowledgement", async () => {
    const { member, bodies } = await startReceiver();
    await send(member, Buffer.concat(["one", "two"].map((text) => encodeChannelData(messageOf(text, UDP)))));
    assert.deepEqual(bodies, ["one", "two", "last"]);
  });

  it("takes none from an address that the membership does not know, nor one that names another host (rule 20)", async () => {
    const strange: ChannelMessage = { ...messageOf("from elsewhere", UDP), address: createMember({ address: "10.1.2.3", port: 4000 }) };
    const { member, bodies, count } = await startReceiver();
    await send(member, encodeChannelData(strange));
    assert.deepEqual(bodies, ["last"]);
    assert.equal(await count({ reason: "address_mismatch" }), 1);
    const asked: string[] = [];
    const refusing = await startReceiver({}, { admit: async (address) => asked.push(address) > 3 });
    await send(refusing.member, ...["one", "two", "three"].map((text) => encodeChannelData(messageOf(text, UDP))));
    assert.deepEqual(refusing.bodies, ["last"]);
    assert.deepEqual(
      asked,
      Array.from({ length: 4 }, () => "127.0.0.1"),
    );
    assert.equal(await refusing.count({ reason: "not_admitted" }), 3);
  });

  it("has at most a thousand small ones wait for look-ups of who sent them", async () => {
    const lookedUp = Promise.withResolvers<boolean>();
    let lookUps = 0;
    const admit = () => {
      lookUps++;
      return lookedUp.promise;
    };
    const { member, count } = await startReceiver({}, { admit });
    const client = createSocket("udp4");
    cleanUps.push(() => client.close());
    while ((await count({ reason: "datagram_limit" })) === 0) {
      client.send(Buffer.of(1), member.udpPort, member.address);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(lookUps, 1024);
    lookedUp.resolve(false);
  });

  it("loses what comes while too much waits for a slow listener", async () => {
    const { member, receiver, count } = await startReceiver();
    const slow = Promise.withResolvers<void>();
    let delivered = 0;
    receiver.onMessage = () => {
      delivered++;
      return slow.promise;
    };
    const client = createSocket("udp4");
    cleanUps.push(() => client.close());
    const body = Buffer.alloc(60_000);
    while ((await count({ reason: "datagram_limit" })) === 0) {
      client.send(encodeChannelData(messageOf(body, UDP)), member.udpPort, member.address);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(delivered > 60 && delivered < 75, String(delivered));
    slow.resolve();
  });
});
