// What copies of sessions keep of the messages in which they came: nothing of a socket's buffer (rule 15).
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { ReplicatedWorker } from "../support/replicated-worker.ts";
import { ScriptedResolver } from "../support/scripted-resolver.ts";

const PORT = 4272;
const SESSIONS = 2000;
const BYTES = 1024;
const MEBIBYTE = 2 ** 20;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Bytes of all buffers that something still refers to. */
async function buffers(): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    await nextTurn();
    collectGarbage();
  }
  return process.memoryUsage().arrayBuffers;
}

describe("copies of sessions (rule 15)", () => {
  const resolver = new ScriptedResolver();
  const workers: ReplicatedWorker[] = [];

  const start = async (n: number) => {
    const worker = new ReplicatedWorker({ address: `127.0.74.${n}`, port: PORT, resolver });
    workers.push(worker);
    await worker.start();
    return worker;
  };

  before(() => {
    resolver.found("127.0.74.1", "127.0.74.2", "127.0.74.3");
  });
  after(async () => {
    await Promise.all(workers.map((worker) => worker.kill()));
  });

  it("keep no slice of a socket's buffer, neither of single changes nor of a whole state", async () => {
    const a = await start(1);
    const b = await start(2);
    const before = await buffers();
    for (let n = 0; n < SESSIONS; n++) {
      await a.create((session) => {
        session.setAttribute("text", "".padEnd(BYTES, `text ${n}`));
        session.setAttribute("bytes", Buffer.alloc(BYTES, n));
      });
    }
    const c = await start(3);
    const kept = (await buffers()) - before;
    assert.deepEqual([b.manager.activeSessions, c.manager.activeSessions, b.digest === c.digest], [SESSIONS, SESSIONS, true]);
    // Where it was set: the application's buffer and what travels; in each copy: what came. All else is sockets' and messages' own.
    const data = 4 * SESSIONS * BYTES;
    assert.ok(kept < data + MEBIBYTE, `${(kept / MEBIBYTE).toFixed(1)} MiB for ${(data / MEBIBYTE).toFixed(1)} MiB of data`);
  });
});
