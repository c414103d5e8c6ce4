import assert from "node:assert/strict";
import { once } from "node:events";
import { Socket } from "node:net";
import { afterEach, describe, it } from "node:test";
import { type Clock, Registry, silentLogger } from "../../../../src/base/index.ts";
import type { ChannelMessage, Member } from "../../../../src/channel/channel.ts";
import {
  AckTimeoutError,
  ChannelError,
  ConnectError,
  ConnectionLostError,
  MemberRemovedError,
  QueueFullError,
  RemoteProcessError,
  SenderStoppedError,
} from "../../../../src/channel/errors.ts";
import { type Sockets, tcpSockets } from "../../../../src/channel/transport/sockets.ts";
import { TcpSender, type TcpSenderOptions } from "../../../../src/channel/transport/tcp-sender.ts";
import { ACK, FAIL_ACK } from "../../../../src/channel/wire/acknowledgement.ts";
import { createMember } from "../../../../src/channel/wire/member-block.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { messageOf, RawMember } from "../../../support/raw-member.ts";

const OPTIONS: TcpSenderOptions = {
  timeoutMs: 3000,
  maxRetryAttempts: 1,
  poolSize: 4,
  keepAliveTimeMs: -1,
  keepAliveCount: -1,
  tcpNoDelay: true,
  soKeepAlive: false,
};

interface Running {
  readonly sender: TcpSender;
  readonly clock: ManualClock;
  count(name: string, labels?: Record<string, string>): Promise<number>;
}

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function run(options: Partial<TcpSenderOptions> = {}): Promise<Running> {
  const clock = new ManualClock();
  const registry = new Registry();
  const sender = new TcpSender({ clock, logger: silentLogger, registry }, { ...OPTIONS, ...options });
  await sender.start();
  cleanUps.push(async () => {
    const stopped = sender.stop();
    await clock.advance(OPTIONS.timeoutMs);
    await stopped;
  });
  const count = async (name: string, labels: Record<string, string> = {}) => {
    const { values } = await registry.getSingleMetric(`tomcatcluster_channel_${name}`)!.get();
    return values.find((value) => Object.entries(labels).every(([label, wanted]) => value.labels[label] === wanted))?.value ?? 0;
  };
  return { sender, clock, count };
}

async function peer(): Promise<RawMember> {
  const member = await RawMember.start();
  cleanUps.push(() => member.stop());
  return member;
}

/** A member that records and never answers. */
async function silentPeer(): Promise<RawMember> {
  const member = await peer();
  member.answer = () => undefined;
  return member;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The cause for the only faulty member of a send that must fail. */
async function causeOf(sending: Promise<void>): Promise<Error> {
  try {
    await sending;
  } catch (error) {
    assert.ok(error instanceof ChannelError);
    assert.equal(error.faultyMembers.length, 1);
    return error.faultyMembers[0]!.cause;
  }
  throw new Error("The send succeeded");
}

function send(sender: TcpSender, to: RawMember | Member, text: string | Buffer, options = 0, orderKey?: string): Promise<void> {
  return sender.sendMessage([to instanceof RawMember ? to.member : to], messageOf(text, options, orderKey));
}

/** Whether a promise is settled after a few turns of the loop. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  const mark = () => {
    done = true;
  };
  promise.then(mark, mark);
  for (let turns = 0; turns < 5; turns++) await turn();
  return done;
}

/** A member at a port where nobody listens. */
async function nobody(): Promise<Member> {
  const raw = await RawMember.start();
  const { member } = raw;
  await raw.stop();
  return member;
}

describe("TcpSender: one message", () => {
  for (const options of [0, 8]) {
    it(`options ${options}: resolves when the bytes are written`, async () => {
      const { sender } = await run();
      const member = await silentPeer();
      await send(sender, member, "x", options);
      await member.until(1);
      assert.deepEqual(member.texts, ["x"]);
      assert.equal(member.received[0]!.message.options, options);
    });
  }

  for (const options of [2, 6, 10]) {
    it(`options ${options}: resolves when the member has acknowledged`, async () => {
      const { sender, count } = await run();
      const member = await silentPeer();
      const sending = send(sender, member, "x", options);
      await member.until(1);
      assert.equal(await settled(sending), false);
      member.received[0]!.socket.write(ACK);
      await sending;
      assert.equal(await count("acks_total", { result: "acknowledged" }), 1);
    });
  }

  it("the same bytes go to every destination, and a ChannelError lists only those that failed", async () => {
    const { sender } = await run();
    const [first, second, refusing] = [await peer(), await peer(), await peer()];
    refusing.answer = ({ socket }) => void socket.write(FAIL_ACK);
    const dead = await nobody();
    const message = messageOf("to all", 6);
    const error = await sender.sendMessage([first.member, dead, second.member, refusing.member], message).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof ChannelError);
    assert.deepEqual(
      new Map(error.faultyMembers.map(({ member, cause }) => [member.name, cause.constructor])),
      new Map<string, unknown>([
        [dead.name, ConnectError],
        [refusing.member.name, RemoteProcessError],
      ]),
    );
    assert.equal(error.retryable, false);
    assert.deepEqual(first.received[0]!.message, second.received[0]!.message);
    assert.deepEqual(first.received[0]!.message.uniqueId, message.uniqueId);
  });

  it("to nobody succeeds; before start and after stop it fails", async () => {
    const clock = new ManualClock();
    const sender = new TcpSender({ clock, logger: silentLogger, registry: new Registry() }, OPTIONS);
    const member = await nobody();
    assert.ok((await causeOf(send(sender, member, "x"))) instanceof SenderStoppedError);
    await sender.start();
    await sender.sendMessage([], messageOf("x"));
    await sender.stop();
    assert.ok((await causeOf(send(sender, member, "x"))) instanceof SenderStoppedError);
  });

  it("connections leave from the address that is announced", async () => {
    const clock = new ManualClock();
    const deps = { clock, logger: silentLogger, registry: new Registry(), localAddress: () => "127.0.0.3" };
    const sender = new TcpSender(deps, OPTIONS);
    await sender.start();
    const member = await peer();
    await send(sender, member, "x", 2);
    assert.equal(member.sockets[0]!.remoteAddress, "127.0.0.3");
    await sender.stop();
  });
});

