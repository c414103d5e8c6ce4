// Encrypted groups of a real Apache Tomcat 10.1 and two workers of ours (rule 21).
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { ChannelEncryption } from "../support/encrypted-interceptors.ts";
import { ask, held, hit } from "../support/session-requests.ts";
import { TestWorkers } from "../support/test-workers.ts";
import { GROUP_NAME, RealTomcat } from "../support/tomcat.ts";

const MEMBERS = ["127.0.83.2", "127.0.83.3", "127.0.83.4"];
const JAVA = MEMBERS[2]!;
const KEY = "00112233445566778899aabbccddeeff";
const OTHER_KEY = "ffeeddccbbaa99887766554433221100";
const SYNCHRONOUS = 6;
/** What a Tomcat logs of a message that it drops. */
const REFUSED_BY_TOMCAT = /Failed to decrypt message/;
/** With another key nobody answers a Tomcat, and it starts when this is over. */
const STATE_TRANSFER_TIMEOUT_SECONDS = 5;

/** Value of a counter in the text of /metrics; 0 when it is not there. */
async function counter(address: string, line: string): Promise<number> {
  const text = await (await fetch(`http://${address}:9090/metrics`)).text();
  return Number(
    text
      .split("\n")
      .find((one) => one.startsWith(`${line} `))
      ?.slice(line.length + 1) ?? 0,
  );
}

function startWorkers(encryption: ChannelEncryption): Promise<TestWorkers> {
  return TestWorkers.start({
    addresses: MEMBERS.slice(0, 2),
    groupAddresses: MEMBERS,
    groupName: GROUP_NAME,
    channelSendOptions: SYNCHRONOUS,
    encryption,
  });
}

function realTomcat(encryption: ChannelEncryption): RealTomcat {
  return new RealTomcat({
    name: "java",
    address: JAVA,
    httpPort: 8080,
    receiverPort: 4000,
    members: MEMBERS,
    channelSendOptions: SYNCHRONOUS,
    stateTransferTimeoutSeconds: STATE_TRANSFER_TIMEOUT_SECONDS,
    heartbeatMs: 500,
    encryption,
  });
}

const ENCRYPTIONS: readonly ChannelEncryption[] = [
  { algorithm: "AES/GCM/NoPadding", key: KEY },
  { algorithm: "AES/GCM/NoPadding", key: KEY + OTHER_KEY },
  { algorithm: "AES/CBC/PKCS5Padding", key: KEY },
];

for (const encryption of ENCRYPTIONS) {
  describe(`a real Tomcat 10.1 and two workers of ours, ${encryption.algorithm}, ${encryption.key.length * 4} bits`, () => {
    let workers: TestWorkers;
    let tomcat: RealTomcat;

    before(async () => {
      workers = await startWorkers(encryption);
      tomcat = realTomcat(encryption);
      await tomcat.start();
      await workers.membersSeen(2);
    });

    after(async () => {
      await tomcat.stop();
      await workers.stop();
    });

    /** A Tomcat replicates after it has answered. */
    const seenInOurs = (index: number, cookie: string, end: string) =>
      workers.eventually(
        () => ask(workers.url(index), "op=peek&k=item", cookie),
        ({ text }) => text.endsWith(end),
      );

    it("serves a session of Tomcat in ours, its change in the other, and that in Tomcat", async () => {
      const made = await ask(tomcat.url, "op=set&k=item&v=linkedmap");
      const seen = await seenInOurs(0, made.cookie, 'Object {"name":"shop","items":["apple","pear"]}');
      const changed = await ask(workers.url(0), "op=set&k=item&v=string", seen.cookie);
      const seenAgain = await seenInOurs(1, changed.cookie, "string Größe €");
      assert.match((await ask(tomcat.url, "op=get&k=item", seenAgain.cookie)).text, /java\.lang\.String Größe €$/);
    });

    it("counts one session on in turn: ours, Tomcat, ours", async () => {
      let cookie = "";
      for (const [index, url] of [workers.url(0), tomcat.url, workers.url(1), tomcat.url, workers.url(0)].entries()) {
        if (index === 2 || index === 4) {
          await workers.eventually(
            () => ask(url, "op=peek&k=n", cookie),
            ({ text }) => text.endsWith(` ${index}`),
          );
        }
        const answer = await hit(url, cookie);
        assert.equal(answer.n, index + 1);
        cookie = answer.cookie;
      }
    });

    it("gives its sessions to a worker of ours and to a Tomcat that join later", async () => {
      const made = await ask(workers.url(1), "op=set&k=early&v=string");
      await workers.restart(0);
      const seen = await ask(workers.url(0), "op=peek&k=early", made.cookie);
      assert.match(seen.text, /string Größe €$/);
      await tomcat.stop();
      tomcat = realTomcat(encryption);
      await tomcat.start();
      assert.match((await ask(tomcat.url, "op=peek&k=early", seen.cookie)).text, /java\.lang\.String Größe €$/);
    });

    it("refuses nothing of what Tomcat sends, and Tomcat nothing of ours", async () => {
      for (const [index, address] of MEMBERS.slice(0, 2).entries()) {
        for (const reason of ["undecryptable", "old_format", "clock_skew", "replay", "forgotten", "too_short", "not_encrypted"]) {
          assert.equal(await counter(address, `tomcatcluster_channel_refused_messages_total{reason="${reason}"}`), 0, reason);
        }
        assert.doesNotMatch(workers.output(index), /Refused a message/);
      }
      assert.doesNotMatch(tomcat.output, REFUSED_BY_TOMCAT);
    });
  });
}

