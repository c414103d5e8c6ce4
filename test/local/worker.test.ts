// The command `worker` on a folder laid out like a CATALINA_BASE, with a server.xml written by hand.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import { ENTRY, ManifestFolder } from "../support/local-cluster.ts";

const ADDRESS = "127.0.190.1";
const URL = `http://${ADDRESS}:8080`;

/** The Service's gracefulStopAwaitMillis below; what running requests get after it; what a busy machine may add. */
const DRAIN_MS = 3000;
const REQUEST_END_MS = 10_000;
const SLACK_MS = 5000;

const SERVER_XML = `<?xml version="1.0" encoding="UTF-8"?>
<Server port="-1" shutdown="SHUTDOWN">
  <Service name="Catalina" drainQuietMillis="300" gracefulStopAwaitMillis="3000">
    <Connector port="8080" protocol="HTTP/1.1" address="${ADDRESS}" connectionTimeout="20000" />
    <Engine name="Catalina" defaultHost="localhost" jvmRoute="\${WORKER_NAME}">
      <Host name="localhost" appBase="webapps" autoDeploy="true" />
    </Engine>
  </Service>
</Server>
`;

const APPLICATION = `export default (req, res) => {
  if (req.url === "/throw") setImmediate(() => { throw new Error("nobody catches this"); });
  if (req.url === "/reject") void Promise.reject(new Error("nobody awaits this"));
  if (req.url === "/silent") return;
  if (req.url === "/slow") return setTimeout(() => res.end("late"), 700);
  res.end(req.getSession(true).id);
};`;

class RunningWorker {
  readonly child: ChildProcess;
  stdout = "";
  stderr = "";

  constructor(base: string) {
    this.child = spawn(process.execPath, [ENTRY, "worker", "--base", base, "--management-address", ADDRESS], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, WORKER_NAME: "left" },
    });
    this.child.stdout!.on("data", (chunk) => {
      this.stdout += chunk;
    });
    this.child.stderr!.on("data", (chunk) => {
      this.stderr += chunk;
    });
  }

  async started(): Promise<void> {
    while (!this.stdout.includes('"Worker started"')) {
      const ended = once(this.child, "close").then(() => assert.fail(`the worker has ended: ${this.stderr}`));
      await Promise.race([once(this.child.stdout!, "data"), ended]);
    }
  }

  async end(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, "close");
    return this.child.exitCode;
  }
}