describe("TcpSender: order (rule 10)", () => {
  it("messages without a key arrive in order over one connection, whatever they ask for", async () => {
    const { sender } = await run();
    const member = await peer();
    const texts = Array.from({ length: 40 }, (_, index) => `${index}`);
    await Promise.all(texts.map((text, index) => send(sender, member, text, [0, 2, 6, 8][index % 4])));
    await member.until(40);
    assert.deepEqual(member.texts, texts);
    assert.equal(member.sockets.length, 1);
  });

  it("a key keeps its lane and its order; different keys use different connections, and lane 0 is not among them", async () => {
    const { sender } = await run({ poolSize: 4 });
    const member = await peer();
    const keys = Array.from({ length: 30 }, (_, index) => `session-${index}`);
    const sends: Promise<void>[] = [send(sender, member, "no key", 6)];
    for (let round = 0; round < 5; round++) {
      for (const key of keys) sends.push(send(sender, member, `${key}#${round}`, round % 2 === 0 ? 6 : 8, key));
    }
    await Promise.all(sends);
    await member.until(sends.length);
    for (const key of keys) {
      const own = member.received.filter(({ text }) => text.startsWith(`${key}#`));
      assert.deepEqual(
        own.map(({ text }) => text),
        [0, 1, 2, 3, 4].map((round) => `${key}#${round}`),
      );
      assert.equal(new Set(own.map(({ socket }) => socket)).size, 1, key);
    }
    assert.equal(member.sockets.length, 4);
    const unkeyed = member.received.find(({ text }) => text === "no key")!.socket;
    assert.equal(member.received.filter(({ socket }) => socket === unkeyed).length, 1);
  });

  it("with a pool of one everything shares it", async () => {
    const { sender } = await run({ poolSize: 1 });
    const member = await peer();
    await Promise.all([send(sender, member, "a", 6, "key"), send(sender, member, "b", 6), send(sender, member, "c", 6, "other")]);
    assert.deepEqual(member.texts, ["a", "b", "c"]);
    assert.equal(member.sockets.length, 1);
  });

  it("a key does not change its lane while something is on its way", async () => {
    const { sender } = await run({ poolSize: 25 });
    const member = await silentPeer();
    const keys = Array.from({ length: 10 }, (_, index) => `key-${index}`);
    const sends = keys.map((key) => send(sender, member, `${key} first`, 6, key));
    await member.until(10);
    sender.setWindow(member.member, 256);
    for (const key of keys) sends.push(send(sender, member, `${key} second`, 6, key));
    await member.until(20);
    const socketOf = (text: string) => member.received.find((recorded) => recorded.text === text)!.socket;
    for (const key of keys) assert.equal(socketOf(`${key} first`), socketOf(`${key} second`));
    for (const { socket } of member.received) socket.write(ACK);
    await Promise.all(sends);
    await Promise.all(keys.map((key) => send(sender, member, `${key} third`, 0, key)));
    await member.until(30);
    assert.equal(new Set(keys.map((key) => socketOf(`${key} third`))).size, 1);
  });
});