describe("a real Tomcat 10.1 with another key than two workers of ours", () => {
  let workers: TestWorkers;
  let tomcat: RealTomcat;

  before(async () => {
    workers = await startWorkers({ algorithm: "AES/GCM/NoPadding", key: KEY });
    tomcat = realTomcat({ algorithm: "AES/GCM/NoPadding", key: OTHER_KEY });
    await tomcat.start();
    await workers.membersSeen(2);
  });

  after(async () => {
    await tomcat.stop();
    await workers.stop();
  });

  it("exchanges no session with them, either way", async () => {
    const inJava = await ask(tomcat.url, "op=set&k=item&v=string");
    const inOurs = await ask(workers.url(0), "op=set&k=item&v=string");
    await workers.eventually(
      () => counter(MEMBERS[0]!, 'tomcatcluster_channel_refused_messages_total{reason="undecryptable"}'),
      (refused) => refused > 0,
    );
    assert.equal((await ask(workers.url(0), "op=peek&k=item", inJava.cookie)).text, "no session");
    assert.equal((await ask(workers.url(1), "op=peek&k=item", inJava.cookie)).text, "no session");
    assert.equal(await held(tomcat.url, "item", inOurs.cookie), "no session");
    assert.match(tomcat.output, REFUSED_BY_TOMCAT);
  });

  it("is named in our log with what to do, once in ten seconds", () => {
    const lines = workers
      .output(0)
      .split("\n")
      .filter((line) => line.includes("Refused a message on the encrypted channel"))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.ok(lines.length >= 1);
    assert.deepEqual([lines[0]!.level, lines[0]!.reason, lines[0]!.sender], ["warn", "undecryptable", `tcp://${JAVA}:4000`]);
    assert.match(String(lines[0]!.explanation), /another key/);
    const times = lines.map(({ time }) => Date.parse(String(time)));
    for (const [index, time] of times.slice(1).entries()) assert.ok(time - times[index]! >= 9_900, `after ${time - times[index]!} ms`);
    assert.equal(workers.output(0).includes(KEY) || workers.output(0).includes(OTHER_KEY), false, "no key in a log");
  });

  it("does no harm to the workers, which serve one another's sessions", async () => {
    const made = await ask(workers.url(0), "op=set&k=item&v=string");
    assert.match((await ask(workers.url(1), "op=peek&k=item", made.cookie)).text, /string Größe €$/);
    for (const address of MEMBERS.slice(0, 2)) assert.equal((await fetch(`http://${address}:9090/readyz`)).status, 200);
  });
});