describe("worker", () => {
  let base: ManifestFolder;
  let workers: RunningWorker[];

  beforeEach(() => {
    base = new ManifestFolder().write("conf/server.xml", SERVER_XML).addApplication("app", APPLICATION);
    workers = [];
  });
  afterEach(async () => {
    for (const worker of workers) {
      worker.child.kill("SIGKILL");
      await worker.end();
    }
    base.remove();
  });

  function start(): RunningWorker {
    const worker = new RunningWorker(base.path);
    workers.push(worker);
    return worker;
  }

  it("serves the applications of its webapps/ under the route that its environment names", async () => {
    await start().started();
    const id = await (await fetch(`${URL}/app/`)).text();
    assert.match(id, /^[0-9A-F]{32}\.left$/);
    assert.equal((await fetch(`http://${ADDRESS}:9090/readyz`)).status, 200);
    assert.match(await (await fetch(`http://${ADDRESS}:9090/metrics`)).text(), /^tomcat_/m);
  });

  it("logs one JSON object a line", async () => {
    const worker = start();
    await worker.started();
    for (const line of worker.stdout.trim().split("\n")) assert.equal(typeof (JSON.parse(line) as { msg: unknown }).msg, "string");
  });

  it("answers what it has accepted and exits with 0 on SIGTERM", async () => {
    const worker = start();
    await worker.started();
    const answer = fetch(`${URL}/app/slow`).then((response) => response.text());
    await new Promise((resolve) => setTimeout(resolve, 100));
    worker.child.kill("SIGTERM");
    assert.equal(await answer, "late");
    assert.equal(await worker.end(), 0);
    assert.equal(worker.stderr, "");
  });

  it("stops in good order and exits with 1 after an error that application code does not catch", async () => {
    const worker = start();
    await worker.started();
    const slow = fetch(`${URL}/app/slow`).then((response) => response.text());
    await fetch(`${URL}/app/throw`);
    assert.equal(await slow, "late");
    assert.equal(await worker.end(), 1);
    assert.match(worker.stdout, /"level":"fatal".*nobody catches this/);
  });

  it("takes a rejection that nobody handles as such an error", async () => {
    const worker = start();
    await worker.started();
    await fetch(`${URL}/app/reject`);
    assert.equal(await worker.end(), 1);
    assert.match(worker.stdout, /"level":"fatal".*nobody awaits this/);
  });

  it("ends in time, with 0, though a request is never answered", async () => {
    const worker = start();
    await worker.started();
    const unanswered = assert.rejects(fetch(`${URL}/app/silent`));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const toldMs = performance.now();
    worker.child.kill("SIGTERM");
    assert.equal(await worker.end(), 0);
    const tookMs = performance.now() - toldMs;
    assert.ok(tookMs < DRAIN_MS + REQUEST_END_MS + SLACK_MS, `it took ${tookMs} ms`);
    await unanswered;
    assert.match(worker.stdout, /"requests":1,"msg":"Running requests are cut"/);
  });

  it("tells before its deadline that it is about to stop, and loses no request of who heeds that (rule 18)", async () => {
    const worker = start();
    await worker.started();
    worker.child.kill("SIGTERM");
    const states = new Set<string | null>();
    while (!states.has("stopping")) {
      assert.equal((await fetch(`${URL}/app/`, { method: "POST" })).status, 200);
      states.add((await fetch(`http://${ADDRESS}:9090/readyz`)).headers.get("x-tomcat-cluster-state"));
    }
    assert.equal(await worker.end(), 0);
    assert.deepEqual([...states].slice(-2), ["draining", "stopping"]);
  });

  it("tells what to put where when there is no application", async () => {
    base.write("conf/server.xml", SERVER_XML.replace('appBase="webapps"', 'appBase="nothing"'));
    const worker = start();
    await worker.started();
    const answer = await fetch(`${URL}/`);
    assert.equal(answer.status, 200);
    assert.match(await answer.text(), /found no web application.*package\.json.*\/nothing/s);
    assert.equal((await fetch(`http://${ADDRESS}:9090/readyz`)).status, 200);
  });

  it("says that the management port is in use, and what to do", async () => {
    const other = createServer().listen(9090, ADDRESS);
    await once(other, "listening");
    const worker = start();
    assert.equal(await worker.end(), 1);
    assert.match(worker.stderr, /^The management port cannot be opened on "127\.0\.190\.1:9090": another process has it; .*\n$/);
    other.close();
  });

  it("says which port is in use", async () => {
    const other = createServer().listen(8080, ADDRESS);
    await once(other, "listening");
    const worker = start();
    assert.equal(await worker.end(), 1);
    assert.match(worker.stderr, /127\.0\.190\.1.*8080|8080.*127\.0\.190\.1/);
    assert.match(worker.stderr, /in use/);
    assert.doesNotMatch(worker.stderr, /\n\s+at /);
    other.close();
  });

  const badFiles = [
    {
      what: "an unknown class",
      text: SERVER_XML.replace("<Host ", '<Valve className="org.example.MyValve"/><Host '),
      message: /server\.xml:6:\d+.*org\.example\.MyValve/s,
    },
    {
      what: "an unknown attribute",
      text: SERVER_XML.replace("autoDeploy", "autoDeplay"),
      message: /server\.xml:6:\d+.*autoDeplay.*autoDeploy/s,
    },
    { what: "malformed XML", text: SERVER_XML.replace("</Engine>", ""), message: /server\.xml:\d+:\d+/ },
    {
      what: "an attribute that stands twice",
      text: SERVER_XML.replace('autoDeploy="true"', 'autoDeploy="true" autoDeploy="false"'),
      message: /server\.xml:6:\d+.*"autoDeploy" stands twice in <Host>/,
    },
    {
      what: "a port that does not exist",
      text: SERVER_XML.replace('"8080"', '"70000"'),
      message: /server\.xml:4:\d+.*"70000".*0 to 65535/,
    },
    {
      what: "a document type",
      text: SERVER_XML.replace("<Server", '<!DOCTYPE Server [<!ENTITY x SYSTEM "/etc/passwd">]><Server'),
      message: /server\.xml:2:\d+.*DOCTYPE/,
    },
    { what: "an entity", text: SERVER_XML.replace('"Catalina"', '"&x;"'), message: /server\.xml:3:\d+.*entity/ },
    { what: "a file without an element", text: "", message: /server\.xml:1:1: .*no element/ },
    { what: "a variable that is not set", text: SERVER_XML.replace("WORKER_NAME", "NO_SUCH_NAME"), message: /NO_SUCH_NAME/ },
  ];
  for (const { what, text, message } of badFiles) {
    it(`refuses ${what} in server.xml with its place, before anything listens`, async () => {
      base.write("conf/server.xml", text);
      const worker = start();
      assert.equal(await worker.end(), 1);
      assert.match(worker.stderr, message);
      assert.doesNotMatch(worker.stderr, /\n\s+at /);
    });
  }
});
