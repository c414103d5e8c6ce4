import assert from "node:assert/strict";
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, it } from "node:test";
import { systemClock } from "../../../../src/base/index.ts";
import type { Member } from "../../../../src/channel/channel.ts";
import { TcpProbe, type TcpProbeOptions } from "../../../../src/channel/interceptors/tcp-probe.ts";
import { ACK } from "../../../../src/channel/wire/acknowledgement.ts";
import { ChannelDataDecoder, encodeChannelData } from "../../../../src/channel/wire/channel-data.ts";
import { FrameDecoder } from "../../../../src/channel/wire/frame.ts";
import { createMember } from "../../../../src/channel/wire/member-block.ts";
import { tribesVector } from "../../../support/tribes-vectors.ts";

const ADDRESS = "127.0.9.2";
const prober = createMember({ address: "127.0.9.1", port: 4000 });
const OPTIONS: TcpProbeOptions = { connectTimeoutMs: 1000, performSendTest: true, performReadTest: false, readTestTimeoutMs: 1000 };

/** A receiver that keeps what it gets and may answer. */
class Listener {
  readonly server: Server;
  readonly received: Promise<Buffer>;
  remoteAddress: string | undefined;
  #sockets = new Set<Socket>();

  constructor(answer?: Buffer) {
    const { promise, resolve } = Promise.withResolvers<Buffer>();
    this.received = promise;
    this.server = createServer((socket) => {
      this.#sockets.add(socket);
      this.remoteAddress = socket.remoteAddress;
      const chunks: Buffer[] = [];
      socket.on("data", (chunk) => {
        chunks.push(chunk);
        if (answer) socket.write(answer);
      });
      socket.on("error", () => undefined);
      socket.on("close", () => resolve(Buffer.concat(chunks)));
    });
  }

  async listen(): Promise<Member> {
    await new Promise<void>((resolve) => this.server.listen(0, ADDRESS, resolve));
    return createMember({ address: ADDRESS, port: (this.server.address() as { port: number }).port });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}

describe("TcpProbe", () => {
  const listeners: Listener[] = [];

  async function listen(answer?: Buffer): Promise<{ listener: Listener; member: Member }> {
    const listener = new Listener(answer);
    listeners.push(listener);
    return { listener, member: await listener.listen() };
  }

  function probeWith(options: Partial<TcpProbeOptions> = {}): TcpProbe {
    const random = { bytes: (length: number) => Buffer.alloc(length, 0xff) };
    return new TcpProbe({ clock: { ...systemClock, now: () => 1_700_000_000_000 }, random }, { ...OPTIONS, ...options });
  }

  afterEach(() => Promise.all(listeners.splice(0).map((listener) => listener.close())));

  it("writes the frame of Tomcat's TcpFailureDetector, from the prober's own address, and closes", async () => {
    const { listener, member } = await listen();
    assert.equal(await probeWith().probe(prober, member, false), true);
    const vector = tribesVector("probe-tcpfailuredetector").bytes;
    const frames = new FrameDecoder(1000);
    frames.push(vector);
    const recorded = new ChannelDataDecoder().decode(frames.next()!);
    const uniqueId = Buffer.from("ffffffffffff4fffbfffffffffffffff", "hex");
    assert.deepEqual(await listener.received, encodeChannelData({ ...recorded, uniqueId, address: prober, timestamp: 1_700_000_000_000 }));
    assert.equal(recorded.options, 1);
    assert.equal(listener.remoteAddress, prober.address);
  });

  it("asks for an ACK where it has to be answered, and any byte is an answer (rule 3)", async () => {
    const { listener, member } = await listen(ACK);
    assert.equal(await probeWith().probe(prober, member, true), true);
    assert.equal((await listener.received).readInt32BE(11), 3);
  });

  it("asks for an ACK in every probe with performReadTest", async () => {
    const { listener, member } = await listen(ACK);
    assert.equal(await probeWith({ performReadTest: true }).probe(prober, member, false), true);
    assert.equal((await listener.received).readInt32BE(11), 3);
  });

  it("only connects without performSendTest", async () => {
    const { listener, member } = await listen();
    assert.equal(await probeWith({ performSendTest: false }).probe(prober, member, false), true);
    assert.equal((await listener.received).length, 0);
  });

  it("finds a member dead that accepts and does not answer in time (rule 3)", async () => {
    const { member } = await listen();
    assert.equal(await probeWith({ readTestTimeoutMs: 20 }).probe(prober, member, true), false);
  });

  it("cannot tell whether a member lives that closes the connection without an answer", async () => {
    const { server } = new Listener();
    server.removeAllListeners("connection").on("connection", (socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, ADDRESS, resolve));
    const member = createMember({ address: ADDRESS, port: (server.address() as { port: number }).port });
    assert.equal(await probeWith().probe(prober, member, true), undefined);
    await new Promise((resolve) => server.close(resolve));
  });

  it("reads an answer that came while its own event loop was blocked (rule 3)", async () => {
    const { member } = await listen();
    const answer = probeWith({ connectTimeoutMs: 20 }).probe(prober, member, false);
    await Promise.resolve();
    process.nextTick(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60));
    assert.equal(await answer, true);
  });

  it("finds a member dead that refuses", async () => {
    const { listener, member } = await listen();
    await listener.close();
    listeners.pop();
    assert.equal(await probeWith().probe(prober, member, false), false);
  });

  it("ends what is under way when it stops, however many wait for their turn, and asks nobody afterwards", async () => {
    const { member } = await listen();
    const probe = probeWith({ readTestTimeoutMs: 60_000 });
    const answers = Array.from({ length: 100 }, () => probe.probe(prober, member, true));
    await new Promise((resolve) => setImmediate(resolve));
    probe.stop();
    assert.deepEqual(new Set(await Promise.all(answers)), new Set([false]));
    assert.equal(await probe.probe(prober, member, false), false);
  });
});
