import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, it } from "node:test";
import { silentLogger } from "../../../src/base/index.ts";
import { ProcessLog } from "../../../src/local/process-log.ts";

describe("ProcessLog", () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "process-log-"));
    path = join(folder, "worker.log");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  async function feed(log: ProcessLog, stdout: readonly string[], stderr: readonly string[] = []): Promise<void> {
    const streams = [new PassThrough(), new PassThrough()] as const;
    const ended = log.attach(...streams);
    for (const text of stdout) streams[0].write(text);
    for (const text of stderr) streams[1].write(text);
    for (const stream of streams) stream.end();
    await ended;
  }

  it("keeps the output of one process after the other in its file and hands on lines of standard output", async () => {
    const lines: string[] = [];
    const log = new ProcessLog({ logger: silentLogger, onLine: (line) => void lines.push(line) }, { path });
    await feed(log, ["first\nsec", "ond\n"], ["oops\n"]);
    await feed(log, ["third\n"]);
    log.close();
    assert.deepEqual(lines, ["first", "second", "third"]);
    const text = readFileSync(path, "utf8");
    for (const line of ["first", "second", "oops", "third"]) assert.ok(text.includes(line), line);
  });

  it("remembers the last lines of standard error of the newest process", async () => {
    const log = new ProcessLog({ logger: silentLogger, onLine: () => undefined }, { path });
    await feed(
      log,
      [],
      Array.from({ length: 20 }, (_, index) => `line ${index}\n`),
    );
    assert.equal(log.lastErrors, Array.from({ length: 12 }, (_, index) => `line ${index + 8}`).join("\n"));
    await feed(log, [], ["only this\n"]);
    assert.equal(log.lastErrors, "only this");
    log.close();
  });

  it("keeps one older file, so that its size is bounded", async () => {
    const log = new ProcessLog({ logger: silentLogger, onLine: () => undefined }, { path, maxBytes: 1000 });
    for (let run = 0; run < 5; run += 1) await feed(log, [`${run}`.repeat(599), "\n", `${run}`.repeat(599), "\n"]);
    log.close();
    assert.ok(readFileSync(path).length <= 1800);
    assert.ok(existsSync(`${path}.1`) && readFileSync(`${path}.1`).length <= 1800);
  });

  it("goes on reading a process's output when the file cannot be written", async () => {
    const lines: string[] = [];
    const log = new ProcessLog(
      { logger: silentLogger, onLine: (line) => void lines.push(line) },
      { path: join(folder, "missing", "worker.log") },
    );
    await feed(log, [`${"x".repeat(50_000)}\n`, "still here\n"]);
    assert.equal(lines.at(-1), "still here");
  });
});
