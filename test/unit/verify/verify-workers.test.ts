import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { reportText, verifyWorkers } from "../../../src/verify/index.ts";

const CONTEXT = "localhost#/app";

interface FakeSession {
  version: number;
  content: string;
}

/** The pages of one worker. */
class FakeWorker {
  readonly url: string;
  readonly member: string;
  state = "serving";
  members: { name: string; state: string; kind?: string }[] = [];
  sessions = new Map<string, FakeSession>();
  pageSize = 2;
  stateTransferred = true;
  hasContext = true;
  failure: Error | undefined;
  /** Before each listing of sessions. */
  beforeList: () => void = () => undefined;

  constructor(number: number) {
    this.url = `http://127.0.5.${number}:9090`;
    this.member = `tcp://127.0.5.${number}:4000`;
  }

  answer(url: URL): unknown {
    if (this.failure) throw this.failure;
    if (!url.searchParams.has("sessions")) return this.#cluster();
    assert.equal(url.searchParams.get("sessions"), CONTEXT);
    const after = url.searchParams.get("after") ?? "";
    if (after === "") this.beforeList();
    const all = [...this.sessions].filter(([id]) => id > after).sort(([one], [other]) => (one < other ? -1 : 1));
    const shown = all.slice(0, this.pageSize);
    const next = all.length > shown.length ? { next: shown.at(-1)![0] } : {};
    return { contextName: CONTEXT, sessions: shown.map(([id, session]) => ({ id, ...session })), ...next };
  }

  #cluster(): unknown {
    const contents = JSON.stringify([...this.sessions].map(([id, { content }]) => [id, content]).sort());
    const versions = JSON.stringify([...this.sessions].map(([id, { version }]) => [id, version]).sort());
    const manager = {
      ...{ contextName: CONTEXT, sessions: this.sessions.size, sessionsAtRisk: 0, stateTransferred: this.stateTransferred },
      ...{ digest: contents, versionDigest: versions },
    };
    return { state: this.state, localMember: this.member, members: this.members, managers: this.hasContext ? [manager] : [] };
  }
}

let workers: [FakeWorker, FakeWorker, FakeWorker];
let pauses: number;

beforeEach(() => {
  pauses = 0;
  workers = [new FakeWorker(2), new FakeWorker(3), new FakeWorker(4)];
  for (const worker of workers) {
    for (const other of workers) if (other !== worker) worker.members.push({ name: other.member, state: "Alive", kind: "ours" });
    for (let n = 0; n < 5; n++) worker.sessions.set(`000000000000000${n}`, { version: n, content: `c${n}` });
  }
});

function verify() {
  const getText = async (url: string) => {
    const parsed = new URL(url);
    const worker = workers.find((candidate) => candidate.url === parsed.origin)!;
    return JSON.stringify(worker.answer(parsed));
  };
  const pause = async () => {
    pauses++;
  };
  return verifyWorkers({ getText, pause }, { urls: workers.map(({ url }) => url), settleMs: 500 });
}

