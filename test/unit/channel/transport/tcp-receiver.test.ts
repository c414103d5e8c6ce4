import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, Socket } from "node:net";
import { afterEach, describe, it } from "node:test";
import { Registry, silentLogger } from "../../../../src/base/index.ts";
import type { ChannelMessage } from "../../../../src/channel/channel.ts";
import { QuietRefusalError } from "../../../../src/channel/errors.ts";
import {
  RECEIVER_LIMITS,
  TcpReceiver,
  type TcpReceiverDeps,
  type TcpReceiverOptions,
} from "../../../../src/channel/transport/tcp-receiver.ts";
import { encodeChannelData } from "../../../../src/channel/wire/channel-data.ts";
import { createMember } from "../../../../src/channel/wire/member-block.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { MemoryLog } from "../../../support/memory-log.ts";
import { messageOf, RawClient } from "../../../support/raw-member.ts";

const OPTIONS: TcpReceiverOptions = {
  address: "127.0.0.1",
  port: 0,
  autoBind: 1,
  maxFrameBytes: 1024 * 1024,
  tcpNoDelay: true,
  soKeepAlive: false,
};

interface Running {
  readonly receiver: TcpReceiver;
  readonly clock: ManualClock;
  readonly texts: string[];
  connect(localAddress?: string): Promise<RawClient>;
  count(name: string, labels?: Record<string, string>): Promise<number>;
}

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function run(options: Partial<TcpReceiverOptions> = {}, deps: Partial<TcpReceiverDeps> = {}): Promise<Running> {
  const clock = new ManualClock();
  const registry = new Registry();
  const receiver = new TcpReceiver({ clock, logger: silentLogger, registry, ...deps }, { ...OPTIONS, ...options });
  const texts: string[] = [];
  receiver.onMessage = (message) => void texts.push(message.body.toString("latin1", 0, 32));
  await receiver.start();
  cleanUps.push(() => receiver.stop());
  return {
    receiver,
    clock,
    texts,
    connect: async (localAddress) => {
      const client = await RawClient.connect(receiver.port, "127.0.0.1", localAddress);
      cleanUps.push(() => client.close());
      return client;
    },
    count: async (name, labels = {}) => {
      const { values } = await registry.getSingleMetric(name)!.get();
      return values.find((value) => Object.entries(labels).every(([label, wanted]) => value.labels[label] === wanted))?.value ?? 0;
    },
  };
}

