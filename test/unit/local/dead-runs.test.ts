import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { markRunFolder, removeDeadRuns } from "../../../src/local/dead-runs.ts";

const RUNNING = 10;
const GONE = 11;

describe("removeDeadRuns", () => {
  let parent: string;

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), "dead-runs-"));
  });
  afterEach(() => rmSync(parent, { recursive: true, force: true }));

  async function addRun(name: string, pid: number): Promise<void> {
    mkdirSync(join(parent, name, "shop-0/logs"), { recursive: true });
    writeFileSync(join(parent, name, "shop-0/logs/worker.log"), "log");
    await markRunFolder(join(parent, name), pid);
  }

  it("removes the folder of a run that is gone, with all that is in it, and keeps that of one that runs", async () => {
    await addRun("tomcat-cluster-shop-a", GONE);
    await addRun("tomcat-cluster-shop-b", RUNNING);
    await removeDeadRuns(parent, (pid) => pid === RUNNING);
    assert.deepEqual(readdirSync(parent), ["tomcat-cluster-shop-b"]);
  });

  it("leaves what no run has marked, what is called otherwise, and what a link leads to", async () => {
    await addRun("other", GONE);
    mkdirSync(join(parent, "tomcat-cluster-unmarked"));
    mkdirSync(join(parent, "tomcat-cluster-garbage"));
    writeFileSync(join(parent, "tomcat-cluster-garbage/local.pid"), "-1");
    writeFileSync(join(parent, "tomcat-cluster-file"), String(GONE));
    symlinkSync(join(parent, "other"), join(parent, "tomcat-cluster-link"));
    const before = readdirSync(parent);
    await removeDeadRuns(parent, () => false);
    assert.deepEqual(readdirSync(parent), before);
    assert.deepEqual(readdirSync(join(parent, "other")), ["local.pid", "shop-0"]);
  });

  it("asks the system which processes run", async () => {
    const child = spawn(process.execPath, ["-e", ""]);
    await once(child, "exit");
    await addRun("tomcat-cluster-a", child.pid!);
    await addRun("tomcat-cluster-b", process.pid);
    await removeDeadRuns(parent);
    assert.deepEqual(readdirSync(parent), ["tomcat-cluster-b"]);
  });
});
