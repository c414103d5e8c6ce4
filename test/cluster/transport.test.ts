// Our sender and our receiver over loopback, with a network between them that breaks connections.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, it } from "node:test";
import { Registry, silentLogger, systemClock } from "../../src/base/index.ts";
import type { Member } from "../../src/channel/channel.ts";
import { ChannelError } from "../../src/channel/errors.ts";
import { TcpReceiver, type TcpReceiverOptions } from "../../src/channel/transport/tcp-receiver.ts";
import { PIPELINE_WINDOW, TcpSender, type TcpSenderOptions } from "../../src/channel/transport/tcp-sender.ts";
import { createMember } from "../../src/channel/wire/member-block.ts";
import { messageOf, RawClient } from "../support/raw-member.ts";

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const registry = new Registry();

async function receiverOf(options: Partial<TcpReceiverOptions> = {}): Promise<TcpReceiver> {
  const receiver = new TcpReceiver(
    { clock: systemClock, logger: silentLogger, registry },
    { address: "127.0.0.1", port: 0, autoBind: 1, maxFrameBytes: 1 << 26, tcpNoDelay: true, soKeepAlive: false, ...options },
  );
  await receiver.start();
  cleanUps.push(() => receiver.stop());
  return receiver;
}

async function senderOf(options: Partial<TcpSenderOptions> = {}): Promise<TcpSender> {
  const sender = new TcpSender(
    { clock: systemClock, logger: silentLogger, registry },
    {
      timeoutMs: 20_000,
      maxRetryAttempts: 1,
      poolSize: 5,
      keepAliveTimeMs: -1,
      keepAliveCount: -1,
      tcpNoDelay: true,
      soKeepAlive: false,
      ...options,
    },
  );
  await sender.start();
  cleanUps.push(() => sender.stop());
  return sender;
}

function memberOf(receiver: TcpReceiver): Member {
  return createMember({ address: receiver.address, port: receiver.port });
}

/**
 * Passes bytes on until `lifeBytes` of a connection have gone to the receiver, then resets it: after the receiver's next answer, so
 * that there is some progress, or after a while without one.
 */
class BreakingProxy {
  connections = 0;
  readonly #server: Server = createServer();
  readonly #sockets = new Set<Socket>();

  static async start(target: number, lifeBytes: (connection: number) => number): Promise<BreakingProxy> {
    const proxy = new BreakingProxy();
    proxy.#server.on("connection", (near) => proxy.#pass(near, target, lifeBytes(++proxy.connections)));
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    cleanUps.push(() => proxy.#stop());
    return proxy;
  }

  get member(): Member {
    return createMember({ address: "127.0.0.1", port: (this.#server.address() as AddressInfo).port });
  }

  #pass(near: Socket, target: number, lifeBytes: number): void {
    const far = connect(target, "127.0.0.1");
    let left = lifeBytes;
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => other.destroy());
    }
    near.on("data", (chunk) => {
      if (left <= 0) return;
      far.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) void turns(30).then(() => near.resetAndDestroy());
    });
    far.on("data", (chunk) => {
      near.write(chunk);
      if (left <= 0) near.resetAndDestroy();
    });
  }

  async #stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function turns(count: number): Promise<void> {
  for (let passed = 0; passed < count; passed++) await turn();
}

/** Order of the bodies "key#number" by their keys. */
function byKey(texts: readonly string[]): Map<string, number[]> {
  const numbers = new Map<string, number[]>();
  for (const text of texts) {
    const [key, number] = text.split("#") as [string, string];
    numbers.set(key, [...(numbers.get(key) ?? []), Number(number)]);
  }
  return numbers;
}

