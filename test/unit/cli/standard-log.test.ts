import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";

const MODULE = pathToFileURL(join(import.meta.dirname, "../../../src/cli/standard-log.ts")).href;

/** No pipe holds so much. */
const LARGE_LINE_BYTES = 10_000;

/** Logs 200 lines, then one more after a turn, says on standard error that it lives, and exits with 3. */
const program = (lineBytes: number) => `
  import { openStandardLog } from ${JSON.stringify(MODULE)};
  const { logger, writeLine } = openStandardLog({});
  for (let n = 0; n < 200; n++) writeLine("x".repeat(${lineBytes}));
  setImmediate(() => {
    logger.info("last");
    process.stderr.write("alive");
    process.exit(3);
  });`;

function run(stdout: number | "pipe", lineBytes = LARGE_LINE_BYTES) {
  return spawn(process.execPath, ["--input-type=module", "-e", program(lineBytes)], { stdio: ["ignore", stdout, "pipe"] });
}

describe("the log on standard output", () => {
  it("writes everything in order before the process ends", async () => {
    const child = run("pipe", 100);
    let text = "";
    child.stdout!.on("data", (chunk) => {
      text += chunk;
    });
    const [code] = await once(child, "close");
    assert.equal(code, 3);
    assert.match(text.slice(-200), /"msg":"last"\}\n$/);
  });

  it("lets the process live and end when the disk is full", { skip: !existsSync("/dev/full") && "no /dev/full" }, async () => {
    const full = openSync("/dev/full", "w");
    const child = run(full);
    closeSync(full);
    const [[alive], [code]] = await Promise.all([once(child.stderr!, "data"), once(child, "exit")]);
    assert.deepEqual([String(alive), code], ["alive", 3]);
  });

  it("lets the process live and end when its reader has stopped", async () => {
    const child = run("pipe");
    const [[alive], [code]] = await Promise.all([once(child.stderr!, "data"), once(child, "exit")]);
    assert.deepEqual([String(alive), code], ["alive", 3]);
    child.stdout!.destroy();
  });
});