describe("TcpSender: window", () => {
  it("stop and wait: nothing follows an unacknowledged message on its lane, not even what asks for no answer", async () => {
    const { sender } = await run();
    const member = await silentPeer();
    const first = send(sender, member, "1", 6);
    const second = send(sender, member, "2", 8);
    const third = send(sender, member, "3", 2);
    await member.until(1);
    assert.equal(await settled(second), false);
    assert.deepEqual(member.texts, ["1"]);
    member.received[0]!.socket.write(ACK);
    await Promise.all([first, second]);
    await member.until(3);
    assert.equal(await settled(third), false);
    member.received[0]!.socket.write(ACK);
    await third;
  });

  it("as many frames as the window has are in flight; answers are matched in order", async () => {
    const { sender } = await run();
    const member = await silentPeer();
    sender.setWindow(member.member, 3);
    const sends = [1, 2, 3, 4, 5].map((number) => send(sender, member, `${number}`, 6));
    const outcomes = Promise.allSettled(sends);
    await member.until(3);
    assert.equal(await settled(sends[0]!), false);
    assert.deepEqual(member.texts, ["1", "2", "3"]);
    const { socket } = member.received[0]!;
    socket.write(Buffer.concat([ACK, FAIL_ACK]));
    await member.until(5);
    socket.write(Buffer.concat([ACK, FAIL_ACK, ACK]));
    assert.deepEqual(
      (await outcomes).map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled", "rejected", "fulfilled"],
    );
    assert.equal(member.received.length, 5, "a FAIL_ACK repeats nothing");
  });
});

describe("TcpSender: batches (rule 9)", () => {
  it("what one turn sends to a member of ours leaves with one write for all its keys", async (t) => {
    const { sender, count } = await run();
    const member = await peer();
    sender.setWindow(member.member, 256);
    await send(sender, member, "opens the connection", 6, "key");
    const [writes, sent] = [await count("socket_writes_total"), await count("sent_messages_total")];
    const prototype = Socket.prototype as unknown as { _write(...args: unknown[]): void; _writev(...args: unknown[]): void };
    const socketWrites = [t.mock.method(prototype, "_write"), t.mock.method(prototype, "_writev")];
    await Promise.all(Array.from({ length: 100 }, (_, index) => send(sender, member, `${index}`, index % 2 === 0 ? 8 : 6, `key-${index}`)));
    assert.equal((await count("socket_writes_total")) - writes, 1);
    assert.equal((await count("sent_messages_total")) - sent, 100);
    const ofThisSender = socketWrites
      .flatMap(({ mock }) => mock.calls)
      .filter(({ this: socket }) => !member.sockets.includes(socket as Socket));
    assert.equal(ofThisSender.length, 1);
    assert.equal(member.sockets.length, 1);
  });

  it("a member that does not read: sends resolve once they stand in the queue, and all arrive in order when it reads", async () => {
    const { sender } = await run();
    const member = await silentPeer();
    member.reading = false;
    const body = (index: number) => Buffer.concat([Buffer.from(`${index}|`), Buffer.alloc(256 * 1024)]);
    await Promise.all(Array.from({ length: 100 }, (_, index) => send(sender, member, body(index), 8)));
    assert.equal(member.received.length, 0);
    member.sockets[0]!.resume();
    await member.until(100);
    assert.deepEqual(
      member.texts.map((text) => text.split("|")[0]),
      Array.from({ length: 100 }, (_, index) => `${index}`),
    );
  });

  it("a full queue refuses what does not fit, for that member alone, and takes messages again when it has room", async () => {
    const { sender, count } = await run({ maxQueueBytes: 1000 });
    const [slow, quick] = [await silentPeer(), await peer()];
    const both = [slow.member, quick.member];
    const first = sender.sendMessage(both, messageOf(Buffer.alloc(500), 6));
    await slow.until(1);
    while ((await count("acks_total", { result: "acknowledged" })) === 0) await turn();
    const error = await sender.sendMessage(both, messageOf(Buffer.alloc(500), 6)).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof ChannelError && error.retryable);
    assert.deepEqual(
      error.faultyMembers.map(({ member, cause }) => [member.key, cause.constructor]),
      [[slow.member.key, QueueFullError]],
    );
    assert.match(error.faultyMembers[0]!.cause.message, /"maxQueueBytes" \(1000\)/);
    assert.equal(quick.received.length, 2);
    assert.equal(await count("send_failures_total", { reason: "queue_full" }), 1);
    slow.received[0]!.socket.write(ACK);
    await first;
    slow.answer = ({ socket }) => void socket.write(ACK);
    await send(sender, slow, Buffer.alloc(5000), 6);
  });
});

