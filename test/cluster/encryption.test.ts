// Encrypted channels over real loopback addresses: keys changed while messages flow, repeats, strangers (rule 21).
import assert from "node:assert/strict";
import { createSecretKey } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { systemRandom } from "../../src/base/index.ts";
import type { EncryptionDescription } from "../../src/channel/describe-channel.ts";
import { ChannelError, RemoteProcessError, type SendOptions } from "../../src/channel/index.ts";
import type { KeyDescription } from "../../src/channel/interceptors/encryption/key-ring.ts";
import { messageCipher } from "../../src/channel/interceptors/encryption/message-cipher.ts";
import { createMember } from "../../src/channel/wire/member-block.ts";
import { BYTE_MESSAGE, SYNCHRONIZED_ACK, USE_ACK } from "../../src/channel/wire/options.ts";
import { ChannelCluster, encryption, failureDetector, messageDispatch, type TestChannel } from "../support/channel-cluster.ts";
import { MemoryLog } from "../support/memory-log.ts";
import { messageOf, RawClient } from "../support/raw-member.ts";

const A = "127.0.32.1";
const B = "127.0.32.2";
const C = "127.0.32.3";
let nextPort = 4410;

const SYNCHRONOUS: SendOptions = { acknowledge: "Processed", asynchronous: false };
const OLD = "00112233445566778899aabbccddeeff";
const NEW = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";

const INTERCEPTORS = [messageDispatch(), encryption(), failureDetector()];

function bytes(text: string) {
  return { kind: "Bytes" as const, body: Buffer.from(text) };
}

async function meet(...nodes: TestChannel[]): Promise<void> {
  for (const node of nodes) {
    await node.until(() => node.addresses.length === nodes.length - 1, "every other member");
    await node.channel.hello.everyMemberAnswered(AbortSignal.timeout(10_000));
  }
}

async function refused(node: TestChannel, reason: string): Promise<number> {
  const { values } = await node.registry.getSingleMetric("tomcatcluster_channel_refused_messages_total")!.get();
  return values.find(({ labels }) => labels.reason === reason)?.value ?? 0;
}