function failures(running: Running, reason: string): Promise<number> {
  return running.count("tomcatcluster_channel_receive_failures_total", { reason });
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A promise with its ends outside. */
function gate(): { opened: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

describe("TcpReceiver: acknowledgements", () => {
  const rows: [number, boolean][] = [
    [0, false],
    [2, true],
    [4, false],
    [6, true],
    [8, false],
    [10, true],
    [14, true],
  ];
  for (const [options, acknowledged] of rows) {
    it(`options ${options}: ${acknowledged ? "ACK" : "no answer"}`, async () => {
      const running = await run();
      const client = await running.connect();
      client.send(messageOf("asked", options), messageOf("last", 6));
      assert.deepEqual(await client.until(acknowledged ? 2 : 1), acknowledged ? ["ACK", "ACK"] : ["ACK"]);
      assert.deepEqual(running.texts, ["asked", "last"]);
    });
  }

  it("options 2: before delivery; a failure of it is not told", async () => {
    const running = await run();
    const { opened, open } = gate();
    running.receiver.onMessage = async () => {
      await opened;
      throw new Error("too late");
    };
    const client = await running.connect();
    client.send(messageOf("a", 2));
    assert.deepEqual(await client.until(1), ["ACK"]);
    open();
    running.receiver.onMessage = () => undefined;
    client.send(messageOf("b", 6));
    assert.deepEqual(await client.until(2), ["ACK", "ACK"]);
  });

  it("options 6: FAIL_ACK when delivery throws or rejects, and the connection goes on", async () => {
    const running = await run();
    running.receiver.onMessage = (message) => {
      const text = message.body.toString();
      if (text === "throws") throw new Error("refused");
      if (text === "rejects") return Promise.reject(new Error("refused later"));
    };
    const client = await running.connect();
    client.send(messageOf("throws", 6), messageOf("fine", 6), messageOf("rejects", 6), messageOf("fine", 6));
    assert.deepEqual(await client.until(4), ["FAIL", "ACK", "FAIL", "ACK"]);
    assert.equal(await failures(running, "processing"), 2);
  });

  it("a refusal that its sender has to know of ends the connection, where no FAIL_ACK can tell it", async () => {
    class Loss extends QuietRefusalError {
      readonly code = "LOSS";
      override readonly isLoss = true;
    }
    const running = await run();
    running.receiver.onMessage = (message) => {
      if (message.body.toString() === "late") throw new Loss("read too late");
      running.texts.push(message.body.toString());
    };
    const client = await running.connect();
    client.send(messageOf("late", 6), messageOf("fine", 6));
    assert.deepEqual(await client.until(2), ["FAIL", "ACK"]);
    assert.equal(await failures(running, "refused"), 0);
    client.send(messageOf("late", 8), messageOf("behind it", 8));
    await client.closed();
    assert.equal(await failures(running, "refused"), 1);
    assert.deepEqual(running.texts, ["fine"]);
  });

  it("warns of what could not be processed, unless whoever refused it says that no warning is due", async () => {
    const log = new MemoryLog();
    const running = await run({}, { logger: log.logger });
    class Expected extends QuietRefusalError {
      readonly code = "EXPECTED";
    }
    running.receiver.onMessage = (message) => {
      throw message.body.toString() === "expected" ? new Expected("part of the protocol") : new Error("a surprise");
    };
    const client = await running.connect();
    client.send(messageOf("expected", 6), messageOf("other", 6));
    await client.until(2);
    const warnings = log.lines.filter(({ msg }) => msg === "A received message could not be processed");
    assert.deepEqual(
      warnings.map(({ err }) => (err as Error).message),
      ["a surprise"],
    );
  });

  it("those of one read go out with one write", async (t) => {
    const running = await run();
    const client = await running.connect();
    const write = t.mock.method(Socket.prototype, "write");
    client.send(...Array.from({ length: 50 }, (_, index) => messageOf(`${index}`, 6)));
    await client.until(50);
    const replies = write.mock.calls.filter(({ this: socket }) => socket !== client.socket);
    assert.deepEqual(
      replies.map(({ arguments: [bytes] }) => (bytes as unknown as Buffer).length),
      [50 * 21],
    );
  });
});

describe("TcpReceiver: order", () => {
  it("each message of a connection waits for the one before; other connections do not", async () => {
    const running = await run();
    const { opened, open } = gate();
    const log: string[] = [];
    running.receiver.onMessage = (message) => {
      const text = message.body.toString();
      log.push(text);
      if (text === "slow") return opened.then(() => void log.push("slow is done"));
    };
    const first = await running.connect();
    const second = await running.connect();
    first.send(messageOf("slow", 6), messageOf("next", 6));
    first.send(messageOf("last", 0));
    second.send(messageOf("other", 6));
    await second.until(1);
    assert.deepEqual(log.includes("next"), false);
    assert.deepEqual(first.replies, []);
    open();
    await first.until(2);
    assert.deepEqual(
      log.filter((text) => text !== "other"),
      ["slow", "slow is done", "next", "last"],
    );
  });

  it("delivers what a peer wrote before it closed, also behind a slow message", async () => {
    const running = await run();
    const { opened, open } = gate();
    const log: string[] = [];
    const done = gate();
    running.receiver.onMessage = (message) => {
      const text = message.body.toString();
      log.push(text);
      if (text === "slow") return opened;
      if (text === "3") done.open();
    };
    const client = await running.connect();
    client.send(messageOf("slow"), messageOf("2"), messageOf("3"));
    client.socket.end();
    await client.closed();
    open();
    await done.opened;
    assert.deepEqual(log, ["slow", "2", "3"]);
  });
});

describe("TcpReceiver: repeats (rule 12)", () => {
  it("get the first answer without a second delivery, on any connection", async () => {
    const running = await run();
    running.receiver.onMessage = (message) => {
      running.texts.push(message.body.toString());
      if (message.body.toString() === "bad") throw new Error("refused");
    };
    const [good, bad] = [messageOf("good", 6), messageOf("bad", 6)];
    const first = await running.connect();
    first.send(good, bad, good, bad);
    assert.deepEqual(await first.until(4), ["ACK", "FAIL", "ACK", "FAIL"]);
    const second = await running.connect();
    second.send(bad, good, { ...good, options: 2 }, { ...good, options: 0 }, messageOf("end", 6));
    assert.deepEqual(await second.until(4), ["FAIL", "ACK", "ACK", "ACK"]);
    assert.deepEqual(running.texts, ["good", "bad", "end"]);
    assert.equal(await running.count("tomcatcluster_channel_duplicate_messages_total"), 6);
    assert.equal(await running.count("tomcatcluster_channel_received_messages_total"), 3);
  });

  it("of a message that is still being processed wait for its outcome, and what follows waits too", async () => {
    const running = await run();
    const { opened, open } = gate();
    const started = gate();
    running.receiver.onMessage = (message) => {
      running.texts.push(message.body.toString());
      if (message.body.toString() !== "slow") return;
      started.open();
      return opened;
    };
    const slow = messageOf("slow", 6);
    const after = messageOf("after", 6);
    const first = await running.connect();
    first.send(slow, after);
    await started.opened;
    await first.close();
    const second = await running.connect();
    second.send(slow, after, messageOf("new", 6));
    const third = await running.connect();
    third.send(messageOf("unrelated", 6));
    await third.until(1);
    assert.deepEqual([second.replies, running.texts], [[], ["slow", "unrelated"]]);
    open();
    assert.deepEqual(await second.until(3), ["ACK", "ACK", "ACK"]);
    assert.deepEqual(running.texts, ["slow", "unrelated", "after", "new"]);
  });

  it("are not fragments of one message: those share an id and differ in their bytes", async () => {
    const running = await run();
    const message = messageOf("0", 6);
    const client = await running.connect();
    client.send(message, { ...message, body: Buffer.from("1") }, message);
    await client.until(3);
    assert.deepEqual(running.texts, ["0", "1"]);
  });

  it("are forgotten when as many others have come as are remembered", async () => {
    const running = await run({ rememberedOutcomes: 2 });
    const old = messageOf("old", 6);
    const client = await running.connect();
    client.send(old, messageOf("1", 6), old, messageOf("2", 6), old);
    await client.until(5);
    assert.deepEqual(running.texts, ["old", "1", "2", "old"]);
  });
});

describe("TcpReceiver: bad input closes its connection and nothing else", () => {
  const good = encodeChannelData(messageOf("x"));
  const foreign = { ...messageOf("x"), address: createMember({ address: "10.1.2.3", port: 4000 }) };
  const rows: [string, string, Buffer][] = [
    ["garbage", "framing", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["a frame above maxFrameBytes", "framing", Buffer.from("464c5432303032003fffff", "hex")],
    ["a negative length", "framing", Buffer.from("464c5432303032ffffffff", "hex")],
    ["a frame without its end mark", "framing", Buffer.concat([good.subarray(0, -1), Buffer.from("!")])],
    ["a frame that holds no ChannelData", "malformed", Buffer.from("464c543230303200000001ff544c4632303033", "hex")],
    ["a sender that is not where it connects from", "address_mismatch", encodeChannelData(foreign)],
  ];
  for (const [what, reason, bytes] of rows) {
    it(`${what}`, async () => {
      const running = await run();
      const living = await running.connect();
      const client = await running.connect();
      client.socket.write(bytes);
      client.socket.write(Buffer.alloc(100_000));
      await client.closed();
      assert.equal(await failures(running, reason), 1);
      living.send(messageOf("alive", 6));
      await living.until(1);
      assert.deepEqual(running.texts, ["alive"]);
    });
  }

  it("messages before the garbage are delivered and acknowledged", async () => {
    const running = await run();
    const client = await running.connect();
    client.socket.write(Buffer.concat([encodeChannelData(messageOf("good", 2)), Buffer.from("garbage")]));
    await client.closed();
    assert.deepEqual(running.texts, ["good"]);
  });

  it("probes that close at once, with or without a frame or half of one, are no mistake", async () => {
    const running = await run();
    for (const bytes of [Buffer.alloc(0), good, good.subarray(0, 20)]) {
      const client = await running.connect();
      client.socket.end(bytes);
      await client.closed();
    }
    assert.equal(running.texts.length, 1);
    for (const reason of ["framing", "malformed", "silent"]) assert.equal(await failures(running, reason), 0);
    assert.equal(await running.count("tomcatcluster_channel_receiver_connections"), 0);
  });

  it("an endless frame is read up to its end, and takes no more memory than has come", async () => {
    const running = await run({ maxFrameBytes: 4 * 1024 * 1024 });
    const client = await running.connect();
    const big = messageOf(Buffer.alloc(3 * 1024 * 1024, "b"), 6);
    client.send(big);
    await client.until(1);
    assert.deepEqual(running.texts, ["b".repeat(32)]);
  });

  it("a peer that never reads its acknowledgements is closed", async () => {
    const running = await run();
    const client = await running.connect();
    client.socket.pause();
    const frame = encodeChannelData(messageOf("", 2));
    const frames = Buffer.concat(new Array<Buffer>(500).fill(frame));
    const flood = () => {
      while (!client.socket.destroyed && client.socket.write(frames));
    };
    client.socket.on("drain", flood);
    flood();
    await client.closed();
    assert.equal(await failures(running, "unread_acks"), 1);
  });
});

describe("TcpReceiver: before it is known who speaks (rule 20)", () => {
  it("the 33rd connection of an address is refused; those that have spoken do not count", async () => {
    const running = await run();
    const clients = await Promise.all(Array.from({ length: 32 }, () => running.connect()));
    const refused = await running.connect();
    await refused.closed();
    assert.equal(await failures(running, "connection_limit"), 1);
    clients[0]!.send(messageOf("hello", 6));
    await clients[0]!.until(1);
    const next = await running.connect();
    next.send(messageOf("next", 6));
    assert.deepEqual(await next.until(1), ["ACK"]);
  });

  it("a refused message identifies nobody", async () => {
    const running = await run({ maxConnectionsPerAddress: 1 });
    running.receiver.onMessage = () => {
      throw new Error("undecryptable");
    };
    const client = await running.connect();
    client.send(messageOf("x", 6));
    assert.deepEqual(await client.until(1), ["FAIL"]);
    await (await running.connect()).closed();
  });

  it("a connection that closes makes room for another", async () => {
    const running = await run({ maxConnectionsPerAddress: 1 });
    const first = await running.connect();
    const refused = await running.connect();
    await refused.closed();
    await first.close();
    let answered = false;
    while (!answered) {
      const client = await running.connect();
      client.send(messageOf("x", 6));
      answered = await Promise.race([client.until(1).then(() => true), client.closed().then(() => false)]);
    }
  });

  it("the limits are 32 connections of an address and 64 MiB of all; 8192 outcomes are remembered (rules 12 and 20)", () => {
    const { maxConnectionsPerAddress, maxUnidentifiedBytes, rememberedOutcomes } = RECEIVER_LIMITS;
    assert.deepEqual([maxConnectionsPerAddress, maxUnidentifiedBytes, rememberedOutcomes], [32, 67_108_864, 8192]);
  });

  it("all unidentified connections together buffer no more than the limit", async () => {
    const running = await run({ maxUnidentifiedBytes: 100_000 });
    const half = encodeChannelData(messageOf(Buffer.alloc(80_000))).subarray(0, 60_000);
    const first = await running.connect();
    first.socket.write(half);
    const second = await running.connect();
    second.socket.write(half);
    await Promise.race([first.closed(), second.closed()]);
    assert.equal(await failures(running, "buffer_limit"), 1);
    assert.equal(await running.count("tomcatcluster_channel_receiver_connections"), 1);
  });

  it("what a connection buffered is free again when it has closed or spoken", async () => {
    const running = await run({ maxUnidentifiedBytes: 100_000 });
    const message = encodeChannelData(messageOf(Buffer.alloc(80_000), 6));
    for (let round = 0; round < 3; round++) {
      const broken = await running.connect();
      broken.socket.end(message.subarray(0, 70_000));
      await broken.closed();
      const whole = await running.connect();
      whole.socket.write(message.subarray(0, 70_000));
      whole.socket.write(message.subarray(70_000));
      await whole.until(1);
      whole.socket.write(message.subarray(0, 70_000));
    }
    assert.equal(await failures(running, "buffer_limit"), 0);
  });

  it("an address that the membership does not know is refused, at once or after its look-up", async () => {
    const asked: string[] = [];
    const running = await run(
      {},
      {
        admit: (address) => {
          asked.push(address);
          return asked.length === 1 ? false : Promise.resolve(asked.length === 3);
        },
      },
    );
    await (await running.connect()).closed();
    await (await running.connect()).closed();
    const third = await running.connect();
    third.send(messageOf("known", 6));
    assert.deepEqual(await third.until(1), ["ACK"]);
    assert.deepEqual(asked, ["127.0.0.1", "127.0.0.1", "127.0.0.1"]);
    assert.equal(await failures(running, "not_admitted"), 2);
  });

  it("trustProxiedPeers takes members that connect from elsewhere", async () => {
    const running = await run({ trustProxiedPeers: true });
    const client = await running.connect();
    client.send({ ...messageOf("proxied", 6), address: createMember({ address: "10.1.2.3", port: 4000 }) });
    assert.deepEqual(await client.until(1), ["ACK"]);
  });

  it("loopback addresses stand for one another", async () => {
    const running = await run();
    const client = await running.connect();
    client.send({ ...messageOf("neighbour", 6), address: createMember({ address: "127.0.0.2", port: 4000 }) });
    assert.deepEqual(await client.until(1), ["ACK"]);
  });

  it("a connection without an accepted message is closed after a minute, one with it is not", async () => {
    const running = await run();
    const silent = await running.connect();
    const speaking = await running.connect();
    speaking.send(messageOf("x", 6));
    await speaking.until(1);
    await running.clock.advance(59_000);
    assert.equal(silent.socket.destroyed, false);
    await running.clock.advance(6000);
    await silent.closed();
    assert.equal(await failures(running, "silent"), 1);
    speaking.send(messageOf("y", 6));
    await speaking.until(2);
  });
});

describe("TcpReceiver: back-pressure", () => {
  it("a slow listener stops the reading, and everything is delivered once it goes on", async (t) => {
    const pause = t.mock.method(Socket.prototype, "pause");
    const running = await run({ maxWaitingBytes: 100_000 });
    const { opened, open } = gate();
    let delivered = 0;
    running.receiver.onMessage = () => {
      delivered++;
      return delivered === 1 ? opened : undefined;
    };
    const client = await running.connect();
    const messages = Array.from({ length: 1000 }, (_, index) => messageOf(Buffer.alloc(64_000, index), 0));
    for (const message of messages) client.send(message);
    client.send(messageOf("last", 6));
    while (pause.mock.callCount() === 0) await turn();
    for (let turns = 0; turns < 20; turns++) await turn();
    const bytes = await running.count("tomcatcluster_channel_received_bytes_total");
    assert.ok(bytes >= 100_000 && bytes < 300_000, `read ${bytes} bytes for a listener that is busy`);
    assert.equal(delivered, 1);
    open();
    await client.until(1);
    assert.equal(delivered, 1001);
  });
});

describe("TcpReceiver: life", () => {
  it("autoBind takes the next free port and announces it", async () => {
    const blocker = createServer().listen(0, "127.0.0.1");
    await once(blocker, "listening");
    cleanUps.push(async () => blocker.close());
    const { port } = blocker.address() as { port: number };
    const { receiver } = await run({ port, autoBind: 100 });
    assert.ok(receiver.port > port && receiver.port < port + 100);
    assert.equal(receiver.address, "127.0.0.1");
  });

  it("a port in use is an error that names address, port and autoBind", async () => {
    const first = await run();
    const { port } = first.receiver;
    await assert.rejects(run({ port }), (error: Error) => {
      assert.match(error.message, new RegExp(`"127.0.0.1": port ${port} \\(autoBind "1"\\) in use.* raise "autoBind"`));
      assert.equal((error as { code?: string }).code, "PORT_IN_USE");
      return true;
    });
  });

  it("an address of another machine is an error that says what to set", async () => {
    await assert.rejects(run({ address: "192.0.2.1", port: 4000, autoBind: 3 }), { code: "RECEIVER_BIND", message: /"192.0.2.1".*"auto"/ });
  });

  it('"auto" binds an address of this machine', async () => {
    const { receiver } = await run({ address: "auto" });
    assert.match(receiver.address, /^[0-9a-f.:]+$/);
    assert.notEqual(receiver.address, "0.0.0.0");
  });

  it("stop closes connections, also while a message is being processed and one is looked up, and delivers nothing more", async () => {
    const look = Promise.withResolvers<boolean>();
    let admitted = 0;
    const clock = new ManualClock();
    const receiver = new TcpReceiver(
      { clock, logger: silentLogger, registry: new Registry(), admit: () => (++admitted === 1 ? true : look.promise) },
      OPTIONS,
    );
    const { opened, open } = gate();
    const started = gate();
    const texts: string[] = [];
    receiver.onMessage = (message: ChannelMessage) => {
      texts.push(message.body.toString());
      started.open();
      return opened;
    };
    await receiver.start();
    const client = await RawClient.connect(receiver.port);
    client.send(messageOf("1"), messageOf("2"));
    await started.opened;
    const undecided = await RawClient.connect(receiver.port);
    while (admitted < 2) await turn();
    await receiver.stop();
    await Promise.all([client.closed(), undecided.closed()]);
    open();
    look.resolve(true);
    await turn();
    assert.deepEqual(texts, ["1"]);
    assert.equal(clock.pendingTimers, 0);
  });
});
