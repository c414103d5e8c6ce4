// Whole channels over real loopback addresses: members, messages, hello, good-bye, a frozen peer.
import assert from "node:assert/strict";
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import { ChannelError, RemoteProcessError, type SendOptions } from "../../src/channel/index.ts";
import { ChannelCluster, failureDetector, messageDispatch, type TestChannel } from "../support/channel-cluster.ts";

const A = "127.0.31.1";
const B = "127.0.31.2";
const C = "127.0.31.3";
let nextPort = 4310;

const SYNCHRONOUS: SendOptions = { acknowledge: "Processed", asynchronous: false };

function bytes(text: string) {
  return { kind: "Bytes" as const, body: Buffer.from(text) };
}

describe("channels over loopback", () => {
  let cluster: ChannelCluster;

  beforeEach(() => {
    cluster = new ChannelCluster(nextPort++);
    cluster.resolver.found(A, B, C);
  });
  afterEach(() => cluster.stopAll());

  async function meet(...nodes: TestChannel[]): Promise<void> {
    for (const node of nodes) await node.until(() => node.addresses.length === nodes.length - 1, "every other member");
  }

  it("find one another, deliver with every kind of acknowledgement, and keep the order of one key", async () => {
    const [a, b] = [await cluster.start(A), await cluster.start(B)];
    await meet(a, b);
    const sent: string[] = [];
    for (const [index, options] of [
      { acknowledge: "Received", asynchronous: false },
      SYNCHRONOUS,
      { acknowledge: "None", asynchronous: true },
      { acknowledge: "Received", asynchronous: true },
    ].entries()) {
      sent.push(`message ${index}`);
      await a.channel.send([a.member(B)], bytes(`message ${index}`), { ...(options as SendOptions), orderKey: "session" });
    }
    await b.until(() => b.received.length === sent.length, "all messages");
    assert.deepEqual(b.received, sent);
  });

  it("report a listener that throws to a sender that waits for processing, and do not suspect its member", async () => {
    const [a, b] = [await cluster.start(A), await cluster.start(B)];
    await meet(a, b);
    b.onMessage = () => Promise.reject(new Error("No such session"));
    await assert.rejects(a.channel.send([a.member(B)], bytes("delta"), SYNCHRONOUS), (error: unknown) => {
      assert.ok(error instanceof ChannelError);
      assert.deepEqual(
        error.faultyMembers.map(({ member, cause }) => [member.address, cause instanceof RemoteProcessError]),
        [[B, true]],
      );
      return true;
    });
    assert.deepEqual(a.addresses, [B]);
  });

  it("greet one another: three of ours know before anything else that they are ours", async () => {
    const nodes = await Promise.all([A, B, C].map((address) => cluster.start(address)));
    await meet(...nodes);
    for (const node of nodes) {
      await node.channel.hello.everyMemberAnswered(AbortSignal.timeout(10_000));
      assert.deepEqual(
        node.channel.members.map((member) => node.channel.hello.kindOf(member)),
        ["ours", "ours"],
      );
    }
    assert.deepEqual(
      nodes[0]!.channel.describe().members.map(({ state, kind }) => [state, kind]),
      [
        ["Alive", "ours"],
        ["Alive", "ours"],
      ],
    );
  });

  it("add a joiner that DNS lists now, before they answer its hello", async () => {
    cluster.resolver.found(A);
    const a = await cluster.start(A, { refreshMs: 600_000 });
    cluster.resolver.found(A, B);
    const b = await cluster.start(B, { refreshMs: 600_000 });
    await b.channel.hello.everyMemberAnswered(AbortSignal.timeout(10_000));
    assert.deepEqual(b.addresses, [A]);
    assert.deepEqual(a.addresses, [B], "although its own next look-up is ten minutes away");
  });

  it("remove a member at its good-bye without a probe, and take its next process back while DNS lists both", async () => {
    const [a, b] = [await cluster.start(A), await cluster.start(B)];
    await meet(a, b);
    await cluster.stop(b);
    assert.deepEqual(a.events, [`added ${B}`, `disappeared ${B}`], "gone when stop has returned");
    assert.deepEqual(a.channel.suspects, []);
    const again = await cluster.start(B);
    await again.channel.hello.everyMemberAnswered(AbortSignal.timeout(10_000));
    assert.deepEqual(a.addresses, [B]);
  });

  it("notice a dead member by the first send that fails", async () => {
    const [a, b] = [await cluster.start(A), await cluster.start(B)];
    await meet(a, b);
    const member = a.member(B);
    await cluster.stop(b, { goodbye: false });
    await assert.rejects(a.channel.send([member], bytes("lost"), SYNCHRONOUS), ChannelError);
    await a.until(() => a.addresses.length === 0, "the dead member to go");
    await cluster.start(B);
    await a.until(() => a.addresses.length === 1, "its next process to come");
  });

  it("keep a member that DNS no longer lists while it answers, and let it go when it does not", async () => {
    const [a, b] = [await cluster.start(A), await cluster.start(B)];
    await meet(a, b);
    cluster.resolver.absent();
    const before = cluster.resolver.lookUps;
    await a.until(() => cluster.resolver.lookUps > before + 10, "several look-ups");
    assert.deepEqual(a.addresses, [B]);
    await cluster.stop(b, { goodbye: false });
    await a.until(() => a.addresses.length === 0, "the dead member to go");
    assert.deepEqual(a.channel.suspects, []);
  });

  it("suspect a frozen peer after a send time-out, and take it back when it answers", async () => {
    const frozen = new FrozenPeer();
    await frozen.listen(B, nextPort - 1);
    try {
      cluster.resolver.found(A, B);
      const a = await cluster.start(A, {
        timeoutMs: 200,
        interceptors: [messageDispatch(), failureDetector({ readTestTimeout: 300 })],
      });
      assert.deepEqual(a.addresses, [B], "its kernel accepts connections");
      const member = a.member(B);
      await assert.rejects(a.channel.send([member], bytes("x"), { acknowledge: "Received", asynchronous: false }), ChannelError);
      await a.until(() => a.addresses.length === 0, "the frozen member to be suspect");
      assert.deepEqual(
        a.channel.describe().members.map(({ state }) => state),
        ["Suspect"],
      );
      const probes = frozen.connections;
      await a.until(() => frozen.connections > probes + 1, "probes of heartbeats");
      assert.deepEqual(a.addresses, [], "accepted connections do not bring it back");
      await frozen.close();
      const b = await cluster.start(B);
      await a.until(() => a.addresses.length === 1, "the member that answers to come back");
      assert.deepEqual(b.addresses, [A]);
    } finally {
      await frozen.close();
    }
  });

  it("stop without a socket or timer left that keeps the process alive", async () => {
    const open = () => process.getActiveResourcesInfo().filter((name) => name.startsWith("TCP")).length;
    const nodes = await Promise.all([A, B, C].map((address) => cluster.start(address)));
    await meet(...nodes);
    for (const node of nodes) await cluster.stop(node);
    await nodes[0]!.until(() => open() === 0, "the last handles to close");
  });
});

/** Its kernel accepts connections and bytes; nobody reads. */
class FrozenPeer {
  connections = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server = createServer({ pauseOnConnect: true }, (socket) => {
    this.connections++;
    this.#sockets.add(socket);
    socket.on("error", () => this.#sockets.delete(socket));
  });

  listen(address: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, address, resolve);
    });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