describe("TcpSender: time-out", () => {
  it("fails at most 50 ms late, closes the connection, repeats nothing, and goes on with a new connection", async () => {
    const { sender, clock, count } = await run();
    const member = await silentPeer();
    const first = causeOf(send(sender, member, "1", 6));
    await member.until(1);
    await clock.advance(2000);
    const waiting = send(sender, member, "2", 6);
    await clock.advance(999);
    assert.equal(await settled(first), false);
    member.answer = ({ socket }) => void socket.write(ACK);
    await clock.advance(51);
    const cause = await first;
    assert.ok(cause instanceof AckTimeoutError && cause.retryable);
    assert.match(cause.message, /3000 ms/);
    await waiting;
    assert.deepEqual(member.texts, ["1", "2"]);
    assert.equal(member.sockets.length, 2);
    assert.equal(member.openSockets.length, 1);
    assert.equal(await count("send_failures_total", { reason: "ack_timeout" }), 1);
  });

  it("fails everything in flight on the connection: its answers could not be matched any more", async () => {
    const { sender, clock } = await run();
    const member = await silentPeer();
    sender.setWindow(member.member, 10);
    const sends = [1, 2, 3].map((number) => causeOf(send(sender, member, `${number}`, 6)));
    await member.until(3);
    await clock.advance(3050);
    for (const cause of await Promise.all(sends)) assert.ok(cause instanceof AckTimeoutError);
  });

  it("runs for a message that still waits in its lane", async () => {
    const { sender, clock } = await run();
    const member = await silentPeer();
    const sends = [6, 8, 2].map((options) => causeOf(send(sender, member, `${options}`, options)));
    await member.until(1);
    await clock.advance(3050);
    for (const cause of await Promise.all(sends)) assert.ok(cause instanceof AckTimeoutError);
    assert.deepEqual(member.texts, ["6"]);
  });

  it("has one timer, and none when nothing is on its way", async () => {
    const { sender, clock } = await run();
    const member = await peer();
    await Promise.all([1, 2, 3].map((number) => send(sender, member, `${number}`, 6)));
    assert.equal(clock.pendingTimers, 1);
    await clock.advance(50);
    assert.equal(clock.pendingTimers, 0);
  });

  it("connecting has its own, shorter one", async () => {
    const clock = new ManualClock();
    const sockets: Sockets = { ...tcpSockets, connect: () => new Socket() };
    const sender = new TcpSender({ ...deps(clock), sockets }, { ...OPTIONS, connectTimeoutMs: 700 });
    await sender.start();
    const cause = causeOf(send(sender, await nobody(), "x", 6));
    await turn();
    await clock.advance(700);
    assert.ok((await cause) instanceof ConnectError);
    assert.match((await cause).message, /not connected within 700 ms/);
    await sender.stop();
  });
});

function deps(clock: ManualClock) {
  return { clock, logger: silentLogger, registry: new Registry() };
}

