// tomcat-cluster verify against real workers.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, it } from "node:test";
import type { EncryptionDescription } from "../../src/channel/describe-channel.ts";
import type { Verification } from "../../src/verify/index.ts";
import { ENTRY, LocalRun, ManifestFolder } from "../support/local-cluster.ts";
import { SessionClient } from "../support/session-client.ts";

const SESSIONS = 20;

function verify(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [ENTRY, "verify", ...args], { timeout: 30_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe("tomcat-cluster verify", () => {
  const folder = new ManifestFolder();
  let run: LocalRun;
  let urls: string[];

  before(async () => {
    run = new LocalRun(folder.addShop().writeManifest({ replicas: 3, replication: { mode: "Synchronous" } }).manifest, ["--no-restart"]);
    const { url, workers } = await run.ready();
    urls = workers.map(({ management }) => management);
    for (let n = 0; n < SESSIONS; n++) await new SessionClient(url).hit("POST");
  });
  after(async () => {
    await run.dispose();
    folder.remove();
  });

  it("finds that workers hold the same, with exit code 0", async () => {
    const { code, stdout, stderr } = await verify([...urls, "--json"]);
    assert.equal(code, 0, stdout + stderr);
    const result = JSON.parse(stdout) as Verification;
    assert.deepEqual([result.equal, result.differences], [true, []]);
    assert.deepEqual(
      result.contexts.map(({ name, workers }) => [name, workers.map(({ sessions, sessionsAtRisk }) => [sessions, sessionsAtRisk])]),
      [["localhost#/shop", [0, 1, 2].map(() => [SESSIONS, 0])]],
    );
    assert.equal(new Set(result.contexts[0]!.workers.map(({ digest }) => digest)).size, 1);
  });

  it("is served by pages that show members, lag, queues and digest, and by a metric", async () => {
    const page = (await (await fetch(`${urls[0]}/cluster?digest`)).json()) as Record<string, unknown> & { managers: unknown[] };
    assert.equal((page.members as unknown[]).length, 2);
    assert.deepEqual(
      (page.peers as { lagging: boolean; sessionsBehind: number }[]).map(({ lagging, sessionsBehind }) => [lagging, sessionsBehind]),
      [
        [false, 0],
        [false, 0],
      ],
    );
    assert.equal(page.queueBytes, 0);
    const { sending, accepted } = page.encryption as EncryptionDescription;
    assert.match(sending.id, /^[0-9a-f]{8}$/);
    assert.deepEqual(accepted, [sending]);
    assert.partialDeepStrictEqual(page.managers, [{ contextName: "localhost#/shop", sessionsAtRisk: 0, receivedQueueSize: 0 }]);
    assert.match(JSON.stringify(page.managers), /"digest":"[0-9a-f]{16}","versionDigest":"[0-9a-f]{16}"/);
    assert.match(await (await fetch(`${urls[0]}/metrics`)).text(), /^tomcatcluster_sessions_at_risk\{context="localhost#\/shop"\} 0$/m);
  });

  it("refuses to list what is not there, or too much at once", async () => {
    const unknown = await fetch(`${urls[0]}/cluster?sessions=nowhere`);
    assert.deepEqual([unknown.status, await unknown.text()], [404, 'No replicated context "nowhere" here. Known: "localhost#/shop"\n']);
    const endless = await fetch(`${urls[0]}/cluster?sessions=localhost%23/shop&limit=1e9`);
    assert.equal(endless.status, 400);
  });

  it("names a worker that is gone, with exit code 1", async () => {
    const victim = (await run.ready()).workers[2]!;
    const mark = run.events.length;
    process.kill(victim.pid, "SIGKILL");
    await run.waitFor("workerExited", ({ name }) => name === victim.name, { after: mark });
    const { code, stdout } = await verify(urls);
    assert.equal(code, 1);
    assert.match(stdout, /differences?:\n {2}"http:\/\/127\.0\.\d+\.4:9090" does not answer: connect ECONNREFUSED/);
  });
});
