import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, it } from "node:test";

const PROGRAM = join(import.meta.dirname, "../../support/stoppable.ts");

/** Follows one process: what it has printed, and the moment when it has printed something. */
class Followed {
  readonly child: ChildProcess;
  readonly #exited: Promise<unknown[]>;
  readonly #printed: Promise<unknown[]>;
  output = "";

  constructor(args: readonly string[], stdio: "ipc" | "ignore" = "ignore") {
    this.child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ["ignore", "pipe", "inherit", stdio] });
    this.child.stdout!.on("data", (chunk) => {
      this.output += chunk;
    });
    this.#exited = once(this.child, "exit");
    this.#printed = once(this.child.stdout!, "end");
  }

  async printed(text: string): Promise<void> {
    while (!this.output.includes(text)) await once(this.child.stdout!, "data");
  }

  async end(): Promise<[number | null, string | null, string]> {
    const [code, signal] = (await this.#exited) as [number | null, string | null];
    await this.#printed;
    return [code, signal, this.output.replaceAll("\n", " ").trim()];
  }
}

describe("endOnSignals", () => {
  it("ends a process that still loads, with the code of the signal: as process 1 of a container it would not end at all", async () => {
    const process = new Followed(["0", "never-run"]);
    await process.printed("loading");
    process.child.kill("SIGTERM");
    assert.deepEqual(await process.end(), [143, null, "loading"]);
  });
});

describe("runUntilStopped", () => {
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    it(`stops in good order on ${signal} and exits with 0`, async () => {
      const process = new Followed(["20"]);
      await process.printed("running");
      process.child.kill(signal);
      assert.deepEqual(await process.end(), [0, null, "running stopping stopped"]);
    });
  }

  it("takes two signals of one moment for one wish, as npm and a terminal deliver one Ctrl+C", async () => {
    const process = new Followed(["100"]);
    await process.printed("running");
    process.child.kill("SIGINT");
    await process.printed("stopping");
    process.child.kill("SIGINT");
    assert.deepEqual(await process.end(), [0, null, "running stopping stopped"]);
  });

  it("leaves at once on a second signal", async () => {
    const process = new Followed(["60000"]);
    await process.printed("running");
    process.child.kill("SIGTERM");
    await process.printed("stopping");
    await new Promise((resolve) => setTimeout(resolve, 600));
    process.child.kill("SIGTERM");
    assert.deepEqual(await process.end(), [1, null, "running stopping abandoned"]);
  });

  for (const failure of ["throw", "reject"]) {
    it(`stops in good order and exits with 1 after an uncaught error (${failure}) (rule 18)`, async () => {
      const [code, signal, output] = await new Followed(["0", failure]).end();
      assert.deepEqual([code, signal, output], [1, null, "running uncaught oops stopping stopped"]);
    });
  }

  it("exits with 1 when stopping fails", async () => {
    const process = new Followed(["0", "stop"]);
    await process.printed("running");
    process.child.kill("SIGTERM");
    assert.deepEqual(await process.end(), [1, null, "running stopping failed could not stop"]);
  });

  it("leaves at once when the parent that started it has gone", async () => {
    const process = new Followed(["60000"], "ipc");
    await process.printed("running");
    process.child.disconnect();
    assert.deepEqual(await process.end(), [1, null, "running abandoned"]);
  });
});