describe("TcpSender: a member that is frozen (rule 3)", () => {
  const FRAME = Buffer.alloc(256 * 1024);

  /** A member that does not read, with much more on its way than kernels take. */
  async function stuck(options: Partial<TcpSenderOptions> = {}) {
    const running = await run(options);
    const member = await silentPeer();
    member.reading = false;
    const failures: { error: Error; message: ChannelMessage }[] = [];
    running.sender.onSendFailed = (error, message) => void failures.push({ error, message });
    const messages = Array.from({ length: 100 }, () => messageOf(FRAME, 8));
    await Promise.all(messages.map((message) => running.sender.sendMessage([member.member], message)));
    await running.clock.advance(50);
    return { ...running, member, messages, failures };
  }

  function causes(failures: readonly { error: Error }[]): Set<unknown> {
    return new Set(failures.map(({ error }) => (error instanceof ChannelError ? error.faultyMembers[0]!.cause.constructor : error)));
  }

  it("that closes its connection in the end gets what it has not read once more, whether acknowledged or not, in the old order (rule 10)", async () => {
    const { sender } = await run();
    const member = await peer();
    member.reading = false;
    sender.setWindow(member.member, 256);
    const names = Array.from({ length: 60 }, (_, index) => String(index).padStart(4, "0"));
    const sends = names.map((name, index) => send(sender, member, Buffer.concat([Buffer.from(name), FRAME]), index % 2 === 0 ? 6 : 8));
    while (member.sockets.length === 0) await turn();
    for (let turns = 0; turns < 20; turns++) await turn();
    member.reading = true;
    member.sockets[0]!.destroy();
    await Promise.all(sends);
    const arrived = () => member.texts.map((text) => text.slice(0, 4));
    while (arrived().at(-1) !== names.at(-1)) await member.until(member.received.length + 1);
    // What the kernel had taken of those without acknowledgement is gone with the connection; rule 11 sees to that.
    assert.deepEqual(arrived(), arrived().toSorted());
    assert.deepEqual(
      names.filter((name, index) => index % 2 === 0 && !arrived().includes(name)),
      [],
    );
    assert.ok(arrived().length > 40, `${arrived().length} arrived`);
  });

  it("is given up when nothing has left its socket for the time-out; what had counted as sent is reported", async () => {
    const { clock, count, member, messages, failures } = await stuck();
    await clock.advance(2900);
    assert.equal(failures.length, 0);
    await clock.advance(150);
    assert.deepEqual(causes(failures), new Set([AckTimeoutError]));
    assert.ok(failures.length > 50, `${failures.length} reported`);
    assert.deepEqual(
      failures.map(({ message }) => message),
      messages.slice(-failures.length),
    );
    assert.equal(await count("send_failures_total", { reason: "ack_timeout" }), failures.length);
    await clock.advance(50);
    assert.equal(await count("queue_bytes"), 0);
    member.sockets[0]!.resume();
    await once(member.sockets[0]!, "close");
  });

  it("is not given up while it reads, however slowly", async () => {
    const { clock, member, failures } = await stuck();
    for (let frames = 25; frames <= 75; frames += 25) {
      await clock.advance(2500);
      member.sockets[0]!.resume();
      await member.until(frames);
      member.sockets[0]!.pause();
      await clock.advance(50);
    }
    assert.equal(failures.length, 0);
    member.sockets[0]!.resume();
    await member.until(100);
  });

  it("reports what was on a connection that broke for the last time", async () => {
    const { member, messages, failures } = await stuck({ maxRetryAttempts: 0 });
    member.sockets[0]!.resetAndDestroy();
    while (failures.length === 0) await turn();
    assert.deepEqual(causes(failures), new Set([ConnectionLostError]));
    assert.equal(failures.at(-1)!.message, messages.at(-1));
  });
});

describe("TcpSender: our own event loop was blocked", () => {
  it("an acknowledgement that waits in the kernel is read before the time counts as over", async () => {
    let nowMs = 0;
    let sweep: (() => void) | undefined;
    const clock: Clock = {
      now: () => nowMs,
      monotonic: () => nowMs,
      setTimeout: () => ({ cancel: () => undefined }),
      setInterval: (task) => {
        sweep = task;
        return { cancel: () => undefined };
      },
    };
    const sender = new TcpSender({ clock, logger: silentLogger, registry: new Registry() }, OPTIONS);
    await sender.start();
    const member = await silentPeer();
    const sending = send(sender, member, "x", 6);
    await member.until(1);
    // In the phase of the timers, as the loop goes on after it was blocked.
    setTimeout(() => {
      member.received[0]!.socket.write(ACK);
      nowMs = 10_000;
      sweep!();
    }, 0);
    await sending;
    await sender.stop();
  });

  it("a connection that the kernel has made counts as made", async () => {
    let connectTimedOut: (() => void) | undefined;
    const manual = new ManualClock();
    const clock: Clock = {
      now: () => manual.now(),
      monotonic: () => manual.monotonic(),
      setInterval: (task, periodMs) => manual.setInterval(task, periodMs),
      setTimeout: (task) => {
        connectTimedOut = task;
        return { cancel: () => undefined };
      },
    };
    const sender = new TcpSender({ clock, logger: silentLogger, registry: new Registry() }, OPTIONS);
    await sender.start();
    const member = await peer();
    const sending = send(sender, member, "x", 6);
    while (connectTimedOut === undefined) await turn();
    connectTimedOut();
    await sending;
    await sender.stop();
  });
});

