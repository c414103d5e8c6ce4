import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { type ProcessExit, ProcessSupervisor, type ProcessSupervisorOptions } from "../../../src/local/process-supervisor.ts";
import { FakeProcess } from "../../support/fake-process.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const OPTIONS: ProcessSupervisorOptions = {
  command: "node",
  args: ["main.ts", "worker"],
  environment: { POD_NAME: "shop-0" },
  restart: true,
  graceMs: 30_000,
};

describe("ProcessSupervisor", () => {
  let clock: ManualClock;
  let spawned: FakeProcess[];
  let calls: unknown[][];
  let pids: number[];
  let exits: ProcessExit[];
  let errors: Error[];
  let unstartable: boolean;

  beforeEach(() => {
    clock = new ManualClock();
    [spawned, calls, pids, exits, errors, unstartable] = [[], [], [], [], [], false];
  });

  function supervisor(options: Partial<ProcessSupervisorOptions> = {}): ProcessSupervisor {
    return new ProcessSupervisor(
      {
        clock,
        spawn: (...call) => {
          calls.push(call);
          const child = new FakeProcess(unstartable ? undefined : 100 + spawned.length);
          spawned.push(child);
          return child;
        },
        onStarted: ({ pid }) => void pids.push(pid),
        onExited: (exit) => void exits.push(exit),
        onError: (error) => void errors.push(error),
      },
      { ...OPTIONS, ...options },
    );
  }

  it("starts the process outside the terminal's group, with a channel that closes when we go", async () => {
    await supervisor().start();
    assert.deepEqual(calls, [
      ["node", ["main.ts", "worker"], { env: { POD_NAME: "shop-0" }, detached: true, stdio: ["ignore", "pipe", "pipe", "ipc"] }],
    ]);
    assert.deepEqual(pids, [100]);
  });

  it("starts it again one second after it has ended, each time", async () => {
    const process = supervisor();
    await process.start();
    spawned[0]!.end(null, "SIGKILL");
    assert.deepEqual(exits, [{ pid: 100, code: null, signal: "SIGKILL", expected: false }]);
    assert.equal(process.pid, undefined);
    await clock.advance(999);
    assert.equal(spawned.length, 1);
    await clock.advance(1);
    assert.deepEqual([spawned.length, process.pid], [2, 101]);
    spawned[1]!.end(1, null);
    await clock.advance(1000);
    assert.deepEqual(pids, [100, 101, 102]);
  });

  it("leaves it where it is when restarts are off", async () => {
    await supervisor({ restart: false }).start();
    spawned[0]!.end(0, null);
    await clock.advance(10_000);
    assert.deepEqual([spawned.length, clock.pendingTimers], [1, 0]);
  });

  it("stops with SIGTERM, waits for the end, and starts nothing afterwards", async () => {
    const process = supervisor();
    await process.start();
    let stopped = false;
    const stop = process.stop().then(() => {
      stopped = true;
    });
    await clock.advance(29_999);
    assert.deepEqual([spawned[0]!.signals, stopped], [["SIGTERM"], false]);
    spawned[0]!.end(0, null);
    await stop;
    assert.equal(exits[0]!.expected, true);
    await clock.advance(60_000);
    assert.deepEqual([spawned.length, spawned[0]!.signals, clock.pendingTimers], [1, ["SIGTERM"], 0]);
  });

  it("sends SIGKILL when the grace period is over", async () => {
    const process = supervisor();
    await process.start();
    const stop = process.stop();
    await clock.advance(30_000);
    assert.deepEqual(spawned[0]!.signals, ["SIGTERM", "SIGKILL"]);
    spawned[0]!.end(null, "SIGKILL");
    await stop;
  });

  it("stops between two runs without starting the next", async () => {
    const process = supervisor();
    await process.start();
    spawned[0]!.end(1, null);
    await process.stop();
    await clock.advance(5000);
    assert.deepEqual([spawned.length, clock.pendingTimers], [1, 0]);
  });

  it("reports a process that cannot be started and tries again", async () => {
    unstartable = true;
    const process = supervisor();
    await process.start();
    spawned[0]!.emit("error", new Error("spawn EAGAIN"));
    assert.deepEqual([errors.map(({ message }) => message), pids], [["spawn EAGAIN"], []]);
    unstartable = false;
    await clock.advance(1000);
    assert.deepEqual(pids, [101]);
  });

  it("stays with a running process that cannot be sent a signal", async () => {
    const process = supervisor();
    await process.start();
    spawned[0]!.emit("error", new Error("kill EPERM"));
    await clock.advance(5000);
    assert.deepEqual([errors.length, spawned.length, process.pid], [1, 1, 100]);
  });

  it("kills at once and for good", async () => {
    const process = supervisor();
    await process.start();
    process.kill();
    assert.deepEqual(spawned[0]!.signals, ["SIGKILL"]);
    spawned[0]!.end(null, "SIGKILL");
    await clock.advance(5000);
    assert.equal(spawned.length, 1);
  });
});
