import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { beforeEach, describe, it } from "node:test";
import { fetchReadiness, type Readiness, ReadinessProbe } from "../../../src/local/readiness-probe.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const URL = "http://127.0.5.2:9090/readyz";

describe("ReadinessProbe", () => {
  let clock: ManualClock;
  let answer: Readiness;
  let asked: number;
  let reports: string[];
  let pending: ((readiness: Readiness) => void) | undefined;
  let hold: boolean;

  beforeEach(() => {
    clock = new ManualClock();
    [answer, asked, reports, pending, hold] = [{ ready: false, reason: "state: transfer runs" }, 0, [], undefined, false];
  });

  function probe(): ReadinessProbe {
    return new ReadinessProbe(
      {
        clock,
        fetch: async (url, timeoutMs) => {
          assert.deepEqual([url, timeoutMs], [URL, 1000]);
          asked += 1;
          if (!hold) return answer;
          return new Promise((resolve) => {
            pending = resolve;
          });
        },
        onReady: () => void reports.push("ready"),
        onNotReady: (reason) => void reports.push(reason),
      },
      { url: URL },
    );
  }

  it("asks ten times a second until the first yes, then twice a second, and reports changes only", async () => {
    const readiness = probe();
    readiness.begin();
    await clock.advance(250);
    assert.deepEqual([asked, readiness.ready, readiness.reason], [3, false, "state: transfer runs"]);
    answer = { ready: true };
    await clock.advance(50);
    assert.deepEqual([asked, readiness.ready, reports], [4, true, ["ready"]]);
    await clock.advance(1000);
    assert.deepEqual([asked, reports], [6, ["ready"]]);
    answer = { ready: false, reason: "draining" };
    await clock.advance(500);
    assert.deepEqual([readiness.ready, reports], [false, ["ready", "draining"]]);
  });

  it("is not ready as soon as the process has ended, and asks no more", async () => {
    answer = { ready: true };
    const readiness = probe();
    readiness.begin();
    await clock.advance(0);
    readiness.end();
    assert.deepEqual([readiness.ready, readiness.reason], [false, "not running"]);
    await clock.advance(10_000);
    assert.deepEqual([asked, reports, clock.pendingTimers], [1, ["ready"], 0]);
  });

  it("drops an answer that belongs to the process before", async () => {
    hold = true;
    const readiness = probe();
    readiness.begin();
    await clock.advance(0);
    const late = pending!;
    readiness.begin();
    await clock.advance(0);
    late({ ready: true });
    await clock.advance(0);
    assert.deepEqual([readiness.ready, reports], [false, []]);
    pending!({ ready: true });
    await clock.advance(0);
    assert.deepEqual([readiness.ready, reports], [true, ["ready"]]);
    readiness.end();
  });
});

describe("fetchReadiness", () => {
  async function ask(status: number, body: string): Promise<Readiness> {
    const server = createServer((_request, response) => response.writeHead(status).end(body)).listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      return await fetchReadiness(`http://127.0.0.1:${(server.address() as AddressInfo).port}/readyz`, 1000);
    } finally {
      server.close();
    }
  }

  it("is ready on 200 and not ready, in the process's words, on anything else", async () => {
    assert.deepEqual(await ask(200, "ok\n"), { ready: true });
    assert.deepEqual(await ask(503, 'context "/shop": failed\n'), { ready: false, reason: 'context "/shop": failed' });
    assert.deepEqual(await ask(500, ""), { ready: false, reason: "status 500" });
    const long = await ask(503, "x".repeat(100_000));
    assert.ok(!long.ready && long.reason.length <= 4096);
  });

  it("is not ready when nobody listens, or nobody answers in time", async () => {
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const late = await fetchReadiness(`http://127.0.0.1:${port}/readyz`, 20);
    assert.ok(!late.ready && /timeout|abort/i.test(late.reason));
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));
    const refused = await fetchReadiness(`http://127.0.0.1:${port}/readyz`, 1000);
    assert.ok(!refused.ready && refused.reason.includes("ECONNREFUSED"));
  });
});