describe("verifyWorkers", () => {
  it("finds workers equal that know each other and hold the same, without a look at single sessions", async () => {
    for (const worker of workers) worker.beforeList = () => assert.fail("digests are equal");
    const result = await verify();
    assert.equal(result.equal, true);
    assert.deepEqual(result.differences, []);
    assert.deepEqual(
      result.contexts.map(({ name, equal }) => [name, equal]),
      [[CONTEXT, true]],
    );
    assert.match(reportText(result), /^Equal\nlocalhost#\/app:\n {2}http:\/\/127\.0\.5\.2:9090 {2}5 sessions, 0 at risk/);
  });

  it("lists sessions of all pages that differ, by content, by version and by absence", async () => {
    const [a, b, c] = workers;
    a.sessions.get("0000000000000001")!.content = "other";
    b.sessions.get("0000000000000003")!.version = 7;
    c.sessions.delete("0000000000000004");
    const result = await verify();
    assert.equal(result.equal, false);
    assert.deepEqual(
      result.differences.map((difference) => difference.kind === "Session" && [difference.session, Object.values(difference.copies)]),
      [
        [
          "0000000000000001",
          [
            { version: 1, content: "other" },
            { version: 1, content: "c1" },
            { version: 1, content: "c1" },
          ],
        ],
        [
          "0000000000000003",
          [
            { version: 3, content: "c3" },
            { version: 7, content: "c3" },
            { version: 3, content: "c3" },
          ],
        ],
        ["0000000000000004", [{ version: 4, content: "c4" }, { version: 4, content: "c4" }, null]],
      ],
    );
    assert.match(reportText(result), /^3 differences:\n.*session 0000000000000001: .*has version 1 \(other\)/);
    assert.match(reportText(result), /127\.0\.5\.4:9090 has none/);
    assert.equal(pauses, 2);
  });

  it("does not call different what is only under way", async () => {
    const [a, b] = workers;
    a.sessions.get("0000000000000001")!.content = "newer";
    b.sessions.get("0000000000000002")!.content = "settles first";
    let looks = 0;
    a.beforeList = () => {
      looks++;
      if (looks === 2) {
        b.sessions.get("0000000000000002")!.content = "c2";
        a.sessions.get("0000000000000003")!.content = "changes now";
      }
      if (looks === 3) for (const worker of workers) worker.sessions.get("0000000000000001")!.content = "newer";
    };
    const result = await verify();
    assert.deepEqual(result.differences, []);
    assert.equal(looks, 3);
  });

  it("asks nothing of versions in a group with a Tomcat, which counts none", async () => {
    workers[0].sessions.get("0000000000000001")!.version = 9;
    assert.equal((await verify()).equal, false);
    for (const worker of workers) worker.members.push({ name: "tcp://10.0.0.9:4000", state: "Alive", kind: "Tomcat" });
    assert.equal((await verify()).equal, true);
  });

  it("names workers that do not answer, do not serve, or do not know a member", async () => {
    const [a, b, c] = workers;
    a.failure = new Error("connect ECONNREFUSED");
    b.state = "draining";
    b.members = [];
    c.members[1]!.state = "Suspect";
    const { differences } = await verify();
    assert.deepEqual(differences, [
      { kind: "NotAnswering", worker: a.url, problem: `"${a.url}" does not answer: connect ECONNREFUSED` },
      { kind: "NotServing", worker: b.url, state: "draining" },
      { kind: "UnknownMember", worker: b.url, member: c.member },
      { kind: "UnknownMember", worker: b.url, member: a.member },
      { kind: "SuspectMember", worker: c.url, member: b.member },
    ]);
  });

  it("names workers without the context, or without its sessions yet", async () => {
    workers[1].hasContext = false;
    workers[2].stateTransferred = false;
    assert.deepEqual((await verify()).differences, [
      { kind: "MissingContext", worker: workers[1].url, context: CONTEXT },
      { kind: "StateNotTransferred", worker: workers[2].url, context: CONTEXT },
    ]);
  });

  it("says when something else than a worker answers", async () => {
    const result = await verifyWorkers(
      { getText: async () => '{"hello":1}', pause: async () => undefined },
      { urls: ["http://127.0.0.1:1"], settleMs: 1 },
    );
    assert.match(
      reportText(result),
      /^1 difference:\n {2}"http:\/\/127\.0\.0\.1:1" does not answer as the management port of a worker does/,
    );
  });

  for (const url of ["127.0.0.1:9090", "ftp://a", "http//x", ""]) {
    it(`refuses "${url}" as an address`, async () => {
      const deps = { getText: async () => "", pause: async () => undefined };
      await assert.rejects(verifyWorkers(deps, { urls: [url], settleMs: 1 }), { code: "INVALID_URL" });
    });
  }
});