describe("TcpSender: lost connections", () => {
  it("what was in flight goes again, once, with the same ids and in the same order, before what waited", async () => {
    const { sender, count } = await run();
    const member = await silentPeer();
    sender.setWindow(member.member, 4);
    const texts = ["1", "2", "3", "4", "5", "6"];
    const sends = texts.map((text) => send(sender, member, text, 6));
    await member.until(4);
    member.answer = ({ socket }) => void socket.write(ACK);
    member.sockets[0]!.write(ACK);
    await sends[0];
    member.sockets[0]!.resetAndDestroy();
    await Promise.all(sends);
    const onSecond = member.received.filter(({ socket }) => socket === member.sockets[1]);
    assert.deepEqual(
      onSecond.map(({ text }) => text),
      ["2", "3", "4", "5", "6"],
    );
    const idsOf = (text: string) =>
      new Set(member.received.filter((one) => one.text === text).map(({ message }) => message.uniqueId.toString("hex")));
    for (const text of texts) assert.equal(idsOf(text).size, 1);
    assert.ok((await count("resent_messages_total")) >= 3);
  });

  it("a member that closes each connection: the error comes after maxRetryAttempts repeats", async () => {
    const { sender } = await run({ maxRetryAttempts: 2 });
    const member = await peer();
    member.answer = ({ socket }) => socket.destroy();
    const cause = await causeOf(send(sender, member, "x", 6));
    assert.ok(cause instanceof ConnectionLostError && cause.retryable);
    assert.equal(member.received.length, 3);
  });

  it("a connection that the member closed while it rested is opened again", async () => {
    const { sender } = await run();
    const member = await peer();
    await send(sender, member, "1", 6);
    const [socket] = member.sockets;
    socket!.end();
    await once(socket!, "close");
    await send(sender, member, "2", 6);
    assert.equal(member.sockets.length, 2);
  });

  it("a connection that ends reports what nobody was to acknowledge on it, once: it may not have arrived (rule 11)", async () => {
    const { sender } = await run();
    const reports: (readonly [string, unknown])[] = [];
    sender.onSendFailed = (error, message) => {
      reports.push([message.body.toString(), (error as ChannelError).faultyMembers[0]!.cause.constructor]);
    };
    const member = await peer();
    const end = async () => {
      const socket = member.sockets.at(-1)!;
      socket.end();
      await once(socket, "close");
      for (let turns = 0; turns < 5; turns++) await turn();
    };
    for (const text of ["1", "2"]) await send(sender, member, text);
    await member.until(2);
    await end();
    assert.deepEqual(reports, [["2", ConnectionLostError]]);
    await send(sender, member, "3", 6);
    await end();
    assert.equal(reports.length, 1);
  });

  it("a refused connection fails what waits for it, without a repeat", async () => {
    const { sender, count } = await run();
    const member = await nobody();
    for (const options of [0, 6]) {
      const cause = await causeOf(send(sender, member, "x", options));
      assert.ok(cause instanceof ConnectError && cause.retryable);
      assert.match(cause.message, /ECONNREFUSED/);
    }
    assert.equal(await count("send_failures_total", { reason: "connect" }), 2);
  });

  it("a member that answers with garbage, or acknowledges what it was not sent, loses its connection", async () => {
    const { sender } = await run({ maxRetryAttempts: 0 });
    const member = await peer();
    member.answer = ({ socket }) => void socket.write("HTTP/1.1 400 Bad Request\r\n\r\n");
    assert.ok((await causeOf(send(sender, member, "x", 6))) instanceof ConnectionLostError);
    member.answer = ({ socket }) => void socket.write(Buffer.concat([ACK, ACK]));
    await send(sender, member, "y", 6);
    await once(member.sockets[1]!, "close");
    member.answer = ({ socket }) => void socket.write(ACK);
    await send(sender, member, "z", 6);
    assert.equal(member.sockets.length, 3);
  });
});

