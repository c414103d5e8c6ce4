import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { BackupNode } from "../../../support/backup-node.ts";
import { MapGroup } from "../../../support/map-group.ts";

const MINUTE_MS = 60_000;

describe("BackupManager", () => {
  let group: MapGroup;
  let nodes: BackupNode[];
  let a: BackupNode;
  let b: BackupNode;

  beforeEach(async () => {
    group = new MapGroup();
    nodes = [];
    for (const name of [1, 2, 3]) nodes.push(await BackupNode.started(group, name));
    [a, b] = nodes as [BackupNode, BackupNode, BackupNode];
    group.sent = [];
  });

  const serving = (id: string) => nodes.filter(({ manager }) => [...manager.findSessions()].some((session) => session.id === id));
  const counts = () => nodes.map(({ manager }) => manager.describe().sessions);
  const primaries = () => nodes.map(({ manager }) => manager.describe().primarySessions);

  it("gives a session to one backup with its first attribute, and tells the others where it is (rules 8, 22)", async () => {
    const id = await a.create();
    assert.deepEqual([group.sent, counts()], [[], [1, 0, 0]]);
    assert.equal(await a.request(id, (session) => session.setAttribute("n", 1)), true);
    assert.deepEqual(group.sent, ["1>2 Backup", "1>3 Proxy"]);
    assert.deepEqual(
      [counts(), primaries()],
      [
        [1, 1, 0],
        [1, 0, 0],
      ],
    );
    assert.equal(serving(id).length, 2);
  });

  it("sends what a request changed to the backup alone, also what it changed in place, and nothing when nothing changed (rules 13, 14)", async () => {
    const id = await a.create((session) => session.setAttribute("cart", ["one"]));
    group.sent = [];
    await a.request(id, (session) => (session.getAttribute("cart") as string[]).push("two"));
    assert.deepEqual(group.sent, ["1>2 Backup diff"]);
    await a.request(id, (session) => void session.getAttribute("cart"));
    assert.deepEqual(group.sent, ["1>2 Backup diff"]);
    assert.deepEqual((await b.find(id)).getAttribute("cart"), ["one", "two"]);
  });

  it("asks a client to come again when no worker that has its session answers", async () => {
    const id = await a.create((session) => session.setAttribute("n", 1));
    group.lose = (line) => line.startsWith("3>") && line.includes("Retrieve");
    await assert.rejects(nodes[2]!.find(id), { code: "SESSION_UNREACHABLE", status: 503, headers: { "Retry-After": "1" } });
    group.lose = () => false;
    assert.equal((await nodes[2]!.find(id)).getAttribute("n"), 1);
  });

  it("tells the backup of a session that is only read, long before it would expire there (rule 13)", async () => {
    const id = await a.create((session) => session.setAttribute("n", 1));
    group.sent = [];
    await group.clock.advance(8 * MINUTE_MS);
    group.sent = [];
    await a.request(id);
    assert.deepEqual(
      group.sent.filter((line) => line.includes("Access")),
      ["1>2 Access"],
    );
  });

  it("finds a session on every worker by its stem, whatever route follows, and serves it there from then on (rules 16, 17)", async () => {
    const id = await a.create((session) => session.setAttribute("n", 1));
    for (const [index, node] of [...nodes, ...nodes].entries()) {
      await node.request(id.replace(/\..*/, `.any${index}`), (session) =>
        session.setAttribute("n", (session.getAttribute("n") as number) + 1),
      );
      await group.settle();
      assert.deepEqual(
        primaries(),
        nodes.map((other) => (other === node ? 1 : 0)),
      );
      assert.equal(
        counts().reduce((sum, count) => sum + count),
        2,
      );
    }
    assert.equal((await a.find(id)).getAttribute("n"), 7);
  });

  it("keeps what was changed here when another worker took the session over meanwhile (rule 13)", async () => {
    const id = await a.create((session) => session.setAttribute("n", 1));
    const session = await a.find(id);
    session.access();
    session.setAttribute("mine", "kept");
    await b.request(id, (theirs) => theirs.setAttribute("n", 2));
    await nodes[2]!.request(id, (theirs) => theirs.setAttribute("n", 3));
    assert.equal(await group.run(a.manager.requestCompleted(session)), true);
    session.endAccess();
    for (const node of nodes) {
      const now = await node.find(id);
      assert.deepEqual([now.getAttribute("n"), now.getAttribute("mine")], [3, "kept"]);
    }
  });

  it("gives up what a request changed whose client has gone when another worker has served the session since", async () => {
    const id = await a.create((session) => session.setAttribute("n", 1));
    const session = await a.find(id);
    session.access();
    session.setAttribute("n", 10);
    await nodes[2]!.request(id, (theirs) => theirs.setAttribute("n", 2));
    assert.equal(a.manager.requestAbandoned(session, { uses: 1 }), true);
    session.endAccess();
    assert.equal((await b.find(id)).getAttribute("n"), 2);
  });

  it("leads a client with an old id to the session for a minute, on every worker (rule 16)", async () => {
    const id = await a.create((session) => session.setAttribute("n", 1));
    const newId = a.manager.generateSessionId();
    a.manager.changeSessionId(await a.find(id), newId);
    await group.settle();
    for (const node of nodes) assert.equal((await node.find(id)).id, newId);
    await group.clock.advance(MINUTE_MS + 1);
    for (const node of nodes) {
      assert.equal(await group.run(node.manager.findSession(id)), undefined);
      assert.equal((await node.find(newId)).getAttribute("n"), 1);
    }
  });

  it("gives a session its new route on every worker, without a second entry, and a Tomcat the old one's removal first (rule 16)", async () => {
    const tomcat = await BackupNode.started(group, 4);
    const id = await a.create((session) => session.setAttribute("n", 1));
    const mixed = await BackupNode.started(group, 5, { kindOf: ({ address }) => (address.endsWith(".4") ? "Tomcat" : "ours") });
    const session = await mixed.find(id);
    group.sent = [];
    mixed.manager.changeSessionId(session, id.replace(".n1", ".n5"));
    await group.settle();
    assert.deepEqual(
      group.sent.filter((line) => line.includes("Remove")),
      ["5>4 Remove"],
    );
    assert.ok(group.sent.indexOf("5>4 Remove") === 0);
    for (const node of [...nodes, mixed]) assert.equal((await node.find(id)).id, id.replace(".n1", ".n5"));
    assert.equal(tomcat.manager.describe().sessions <= 1, true);
  });

  it("keeps every session when its worker, or its backup, is killed, and finds another backup (rules 8, 11)", async () => {
    const ids: string[] = [];
    for (const node of nodes) ids.push(await node.create((session) => session.setAttribute("n", node.name)));
    await group.kill(1);
    await group.settle();
    nodes.shift();
    assert.deepEqual(counts(), [3, 3]);
    assert.deepEqual(
      nodes.map(({ manager }) => manager.sessionsAtRisk),
      [0, 0],
    );
    for (const [index, id] of ids.entries()) assert.equal((await b.find(id)).getAttribute("n"), String(index + 1));
  });

  it("counts a change that nobody else has, and gives it to whoever comes (rules 8, 11)", async () => {
    for (const name of [2, 3]) await group.kill(name);
    const session = a.manager.createSession();
    session.access();
    session.setAttribute("n", 1);
    assert.equal(await group.run(a.manager.requestCompleted(session)), false);
    session.endAccess();
    assert.equal(a.manager.sessionsAtRisk, 1);
    const late = await BackupNode.started(group, 5);
    await group.settle();
    assert.equal(a.manager.sessionsAtRisk, 0);
    assert.equal((await late.find(session.id)).getAttribute("n"), 1);
  });

  it("answers before the backup has acknowledged when it is told to, and no more from SIGTERM on (rules 9, 18)", async () => {
    const eager = await BackupNode.started(group, 4, { asynchronous: true });
    const session = eager.manager.createSession();
    session.access();
    session.setAttribute("n", 1);
    group.sent = [];
    assert.equal(eager.manager.requestCompleted(session), true);
    assert.deepEqual(group.sent, ["4>1 Backup"]);
    eager.manager.switchToSynchronous();
    session.setAttribute("n", 2);
    assert.ok(eager.manager.requestCompleted(session) instanceof Promise);
  });

  it("leaves its sessions to their backups when it stops (rule 18)", async () => {
    const id = await a.create((session) => session.setAttribute("n", 1));
    await group.run(a.manager.stop());
    await group.settle();
    assert.deepEqual(
      [b, nodes[2]!].map(({ manager }) => manager.describe().primarySessions),
      [1, 0],
    );
    assert.deepEqual(
      [b, nodes[2]!].map(({ manager }) => manager.describe().sessions),
      [1, 1],
    );
    assert.equal((await nodes[2]!.find(id)).getAttribute("n"), 1);
  });

  it("ends a session everywhere when an application ends it, also one that another worker has taken over", async () => {
    const id = await a.create((session) => session.setAttribute("n", 1));
    const session = await a.find(id);
    session.access();
    await nodes[2]!.request(id, (theirs) => theirs.setAttribute("n", 2));
    session.invalidate();
    await group.settle();
    for (const node of nodes) assert.equal(await group.run(node.manager.findSession(id)), undefined);
    assert.deepEqual(counts(), [0, 0, 0]);
  });

  it("ends a session everywhere when it has expired where it was served", async () => {
    const id = await a.create((session) => {
      session.setAttribute("n", 1);
      session.maxInactiveInterval = 60;
    });
    await group.clock.advance(MINUTE_MS + 1);
    for (let run = 0; run < 6; run++) for (const { manager } of nodes) manager.backgroundProcess();
    await group.settle();
    assert.deepEqual(counts(), [0, 0, 0]);
    assert.equal(await group.run(b.manager.findSession(id)), undefined);
  });
});