describe("encrypted channels over loopback (rule 21)", () => {
  const port = () => nextPort - 1;
  let cluster: ChannelCluster;
  let folder: string;

  beforeEach(() => {
    cluster = new ChannelCluster(nextPort++);
    cluster.resolver.found(A, B, C);
    folder = mkdtempSync(join(tmpdir(), "tomcat-cluster-keys-"));
  });
  afterEach(async () => {
    await cluster.stopAll();
    rmSync(folder, { recursive: true, force: true });
  });

  it("greet, deliver, say good-bye and find a dead member as others do", async () => {
    const [a, b, c] = [
      await cluster.start(A, { interceptors: INTERCEPTORS }),
      await cluster.start(B, { interceptors: INTERCEPTORS }),
      await cluster.start(C, { interceptors: INTERCEPTORS }),
    ];
    await meet(a, b, c);
    assert.deepEqual(
      a.channel.members.map((member) => a.channel.hello.kindOf(member)),
      ["ours", "ours"],
    );
    await a.channel.send(a.channel.members, bytes("to both"), SYNCHRONOUS);
    await a.channel.send(a.channel.members, bytes("later"), { acknowledge: "None", asynchronous: true });
    for (const node of [b, c]) {
      await node.until(() => node.received.length === 2, "both messages");
      assert.deepEqual(node.received, ["to both", "later"]);
    }
    await cluster.stop(c);
    assert.deepEqual(a.events, [`added ${B}`, `added ${C}`, `disappeared ${C}`]);
    const dead = a.member(B);
    await cluster.stop(b, { goodbye: false });
    await assert.rejects(a.channel.send([dead], bytes("lost"), SYNCHRONOUS), ChannelError);
    await a.until(() => a.addresses.length === 0, "the dead member to go");
  });

  it("change their key while messages flow, each step when every member shows that it has made the one before, and lose none", async () => {
    const directoryOf = (address: string) => join(folder, address);
    const write = (address: string, name: string, text: string) => writeFileSync(join(directoryOf(address), name), text);
    const logs = new Map<string, MemoryLog>();
    const start = async (address: string) => {
      mkdirSync(directoryOf(address));
      write(address, "1.key", OLD);
      logs.set(address, new MemoryLog());
      const encrypt = encryption({ encryptionKeyDirectory: directoryOf(address) });
      return cluster.start(address, { interceptors: [messageDispatch(), encrypt, failureDetector()] }, logs.get(address)!.logger);
    };
    const nodes = [await start(A), await start(B), await start(C)];
    await meet(...nodes);

    let sent = 0;
    let flowing = true;
    const flow = nodes.map(async (node) => {
      while (flowing) {
        assert.equal(node.addresses.length, 2);
        await node.channel.send(node.channel.members, bytes(`message ${sent++}`), SYNCHRONOUS);
      }
    });
    const made = (step: string, isMade: (status: EncryptionDescription) => boolean) =>
      nodes[0]!.until(() => nodes.every(({ channel }) => isMade(channel.describe().encryption!)), step);
    const everywhere = (step: (address: string) => void) => [A, B, C].forEach(step);
    everywhere((address) => {
      write(address, "sending", "1.key\n");
      write(address, "2.key", NEW);
    });
    await made("everybody accepts the new key", ({ accepted }) => accepted.some(({ name }) => name === "2.key"));
    everywhere((address) => write(address, "sending", "2.key\n"));
    await made("everybody sends with the new key", ({ sending }) => sending.name === "2.key");
    everywhere((address) => rmSync(join(directoryOf(address), "1.key")));
    await made("nobody accepts the old key", ({ accepted }) => accepted.every(({ name }) => name !== "1.key"));
    flowing = false;
    await Promise.all(flow);

    assert.ok(sent > 30, `${sent} messages`);
    assert.equal(
      nodes.reduce((sum, node) => sum + node.received.length, 0),
      sent * 2,
    );
    for (const node of nodes) assert.equal(await refused(node, "undecryptable"), 0);
    for (const log of logs.values()) {
      const changes = log.lines.filter(({ msg }) => msg === "Encryption keys changed");
      assert.deepEqual(
        changes.map(({ sending, accepted }) => [(sending as KeyDescription).name, (accepted as KeyDescription[]).map(({ name }) => name)]),
        [
          ["1.key", ["1.key", "2.key"]],
          ["2.key", ["2.key", "1.key"]],
          ["2.key", ["2.key"]],
        ],
      );
    }
  });

  it("refuse a member with another key with FAIL_ACK and one line in the log, and live on", async () => {
    const log = new MemoryLog();
    const a = await cluster.start(A, { interceptors: INTERCEPTORS }, log.logger);
    const strange = encryption({ encryptionKey: NEW });
    const b = await cluster.start(B, { interceptors: [messageDispatch(), strange, failureDetector()] });
    const c = await cluster.start(C, { interceptors: INTERCEPTORS });
    await a.until(() => a.addresses.length === 2 && b.addresses.length === 2, "everybody to be listed");
    for (let n = 0; n < 20; n++) {
      await assert.rejects(b.channel.send([b.member(A)], bytes("forged"), SYNCHRONOUS), (error: unknown) => {
        assert.ok(error instanceof ChannelError);
        assert.ok(error.faultyMembers[0]!.cause instanceof RemoteProcessError);
        return true;
      });
    }
    assert.deepEqual(a.received, []);
    assert.equal(a.channel.hello.kindOf(a.member(B)), undefined, "its hello proved nothing");
    assert.ok((await refused(a, "undecryptable")) >= 20);
    assert.deepEqual(
      log.lines.filter(({ level }) => level === "warn").map(({ msg, reason }) => [msg, reason]),
      [["Refused a message on the encrypted channel", "undecryptable"]],
    );
    await c.channel.send([c.member(A)], bytes("true"), SYNCHRONOUS);
    assert.deepEqual(a.received, ["true"]);
  });

  it("answer a repeat as the first was answered, and refuse a copy", async () => {
    const a = await cluster.start(A, { interceptors: INTERCEPTORS });
    const cipher = messageCipher("AES/GCM/NoPadding");
    const nowMs = Date.now();
    const sealed = (text: string) => cipher.seal(createSecretKey(OLD, "hex"), systemRandom.bytes(12), nowMs, Buffer.from(text));
    const address = createMember({ address: B, port: port() });
    const message = { ...messageOf(sealed("add 1"), BYTE_MESSAGE | USE_ACK | SYNCHRONIZED_ACK), address };
    const clients: RawClient[] = [];
    try {
      // As a Tomcat does when a connection was lost before the answer came: a new one, and the same frame.
      for (let n = 0; n < 3; n++) {
        const client = await RawClient.connect(port(), A, B);
        clients.push(client);
        client.send(message);
        assert.deepEqual(await client.until(1), ["ACK"]);
      }
      assert.deepEqual(a.received, ["add 1"]);
      const copy = { ...message, uniqueId: systemRandom.bytes(16), address: createMember({ address: C, port: port() }) };
      clients[0]!.send(copy, { ...message, uniqueId: systemRandom.bytes(16), body: sealed("add 2") });
      assert.deepEqual(await clients[0]!.until(3), ["ACK", "FAIL", "ACK"]);
      assert.deepEqual(a.received, ["add 1", "add 2"]);
      assert.equal(await refused(a, "replay"), 1);
    } finally {
      for (const client of clients) await client.close();
    }
  });
});