describe("TCP transport", () => {
  for (const window of [1, 8, PIPELINE_WINDOW]) {
    it(`window ${window}: connections that break lose nothing, double nothing and reorder nothing`, async () => {
      const receiver = await receiverOf();
      const texts: string[] = [];
      let deliveries = 0;
      receiver.onMessage = (message) => {
        const text = message.body.toString();
        const record = () => void texts.push(text);
        return deliveries++ % 3 === 0 ? new Promise<void>((resolve) => setImmediate(resolve)).then(record) : record();
      };
      let seed = window;
      const proxy = await BreakingProxy.start(receiver.port, () => {
        seed = (Math.imul(seed, 48_271) + 11) & 0x7fff_ffff;
        return 3000 + (seed % 9000);
      });
      const sender = await senderOf({ maxRetryAttempts: 1000 });
      sender.setWindow(proxy.member, window);
      const sends: Promise<void>[] = [];
      for (let number = 0; number < 100; number++) {
        for (let key = 0; key < 10; key++) {
          sends.push(sender.sendMessage([proxy.member], messageOf(`key${key}#${number}`, 6, `key${key}`)));
        }
        if (number % 10 === 0) await Promise.all(sends);
      }
      await Promise.all(sends);
      const ordered = Array.from({ length: 100 }, (_, number) => number);
      assert.equal(texts.length, 1000);
      for (const [key, numbers] of byKey(texts)) assert.deepEqual(numbers, ordered, key);
      assert.ok(proxy.connections > 5, `${proxy.connections} connections`);
    });
  }

  it("synchronous and asynchronous messages of one key keep their order to a pipelined member", async () => {
    const receiver = await receiverOf();
    const texts: string[] = [];
    receiver.onMessage = (message) => void texts.push(message.body.toString());
    const sender = await senderOf();
    const member = memberOf(receiver);
    sender.setWindow(member, PIPELINE_WINDOW);
    const sends: Promise<void>[] = [];
    for (let number = 0; number < 2000; number++) {
      sends.push(sender.sendMessage([member], messageOf(`key#${number}`, [6, 8, 2, 10, 0][number % 5], "key")));
      if (number % 100 === 99) await sends.at(-1);
    }
    await Promise.all(sends);
    await sender.sendMessage([member], messageOf("key#2000", 6, "key"));
    assert.deepEqual(
      byKey(texts).get("key"),
      Array.from({ length: 2001 }, (_, number) => number),
    );
  });

  it("a slow listener holds the sender at its queue limit, and everything that was taken arrives", async () => {
    const receiver = await receiverOf();
    const slow = Promise.withResolvers<void>();
    let received = 0;
    receiver.onMessage = () => (received++ === 0 ? slow.promise : undefined);
    const sender = await senderOf({ maxQueueBytes: 1024 * 1024 });
    const member = memberOf(receiver);
    let taken = 0;
    let refused: unknown;
    while (refused === undefined) {
      await sender.sendMessage([member], messageOf(Buffer.alloc(60_000), 8)).then(
        () => taken++,
        (error: unknown) => {
          refused = error;
        },
      );
      assert.ok(taken < 1000, "60 MB are more than sockets hold");
    }
    assert.ok(refused instanceof ChannelError);
    assert.equal((refused.faultyMembers[0]!.cause as { code?: string }).code, "QUEUE_FULL");
    assert.equal(received, 1);
    slow.resolve();
    for (let sent = false; !sent; await turn()) {
      sent = await sender.sendMessage([member], messageOf("last", 6)).then(
        () => true,
        () => false,
      );
    }
    assert.equal(received, taken + 1);
  });

  it("garbage and endless frames on the port disturb no other connection", async () => {
    const receiver = await receiverOf({ maxFrameBytes: 100_000 });
    let received = 0;
    receiver.onMessage = () => void received++;
    const sender = await senderOf();
    const sends: Promise<void>[] = [];
    for (let round = 0; round < 50; round++) {
      const attacker = await RawClient.connect(receiver.port);
      const bytes = round % 2 === 0 ? Buffer.alloc(70_000, "garbage") : Buffer.from("464c54323030327fffffff", "hex");
      attacker.socket.write(bytes);
      sends.push(sender.sendMessage([memberOf(receiver)], messageOf(`${round}`, 6)));
      await attacker.closed();
    }
    await Promise.all(sends);
    assert.equal(received, 50);
  });

  it("a frame of many megabytes goes through, one above maxFrameBytes fails without harm to the next", async () => {
    const receiver = await receiverOf({ maxFrameBytes: 20_000_000 });
    const lengths: number[] = [];
    receiver.onMessage = (message) => void lengths.push(message.body.length);
    const sender = await senderOf();
    const member = memberOf(receiver);
    await sender.sendMessage([member], messageOf(Buffer.alloc(19_999_000), 6));
    await assert.rejects(sender.sendMessage([member], messageOf(Buffer.alloc(20_000_000), 6)), ChannelError);
    await sender.sendMessage([member], messageOf("next", 6));
    assert.deepEqual(lengths, [19_999_000, 4]);
  });

  it("a receiver that restarts on its port is reached again", async () => {
    const first = await receiverOf();
    const sender = await senderOf();
    const member = memberOf(first);
    await sender.sendMessage([member], messageOf("before", 6));
    await first.stop();
    await assert.rejects(sender.sendMessage([member], messageOf("meanwhile", 6)), ChannelError);
    const second = await receiverOf({ port: first.port });
    const texts: string[] = [];
    second.onMessage = (message) => void texts.push(message.body.toString());
    await sender.sendMessage([member], messageOf("after", 6));
    assert.deepEqual(texts, ["after"]);
  });

  it("stopping sender and receivers leaves no socket and no timer open", async () => {
    const receivers = await Promise.all([receiverOf(), receiverOf(), receiverOf()]);
    const sender = await senderOf();
    const members = receivers.map(memberOf);
    await Promise.all(
      Array.from({ length: 200 }, (_, number) =>
        sender.sendMessage(members, messageOf(`${number}`, number % 2 === 0 ? 6 : 8, `k${number}`)),
      ),
    );
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
    const open = () =>
      process.getActiveResourcesInfo().filter((name) => name.startsWith("TCP") || name === "Timeout" || name === "Immediate");
    await turns(10);
    assert.deepEqual(open(), []);
  });
});
