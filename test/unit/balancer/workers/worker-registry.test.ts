import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it, type TestContext } from "node:test";
import type { Forwarder } from "../../../../src/balancer/forward/forwarder.ts";
import type { Discovery, WorkerDescription } from "../../../../src/balancer/workers/discovery/discovery.ts";
import type { Worker } from "../../../../src/balancer/workers/worker.ts";
import { WorkerRegistry } from "../../../../src/balancer/workers/worker-registry.ts";
import { silentLogger, systemRandom } from "../../../../src/base/index.ts";
import { until } from "../../../support/balancer-harness.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

class PlayedDiscovery implements Discovery {
  onWorkers: (workers: readonly WorkerDescription[]) => void = () => undefined;
  isUp = true;

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  /** "a" serves, "a leaving" is about to end. */
  list(...workers: string[]): void {
    this.onWorkers(
      workers.map((text) => {
        const [name, leaving] = text.split(" ") as [string, string?];
        const place = { address: "127.0.0.1", port: 1, weight: 1, managementPort: undefined };
        return { ...place, name, route: name, leaving: leaving !== undefined };
      }),
    );
  }
}

/** `healthPort`: where workers are asked once how they are; undefined: nobody asks. */
async function registryWith(context: TestContext, healthPort?: number) {
  const clock = new ManualClock();
  const discovery = new PlayedDiscovery();
  const healthCheck = { path: "/", port: healthPort ?? 1, intervalMs: 3_600_000, timeoutMs: 3_600_000, fall: 2, rise: 1 };
  const registry = new WorkerRegistry(
    {
      clock,
      random: systemRandom,
      logger: silentLogger,
      discovery,
      createForwarder: () => ({ close: () => undefined }) as unknown as Forwarder,
    },
    { healthCheck: { ...healthCheck, enabled: healthPort !== undefined }, errorRetryMs: 1000, removeAfterMs: 30_000, quietMs: 2000 },
  );
  await registry.start();
  context.after(() => registry.stop());
  const states = () => Object.fromEntries([...registry.workers].map(({ name, state }) => [name, state]));
  return { clock, discovery, registry, states };
}

async function readyServer(context: TestContext): Promise<number> {
  const server = createServer((_request, response) => void response.end("ready"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

describe("WorkerRegistry", () => {
  it("lets a worker that is leaving keep its sessions in use and gives it nothing new, though its health check says ready (rule 18)", async (context) => {
    const { discovery, registry, states } = await registryWith(context);
    discovery.list("a", "b");
    assert.deepEqual(states(), { a: "Serving", b: "Serving" });
    discovery.list("a leaving", "b");
    assert.deepEqual(states(), { a: "Draining", b: "Serving" });
    const { tiers, byRoute } = registry.snapshot;
    assert.deepEqual(
      tiers.map((tier) => tier.map(({ name }) => name)),
      [["b"], ["a"]],
    );
    const { candidate, draining } = byRoute.get("a")!;
    assert.equal(draining, true);
    assert.equal(candidate.sessionsInUse!.isInUse("stem"), true);
  });

  it("leaves a worker alone for a while that refused a connection, and no longer than until it has answered a request (rule 17)", async (context) => {
    const { clock, discovery, registry, states } = await registryWith(context);
    discovery.list("a", "b");
    const [a, b] = [...registry.workers] as [Worker, Worker];
    await clock.advance(5000);
    registry.requestRefused(a, new Error("refused"), clock.monotonic());
    registry.requestRefused(b, new Error("refused"), clock.monotonic());
    assert.deepEqual(states(), { a: "Error", b: "Error" });
    registry.answeredAfterFailure(a, { wasUsable: true });
    assert.deepEqual(states(), { a: "Serving", b: "Error" });
    await clock.advance(1000);
    assert.deepEqual(states(), { a: "Serving", b: "Serving" });
  });

  it("does not hold it against a worker that it refused a connection which was asked for before it answered another request (rule 17)", async (context) => {
    const { clock, discovery, registry, states } = await registryWith(context);
    discovery.list("a");
    const [a] = [...registry.workers] as [Worker];
    const sentMs = clock.monotonic();
    await clock.advance(1000);
    a.health.answered(clock.monotonic());
    registry.requestRefused(a, new Error("no answer to the connection in time"), sentMs);
    assert.deepEqual(states(), { a: "Serving" });
    registry.requestRefused(a, new Error("refused"), clock.monotonic());
    assert.deepEqual(states(), { a: "Error" });
  });

  it("takes a worker that is leaving when it is found for one that drains", async (context) => {
    const { discovery, registry, states } = await registryWith(context);
    discovery.list("a leaving");
    assert.deepEqual(states(), { a: "Draining" });
    assert.ok(registry.snapshot.byRoute.get("a")!.candidate.sessionsInUse);
  });

  it("serves again when a new pod has taken the place of the one that left", async (context) => {
    const { discovery, registry, states } = await registryWith(context);
    discovery.list("a leaving");
    discovery.list("a");
    assert.deepEqual(states(), { a: "Serving" });
    assert.equal(registry.snapshot.byRoute.get("a")!.candidate.sessionsInUse, undefined);
  });

  it("keeps a worker that is no longer listed while it answers, for 30 s and no longer, whether or not discovery is heard again (rule 2)", async (context) => {
    const { clock, discovery, states } = await registryWith(context, await readyServer(context));
    discovery.list("a", "b");
    await until(() => Object.values(states()).every((state) => state === "Serving"));
    discovery.list("b");
    await clock.advance(29_999);
    assert.deepEqual(states(), { a: "Serving", b: "Serving" });
    await clock.advance(1);
    assert.deepEqual(states(), { b: "Serving" });
  });

  it("counts the 30 s anew when a worker was listed again meanwhile", async (context) => {
    const { clock, discovery, states } = await registryWith(context, await readyServer(context));
    discovery.list("a");
    await until(() => states().a === "Serving");
    discovery.list();
    await clock.advance(20_000);
    discovery.list("a");
    discovery.list();
    await clock.advance(29_999);
    assert.deepEqual(states(), { a: "Serving" });
    await clock.advance(1);
    assert.deepEqual(states(), {});
  });

  it("leaves no timer behind", async (context) => {
    const { clock, discovery, registry } = await registryWith(context, await readyServer(context));
    discovery.list("a", "b");
    discovery.list("a");
    await registry.stop();
    await until(() => clock.pendingTimers === 0);
  });
});
