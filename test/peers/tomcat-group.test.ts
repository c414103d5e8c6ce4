// A real Apache Tomcat 10.1 and workers of ours without HTTP, in this process: who becomes a member when, who gives whom its sessions.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import { MemoryLog } from "../support/memory-log.ts";
import { RawSessionMember } from "../support/raw-session-member.ts";
import { ReplicatedWorker, type ReplicatedWorkerOptions } from "../support/replicated-worker.ts";
import { ScriptedResolver } from "../support/scripted-resolver.ts";
import { ask, eventually, held, hit, idIn } from "../support/session-requests.ts";
import { RealTomcat, type TomcatOptions } from "../support/tomcat.ts";

const A = "127.0.86.2";
const B = "127.0.86.3";
const JAVA = "127.0.86.4";
const SILENT = "127.0.86.5";
const HEARTBEAT_MS = 500;
const BLOCK_BYTES = 1_048_576;

const cookieOf = (id: string) => `JSESSIONID=${id}`;

describe("a real Tomcat 10.1 and workers of ours", () => {
  let resolver: ScriptedResolver;
  let running: { stop(): Promise<void> }[];

  beforeEach(() => {
    resolver = new ScriptedResolver();
    resolver.found(A, B, JAVA);
    running = [];
  });
  afterEach(async () => {
    for (const one of running.toReversed()) await one.stop();
  });

  const newWorker = (address: string, options: Partial<ReplicatedWorkerOptions> = {}) => {
    const worker = new ReplicatedWorker({ address, port: 4000, resolver, heartbeatSleepMs: HEARTBEAT_MS, ...options });
    running.push(worker);
    return worker;
  };
  const startWorker = async (address: string, options: Partial<ReplicatedWorkerOptions> = {}) => {
    const worker = newWorker(address, options);
    await worker.start();
    return worker;
  };
  const startTomcat = async (members: readonly string[], options: Partial<TomcatOptions> = {}) => {
    const listed = { members, httpPort: 8080, receiverPort: 4000, channelSendOptions: 6, heartbeatMs: HEARTBEAT_MS };
    const tomcat = new RealTomcat({ name: "java", address: JAVA, ...listed, ...options });
    running.push(tomcat);
    await tomcat.start();
    return tomcat;
  };
  const stopped = async (one: { stop(): Promise<void> }) => {
    running.splice(running.indexOf(one), 1);
    await one.stop();
  };
  const membersOf = async (tomcat: RealTomcat) => (await ask(tomcat.url, "op=members")).text;
  const addressesAt = (worker: ReplicatedWorker) => worker.channel.members.map(({ address }) => address);

  it("a joiner's hello makes it a member of a Tomcat whose DNS does not list it, before it has the state, and it stays one (rule 4)", async () => {
    const tomcat = await startTomcat([JAVA]);
    resolver.found(A, JAVA);
    const worker = newWorker(A);
    await worker.cluster.start();
    await worker.channel.hello.everyMemberAnswered();
    assert.deepEqual(
      worker.channel.members.map((member) => [member.address, worker.channel.hello.kindOf(member)]),
      [[JAVA, "Tomcat"]],
    );
    assert.equal(await membersOf(tomcat), A);
    const made = await ask(tomcat.url, "op=set&k=k&v=string");
    await worker.manager.start();
    assert.equal(worker.find(idIn(made.cookie)).getAttribute("k"), "Größe €");
    // Its DNS would have dropped it with the second heartbeat, but it answers the probes of the TcpFailureDetector.
    await pause(4 * HEARTBEAT_MS);
    assert.equal(await membersOf(tomcat), A);
  });

  it("a Tomcat that joins greets nobody: its first message makes it a member, once DNS lists it (rules 4, 20)", async () => {
    resolver.found(A);
    const worker = await startWorker(A, { refreshMs: 60_000 });
    const id = await worker.create((session) => session.setAttribute("k", "here before"));
    resolver.found(A, JAVA);
    const tomcat = await startTomcat([A, JAVA]);
    assert.deepEqual(addressesAt(worker), [JAVA]);
    await worker.channel.hello.everyMemberAnswered();
    assert.equal(worker.channel.hello.kindOf(worker.channel.members[0]!), "Tomcat");
    assert.equal(await held(tomcat.url, "k", cookieOf(id)), `${id} java.lang.String here before`);
  });

  it("a worker's good-bye does nothing to a Tomcat: it takes the worker out when it finds nobody there (rule 18)", async () => {
    resolver.found(A, JAVA);
    const tomcat = await startTomcat([A, JAVA]);
    const worker = await startWorker(A);
    await worker.channel.hello.everyMemberAnswered();
    assert.equal(await membersOf(tomcat), A);
    await stopped(worker);
    await ask(tomcat.url, "op=set&k=k&v=string");
    assert.equal(await membersOf(tomcat), "");
    assert.match(tomcat.output, /Received member disappeared/);
  });

  it("a Tomcat that stops says nothing: it is suspect after a send that fails, and gone when DNS drops it (rules 2, 18)", async () => {
    resolver.found(A, JAVA);
    const worker = await startWorker(A);
    const tomcat = await startTomcat([A, JAVA]);
    await worker.channel.hello.everyMemberAnswered();
    await stopped(tomcat);
    assert.deepEqual(addressesAt(worker), [JAVA]);
    await worker.create((session) => session.setAttribute("k", 1));
    await eventually(
      () => worker.channel.suspects.map(({ address }) => address),
      ([address]) => address === JAVA,
    );
    assert.deepEqual(addressesAt(worker), []);
    resolver.found(A);
    await eventually(
      () => worker.channel.suspects.length,
      (suspects) => suspects === 0,
    );
  });

  it("a worker gets every session of a Tomcat that sends them in blocks, and is ready only then (rule 6)", async () => {
    resolver.found(A, JAVA);
    const managerAttributes = 'sendAllSessions="false" sendAllSessionsSize="2" sendAllSessionsWaitTime="50"';
    const tomcat = await startTomcat([A, JAVA], { managerAttributes });
    const ids: string[] = [];
    for (let count = 0; count < 9; count++) ids.push(idIn((await ask(tomcat.url, "op=set&k=k&v=linkedmap")).cookie));
    const worker = await startWorker(A);
    assert.equal(worker.manager.stateTransferred, true);
    for (const id of ids) assert.deepEqual(worker.find(id).getAttribute("k"), { name: "shop", items: ["apple", "pear"] });
  });

  it("a Tomcat gets every session of a worker that sends them in several blocks (rule 6)", async () => {
    resolver.found(A, JAVA);
    const worker = await startWorker(A);
    const ids: string[] = [];
    while (ids.length * 2048 < 2.5 * BLOCK_BYTES) {
      ids.push(await worker.create((session) => session.setAttribute("k", `${ids.length} ${"x".repeat(2048)}`)));
    }
    const tomcat = await startTomcat([A, JAVA]);
    const lines = (await ask(tomcat.url, "op=all&k=k")).text.trim().split("\n");
    const numbers = new Map(lines.map((line) => [line.split(" ")[0], line.split(" ")[2]]));
    assert.deepEqual(
      ids.filter((id, index) => numbers.get(id) !== String(index)),
      [],
    );
  });

  it("a worker whose application no Tomcat has starts empty, and so does a Tomcat whose application no worker has (rule 5)", async () => {
    resolver.found(A, JAVA);
    const log = new MemoryLog();
    const worker = await startWorker(A, { contextName: "localhost#/ours", logger: log.logger });
    // Were it not answered, it would wait for a minute.
    const tomcat = await startTomcat([A, JAVA]);
    assert.match(tomcat.output, /'No matching context manager' message was received/);
    await stopped(worker);
    const other = await startWorker(A, { contextName: "localhost#/ours", logger: log.logger });
    assert.equal(other.manager.stateTransferred, true);
    const answers = log.lines.filter(({ msg }) => msg === "Member has no state to give").map(({ member, answer }) => [member, answer]);
    assert.deepEqual(answers, [[`tcp://${JAVA}:4000`, "None"]]);
  });

  it("a Tomcat that asked a worker which was starting serves at once, and has the sessions when that worker has them (rule 5)", async () => {
    const silent = await RawSessionMember.start(SILENT);
    running.push(silent);
    resolver.found(A, B);
    const donor = await startWorker(A);
    const id = await donor.create((session) => session.setAttribute("k", "kept"));
    // It answers probes, but no hello: whoever joins waits for it.
    resolver.found(A, B, SILENT);
    const joiner = newWorker(B);
    let started = false;
    const start = joiner.start().then(() => {
      started = true;
    });
    await eventually(
      () => joiner.channel.members.length,
      (members) => members === 2,
    );
    resolver.found(A, B, SILENT, JAVA);
    const tomcat = await startTomcat([JAVA, B]);
    assert.match(tomcat.output, /'No matching context manager' message was received/);
    assert.deepEqual([started, await held(tomcat.url, "k", cookieOf(id))], [false, "no session"]);
    await stopped(silent);
    await start;
    await eventually(
      () => held(tomcat.url, "k", cookieOf(id)),
      (text) => text === `${id} java.lang.String kept`,
    );
  });

  it("a worker waits for a Tomcat that does not answer, and has its sessions when it does (rules 3, 5)", async () => {
    resolver.found(A, JAVA);
    const tomcat = await startTomcat([A, JAVA]);
    const made = await ask(tomcat.url, "op=set&k=k&v=string");
    process.kill(tomcat.pid, "SIGSTOP");
    const worker = newWorker(A);
    let started = false;
    const start = worker.start().then(() => {
      started = true;
    });
    await pause(3000);
    assert.equal(started, false);
    assert.equal(worker.manager.stateTransferred, false);
    process.kill(tomcat.pid, "SIGCONT");
    await start;
    assert.equal(worker.find(idIn(made.cookie)).getAttribute("k"), "Größe €");
  });

  it("a worker has the last of many quick changes, although an asynchronous Tomcat sends them in any order (rule 10)", async () => {
    resolver.found(A, JAVA);
    const worker = await startWorker(A, { channelSendOptions: 8 });
    const tomcat = await startTomcat([A, JAVA], { channelSendOptions: 8 });
    const last = new Map<string, number>();
    const visit = async () => {
      let [cookie, n] = ["", 0];
      for (let count = 0; count < 10; count++) ({ n, cookie } = await hit(tomcat.url, cookie));
      last.set(idIn(cookie), n);
    };
    for (let round = 0; round < 15; round++) await Promise.all(Array.from({ length: 20 }, visit));
    const wrong = () => [...last].filter(([id, n]) => worker.manager.sessionWithId(id)?.getAttribute("n") !== n);
    await eventually(wrong, (sessions) => sessions.length === 0, 5000);
  });

  it("a Tomcat has the last of many quick changes of every session, whatever the channelSendOptions of ours (rule 10)", async () => {
    resolver.found(A, JAVA);
    const tomcat = await startTomcat([A, JAVA]);
    for (const channelSendOptions of [6, 8, 10]) {
      const worker = await startWorker(A, { channelSendOptions });
      const ids: string[] = [];
      const visit = async () => {
        const id = await worker.create((session) => session.setAttribute("n", 0));
        ids.push(id);
        for (let n = 1; n <= 20; n++) {
          await worker.request(id, (session) => session.setAttribute("n", n));
          if (n === 10) worker.manager.changeSessionId(worker.find(id), id.replace(".", "B."));
          await nextTurn();
        }
      };
      for (let round = 0; round < 15; round++) await Promise.all(Array.from({ length: 20 }, visit));
      const wrong = async () => {
        const lines = (await ask(tomcat.url, "op=all&k=n")).text.trim().split("\n");
        const counts = new Map(lines.map((line) => [line.split(" ")[0], line.split(" ")[2]]));
        return ids.filter((id) => counts.get(id.replace(".", "B.")) !== "20");
      };
      if (channelSendOptions === 6) assert.deepEqual(await wrong(), []);
      else await eventually(wrong, (sessions) => sessions.length === 0, 5000);
      await stopped(worker);
    }
  });
});
