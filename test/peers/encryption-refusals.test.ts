// What becomes of copies and of wrong clocks in an encrypted group of a real Apache Tomcat 10.1, a worker of ours and a raw member (rule 21).
import assert from "node:assert/strict";
import { createSecretKey, randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { type Clock, systemClock } from "../../src/base/index.ts";
import { messageCipher } from "../../src/channel/interceptors/encryption/message-cipher.ts";
import { sessionCreated } from "../../src/replication/message-bodies.ts";
import { encryption, failureDetector, messageDispatch } from "../support/channel-cluster.ts";
import { MemoryLog } from "../support/memory-log.ts";
import { MANAGER, RawSessionMember } from "../support/raw-session-member.ts";
import { ReplicatedWorker } from "../support/replicated-worker.ts";
import { ScriptedResolver } from "../support/scripted-resolver.ts";
import { ask, attributeIn, eventually, held, idIn } from "../support/session-requests.ts";
import { RealTomcat } from "../support/tomcat.ts";

const OURS = "127.0.88.2";
const RAW = "127.0.88.3";
const JAVA = "127.0.88.4";
/** That of `encryption` in channel-cluster.ts. */
const KEY = "00112233445566778899aabbccddeeff";
const CIPHER = messageCipher("AES/GCM/NoPadding");
const SECRET = createSecretKey(Buffer.from(KEY, "hex"));
const HEARTBEAT_MS = 500;
const REPLAY_AT_TOMCAT = /Failed to decrypt message: replay attack detected/g;

function realTomcat(replayWindowMessageCount = 1_000_000): RealTomcat {
  return new RealTomcat({
    ...{ name: "java", address: JAVA, httpPort: 8080, receiverPort: 4000, members: [JAVA] },
    ...{ channelSendOptions: 6, heartbeatMs: HEARTBEAT_MS },
    encryption: { algorithm: "AES/GCM/NoPadding", key: KEY, replayWindowMessageCount },
  });
}

const seal = (body: Buffer, timestamp: number) => CIPHER.seal(SECRET, randomBytes(CIPHER.ivBytes), timestamp, body);
const replaysSeenBy = (tomcat: RealTomcat) => (tomcat.output.match(REPLAY_AT_TOMCAT) ?? []).length;
const cookieOf = (id: string) => `JSESSIONID=${id}`;
let ids = 0;
const newId = () => `${(++ids).toString(16).toUpperCase().padStart(32, "B")}.raw`;

describe("copies and wrong clocks in an encrypted group with a real Tomcat 10.1", () => {
  const log = new MemoryLog();
  let shiftMs = 0;
  const clock: Clock = { ...systemClock, now: () => Date.now() + shiftMs };
  let tomcat: RealTomcat;
  let worker: ReplicatedWorker;
  let raw: RawSessionMember;

  before(async () => {
    tomcat = realTomcat();
    await tomcat.start();
    const resolver = new ScriptedResolver();
    resolver.found(OURS, JAVA);
    const interceptors = [messageDispatch(), encryption(), failureDetector()];
    const addresses = { address: OURS, port: 4000, resolver, heartbeatSleepMs: HEARTBEAT_MS };
    worker = new ReplicatedWorker({ ...addresses, interceptors, clock, logger: log.logger });
    await worker.start();
    raw = await RawSessionMember.start(RAW);
    await raw.connectTo(JAVA);
    // Makes it a member: from now on the Tomcat sends it what it sends the worker, the same bytes.
    await raw.send(seal(sessionCreated(MANAGER, newId(), Date.now(), Date.now()), Date.now()));
    assert.equal((await ask(tomcat.url, "op=members")).text, `${OURS} ${RAW}`);
  });
  after(async () => {
    await worker.stop();
    await raw.stop();
    await tomcat.stop();
  });

  const counter = async (name: string, reason?: string) => {
    const { values } = await worker.registry.getSingleMetric(name)!.get();
    return values.find(({ labels }) => labels.reason === reason)?.value ?? 0;
  };
  const refused = (reason: string) => counter("tomcatcluster_channel_refused_messages_total", reason);
  const linesOf = (reason: string) => log.lines.filter((line) => /Refused a message/.test(line.msg) && line.reason === reason);

  it("a copy of a Tomcat's packet is answered here as the first was, and not taken again; under another id it gets FAIL_ACK", async () => {
    const made = await ask(tomcat.url, "op=set&k=k&v=string");
    const { message } = raw.raw.received.findLast(({ message: { options } }) => options === 6)!;
    await ask(tomcat.url, "op=set&k=k&v=integer", made.cookie);
    const copier = await RawSessionMember.start("127.0.88.5");
    try {
      await copier.connectTo(OURS);
      assert.equal(await copier.send(message.body, message), "ACK");
      assert.equal(await refused("replay"), 0);
      for (let copy = 1; copy <= 3; copy++) {
        assert.equal(await copier.send(message.body, { ...message, uniqueId: randomBytes(16) }), "FAIL");
        assert.equal(await refused("replay"), copy);
      }
    } finally {
      await copier.stop();
    }
    assert.equal(worker.find(idIn(made.cookie)).getAttribute("k"), 42);
    const [line, ...more] = linesOf("replay");
    assert.deepEqual([line!.level, line!.sender, more.length], ["warn", `tcp://${JAVA}:4000`, 0]);
    assert.match(String(line!.explanation), /copy of a message/);
  });

  it("a Tomcat drops a copy with a positive acknowledgement and one line in its log", async () => {
    const id = newId();
    const body = seal(sessionCreated(MANAGER, id, Date.now(), Date.now()), Date.now());
    assert.equal(await raw.send(body), "ACK");
    assert.equal(replaysSeenBy(tomcat), 0);
    assert.equal(await raw.send(body), "ACK");
    await eventually(
      () => replaysSeenBy(tomcat),
      (seen) => seen === 1,
    );
  });

  it("with a clock that is off by more than replayWindowTime, neither takes what the other sends; ours says so, with FAIL_ACK", async () => {
    const made = await ask(tomcat.url, "op=set&k=k&v=string");
    const id = idIn(made.cookie);
    assert.equal(worker.find(id).getAttribute("k"), "Größe €");
    for (const [index, offMs] of [11_000, -11_000].entries()) {
      const seenByTomcat = replaysSeenBy(tomcat);
      shiftMs = offMs;
      await ask(tomcat.url, "op=set&k=k&v=integer", made.cookie);
      assert.equal(worker.find(id).getAttribute("k"), "Größe €");
      // A Tomcat repeats what was answered with FAIL_ACK once, with the same bytes and the same unique id: remembered, not decrypted.
      assert.equal(await refused("clock_skew"), index + 1);
      const own = await worker.create((session) => session.setAttribute("k", 1));
      assert.equal(await held(tomcat.url, "k", cookieOf(own)), "no session");
      assert.ok(replaysSeenBy(tomcat) > seenByTomcat, "the Tomcat calls it a replay");
      shiftMs = 0;
    }
    assert.equal(linesOf("clock_skew").length, 1);
    assert.match(String(linesOf("clock_skew")[0]!.explanation), /set the clocks/);
    assert.match(tomcat.output, /RemoteProcessException: Received a failed ack/);
  });

  it("both go on as before when the clock is right again", async () => {
    const made = await ask(tomcat.url, "op=set&k=k&v=integer");
    assert.equal(worker.find(idIn(made.cookie)).getAttribute("k"), 42);
    const own = await worker.create((session) => session.setAttribute("k", 1));
    assert.equal(attributeIn(await held(tomcat.url, "k", cookieOf(own))), "java.lang.Integer 1");
  });
});

describe("a real Tomcat 10.1 and messages that come out of order", () => {
  for (const [count, taken] of [
    [2, false],
    [1_000_000, true],
  ] as const) {
    it(`${taken ? "takes" : "drops"} what was sent before others that came first, with replayWindowMessageCount="${count}"`, async () => {
      const tomcat = realTomcat(count);
      await tomcat.start();
      const raw = await RawSessionMember.start(RAW);
      try {
        await raw.connectTo(JAVA);
        const nowMs = Date.now();
        const announce = (id: string, sentMs: number) => raw.send(seal(sessionCreated(MANAGER, id, nowMs, nowMs), sentMs));
        for (let sent = 0; sent < 4; sent++) await announce(newId(), nowMs + sent);
        const late = newId();
        assert.equal(await announce(late, nowMs - 1), "ACK");
        assert.equal(await held(tomcat.url, "k", cookieOf(late)), taken ? `${late} null` : "no session");
        assert.equal(replaysSeenBy(tomcat), taken ? 0 : 1);
      } finally {
        await raw.stop();
        await tomcat.stop();
      }
    });
  }
});