describe("TcpSender: members and connections", () => {
  it("remove fails what is on its way to the member and closes its connections; others are left alone", async () => {
    const { sender, count } = await run();
    const [leaving, staying] = [await silentPeer(), await silentPeer()];
    const lost = causeOf(send(sender, leaving, "x", 6));
    const kept = send(sender, staying, "x", 6);
    await Promise.all([leaving.until(1), staying.until(1)]);
    sender.remove(leaving.member);
    assert.ok((await lost) instanceof MemberRemovedError);
    await once(leaving.sockets[0]!, "close");
    staying.received[0]!.socket.write(ACK);
    await kept;
    assert.equal(await count("send_failures_total", { reason: "member_removed" }), 1);
    sender.remove(createMember({ address: "127.0.0.1", port: 9 }));
  });

  it("heartbeat closes resting connections past keepAliveCount or keepAliveTime, and only those", async () => {
    for (const [options, worn] of [
      [{ keepAliveCount: 2 }, true],
      [{ keepAliveCount: 3 }, false],
      [{ keepAliveTimeMs: 9 }, true],
      [{ keepAliveTimeMs: 10 }, false],
      [{}, false],
    ] as const) {
      const { sender, clock } = await run(options);
      const member = await peer();
      for (const text of ["1", "2", "3"]) await send(sender, member, text, 6);
      await clock.advance(10);
      sender.heartbeat();
      if (worn) await once(member.sockets[0]!, "close");
      await send(sender, member, "4", 6);
      assert.equal(member.sockets.length, worn ? 2 : 1, JSON.stringify(options));
    }
  });

  it("heartbeat leaves a connection with something in flight", async () => {
    const { sender, clock } = await run({ keepAliveTimeMs: 0 });
    const member = await silentPeer();
    const sending = send(sender, member, "1", 6);
    await member.until(1);
    await clock.advance(10);
    sender.heartbeat();
    member.received[0]!.socket.write(ACK);
    await sending;
    assert.equal(member.sockets.length, 1);
  });
});

describe("TcpSender: stop", () => {
  it("sends what is queued, waits for acknowledgements, then closes everything", async () => {
    const clock = new ManualClock();
    const sender = new TcpSender(deps(clock), OPTIONS);
    await sender.start();
    const member = await silentPeer();
    const sends = [1, 2, 3].map((number) => send(sender, member, `${number}`, 6, "key"));
    const stopped = sender.stop();
    for (let count = 1; count <= 3; count++) {
      await member.until(count);
      assert.equal(await settled(stopped), false);
      member.received[0]!.socket.write(ACK);
    }
    await Promise.all(sends);
    await stopped;
    assert.equal(clock.pendingTimers, 0);
    if (!member.sockets[0]!.closed) await once(member.sockets[0]!, "close");
  });

  it("waits no longer than timeoutMs for a member that is silent", async () => {
    const clock = new ManualClock();
    const sender = new TcpSender(deps(clock), OPTIONS);
    await sender.start();
    const member = await silentPeer();
    const cause = causeOf(send(sender, member, "x", 6));
    await member.until(1);
    await clock.advance(100);
    const stopped = sender.stop();
    await clock.advance(3000);
    await stopped;
    assert.ok((await cause) instanceof AckTimeoutError || (await cause) instanceof SenderStoppedError);
    assert.equal(clock.pendingTimers, 0);
  });

  it("counts what it did", async () => {
    const { sender, clock, count } = await run();
    const member = await silentPeer();
    const message: ChannelMessage = messageOf("x", 6);
    const sending = sender.sendMessage([member.member], message);
    await member.until(1);
    await clock.advance(50);
    const bytes = await count("sent_bytes_total");
    assert.equal(bytes, 18 + 24 + 16 + 77 + 1);
    assert.equal(await count("queue_bytes"), bytes);
    assert.deepEqual([sender.queuedBytes(member.member), sender.queuedBytes((await peer()).member)], [bytes, 0]);
    member.received[0]!.socket.write(ACK);
    await sending;
    await clock.advance(50);
    assert.equal(await count("queue_bytes"), 0);
    assert.equal(sender.queuedBytes(member.member), 0);
  });
});
