import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { DnsNameResolver, silentLogger } from "../../../src/base/index.ts";
import type { ClusterPlan } from "../../../src/local/cluster-plan.ts";
import type { LocalEvent } from "../../../src/local/events.ts";
import { LocalCluster } from "../../../src/local/local-cluster.ts";
import { LoopbackNetwork } from "../../../src/local/loopback-network.ts";
import type { Readiness } from "../../../src/local/readiness-probe.ts";
import { FakeProcess } from "../../support/fake-process.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const NETWORK = "127.0.201";

const PLAN: ClusterPlan = {
  name: "shop",
  namespace: "default",
  workers: ["shop-0", "shop-1"],
  httpPort: 8080,
  receiverPort: 4000,
  services: [
    { name: "shop-members", ports: [{ name: "channel", port: 4000 }], publishNotReadyAddresses: true },
    { name: "shop-workers", ports: [{ name: "http", port: 8080 }], publishNotReadyAddresses: false },
  ],
  membersName: "shop-members",
  graceMs: 30_000,
  notices: [],
  paths: ["/shop"],
  encrypted: true,
  serverXml: (channelKeyDirectory) => `<Server keys="${channelKeyDirectory}"/>`,
  balancerSettings: (addresses) => ({ addresses }),
};

interface Spawned {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly child: FakeProcess;
}

describe("LocalCluster", () => {
  let clock: ManualClock;
  let spawned: Spawned[];
  let events: LocalEvent[];
  let troubles: string[];
  let failures: Error[];
  /** By address: the answer of /readyz. */
  let readiness: Map<string, Readiness>;
  let serving: readonly string[];
  let cluster: LocalCluster;

  beforeEach(() => {
    clock = new ManualClock();
    [spawned, events, troubles, failures] = [[], [], [], []];
    readiness = new Map();
    serving = PLAN.workers;
    cluster = createCluster();
  });

  afterEach(async () => {
    const stopped = cluster.stop();
    // Every process obeys SIGTERM, one after the other is told.
    for (let turn = 0; turn < 10; turn += 1) {
      for (const { child } of spawned) if (child.signals.length > 0) child.end(0, null);
      await clock.advance(400);
    }
    await stopped;
  });

  function createCluster(options: { restart?: boolean; port?: number } = {}): LocalCluster {
    return new LocalCluster(
      {
        clock,
        random: { bytes: (length) => Buffer.alloc(length, 0xab) },
        logger: silentLogger,
        spawn: (command, args, { env }) => {
          const child = new FakeProcess(1000 + spawned.length);
          spawned.push({ command: [command, ...args], environment: env as Record<string, string>, child });
          return child;
        },
        fetchReadiness: async (url) => readiness.get(new URL(url).hostname) ?? { ready: false, reason: "starting" },
        fetchServingWorkers: async (management) => {
          assert.equal(management, `http://${NETWORK}.1:9090`);
          return serving;
        },
        onEvent: (event) => void events.push(event),
        onTrouble: (text) => void troubles.push(text),
        onFailed: (error) => void failures.push(error),
      },
      {
        plan: PLAN,
        port: options.port ?? 0,
        network: new LoopbackNetwork(201),
        restart: options.restart ?? true,
        program: ["node", "main.ts"],
        environment: { HOME: "/home/someone" },
      },
    );
  }

  const newest = (name: string) => spawned.findLast(({ environment, command }) => (environment.POD_NAME ?? command[2]) === name)!;
  const resolver = () => new DnsNameResolver({ server: `${NETWORK}.1:8053` });

  async function becomeReady(...hosts: number[]): Promise<void> {
    for (const host of hosts) readiness.set(`${NETWORK}.${host}`, { ready: true });
    await clock.advance(100);
  }

  it("starts every worker and the balancer with their addresses, in a folder of their own", async () => {
    await cluster.start();
    assert.deepEqual(
      spawned.map(({ command }) => command),
      [
        ...["shop-0", "shop-1"].map((name, ordinal) => [
          ...["node", "main.ts", "worker", "--base", join(cluster.folder, name), "--dns-server", `${NETWORK}.1:8053`],
          ...["--management-address", `${NETWORK}.${ordinal + 2}`, "--management-port", "9090"],
        ]),
        ["node", "main.ts", "balancer", "--config", join(cluster.folder, "balancer.json")],
      ],
    );
    assert.deepEqual(newest("shop-1").environment, {
      HOME: "/home/someone",
      POD_NAME: "shop-1",
      POD_IP: `${NETWORK}.3`,
      DNS_MEMBERSHIP_SERVICE_NAME: "shop-members",
    });
    const keys = join(cluster.folder, "channel-keys");
    assert.equal(readFileSync(join(cluster.folder, "shop-1/conf/server.xml"), "utf8"), `<Server keys="${keys}"/>`);
    assert.equal(readFileSync(join(keys, "1.key"), "utf8"), `${"ab".repeat(32)}\n`);
    assert.equal(statSync(join(keys, "1.key")).mode & 0o777, 0o600, "the channel's key is for nobody else");
    const { addresses } = JSON.parse(readFileSync(join(cluster.folder, "balancer.json"), "utf8")) as { addresses: Record<string, unknown> };
    assert.deepEqual(
      { ...addresses, port: 0 },
      { address: "127.0.0.1", port: 0, managementAddress: `${NETWORK}.1`, managementPort: 9090, dnsServer: `${NETWORK}.1:8053` },
    );
  });

  it("is ready when every worker and the balancer are, and says so once", async () => {
    await cluster.start();
    await becomeReady(1, 2);
    assert.equal(events.length, 0);
    await becomeReady(3);
    await clock.advance(20_000);
    assert.equal(events.length, 1);
    const [ready] = events;
    assert.ok(ready?.event === "ready");
    assert.match(ready.url, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.deepEqual(
      { ...ready, url: "" },
      {
        event: "ready",
        url: "",
        balancer: { pid: 1002, management: `http://${NETWORK}.1:9090` },
        workers: [0, 1].map((ordinal) => ({
          name: `shop-${ordinal}`,
          route: `shop-${ordinal}`,
          pid: 1000 + ordinal,
          address: `${NETWORK}.${ordinal + 2}`,
          http: 8080,
          receiver: 4000,
          management: `http://${NETWORK}.${ordinal + 2}:9090`,
        })),
      },
    );
    assert.deepEqual(troubles, []);
  });

  it("is not ready before the balancer sends requests to every worker", async () => {
    await cluster.start();
    serving = ["shop-0"];
    await becomeReady(1, 2, 3);
    await clock.advance(1000);
    assert.equal(events.length, 0);
    serving = ["shop-1", "shop-0"];
    await clock.advance(50);
    assert.equal(events.length, 1);
  });

  it("waits eight seconds for a worker, then serves without it and says why; it is announced when it is ready after all", async () => {
    await cluster.start();
    readiness.set(`${NETWORK}.3`, { ready: false, reason: 'context "/shop": threw on load' });
    await becomeReady(1, 2);
    await clock.advance(7800);
    assert.equal(events.length, 0);
    await clock.advance(200);
    assert.deepEqual(
      events.map(({ event }) => event),
      ["ready"],
    );
    assert.deepEqual(troubles, ['shop-1 is not ready: context "/shop": threw on load']);
    await becomeReady(3);
    assert.deepEqual(events[1], { event: "workerStarted", name: "shop-1", route: "shop-1", pid: 1001 });
  });

  it("never calls a cluster ready that has no ready worker", async () => {
    await cluster.start();
    await becomeReady(1);
    await clock.advance(60_000);
    assert.equal(events.length, 0);
    assert.deepEqual(troubles, ["shop-0 is not ready: starting", "shop-1 is not ready: starting"]);
    await becomeReady(2);
    assert.equal(events[0]?.event, "ready");
  });

  it("starts a worker again that dies, under its name and address, and reports its end and its return", async () => {
    await cluster.start();
    await becomeReady(1, 2, 3);
    readiness.delete(`${NETWORK}.2`);
    newest("shop-0").child.end(null, "SIGKILL");
    assert.deepEqual(events.slice(1), [{ event: "workerExited", name: "shop-0", route: "shop-0", pid: 1000, signal: "SIGKILL" }]);
    await clock.advance(1000);
    assert.equal(spawned.length, 4);
    assert.deepEqual(newest("shop-0").command, spawned[0]!.command);
    assert.deepEqual(newest("shop-0").environment, spawned[0]!.environment);
    await clock.advance(5000);
    assert.equal(events.length, 2);
    await becomeReady(2);
    assert.deepEqual(events[2], { event: "workerStarted", name: "shop-0", route: "shop-0", pid: 1003 });
    assert.deepEqual(troubles, []);
  });

  it("says it when a worker is not ready for a moment, and does not announce the same process again", async () => {
    await cluster.start();
    await becomeReady(1, 2, 3);
    readiness.set(`${NETWORK}.2`, { ready: false, reason: "busy" });
    await clock.advance(500);
    assert.deepEqual(troubles, ["shop-0 is no longer ready: busy"]);
    await becomeReady(2);
    assert.deepEqual(await resolver().addresses("shop-workers", 4), { kind: "found", records: [`${NETWORK}.2`, `${NETWORK}.3`] });
    assert.equal(events.length, 1);
  });

  it("leaves a worker dead without restarts, and takes it out of DNS", async () => {
    cluster = createCluster({ restart: false });
    await cluster.start();
    await becomeReady(1, 2, 3);
    newest("shop-0").child.end(null, "SIGKILL");
    await clock.advance(5000);
    assert.equal(spawned.length, 3);
    assert.deepEqual(await resolver().addresses("shop-members", 4), { kind: "found", records: [`${NETWORK}.3`] });
  });

  it("lists every worker as a member from the start on, a dead one too, and only ready ones for balancers", async () => {
    await cluster.start();
    const members = { kind: "found", records: [`${NETWORK}.2`, `${NETWORK}.3`] };
    const targets = async () => {
      const found = await resolver().services("_http._tcp.shop-workers");
      return found.kind === "found" ? found.records.map(({ target }) => target.split(".")[0]) : found.kind;
    };
    assert.deepEqual(await resolver().addresses("shop-members", 4), members);
    assert.equal(await targets(), "absent");
    await becomeReady(2);
    assert.deepEqual(await targets(), ["shop-0"]);
    await becomeReady(1, 3);
    assert.deepEqual(await targets(), ["shop-0", "shop-1"]);
    newest("shop-0").child.end(null, "SIGKILL");
    assert.deepEqual(await targets(), ["shop-1"]);
    assert.deepEqual(await resolver().addresses("shop-members", 4), members);
  });

  it("turns a worker's log lines about members into events, once the cluster is ready", async () => {
    await cluster.start();
    const log = (name: string, msg: string, member: string) => newest(name).child.stdout.write(`${JSON.stringify({ msg, member })}\n`);
    log("shop-0", "Member added", `tcp://${NETWORK}.3:4000`);
    await becomeReady(1, 2, 3);
    log("shop-0", "Member disappeared", `tcp://${NETWORK}.3:4000`);
    log("shop-1", "Member added", `tcp://${NETWORK}.2:4000`);
    log("shop-1", "Member added", "tcp://127.0.202.9:4000");
    await clock.advance(0);
    assert.deepEqual(events.slice(1), [
      { event: "memberDisappeared", name: "shop-1", route: "shop-1", seenBy: "shop-0" },
      { event: "memberAdded", name: "shop-0", route: "shop-0", seenBy: "shop-1" },
    ]);
  });

  it("tells why a worker ended by itself, and the same only once", async () => {
    await cluster.start();
    for (let run = 0; run < 3; run += 1) {
      newest("shop-0").child.stderr.write('server.xml: unknown class "Foo"\n');
      await clock.advance(0);
      newest("shop-0").child.end(1, null);
      await clock.advance(1000);
    }
    assert.deepEqual(troubles, ['shop-0 ended with code 1:\nserver.xml: unknown class "Foo"']);
    assert.equal(events.length, 0);
  });

  it("fails with the balancer's own words when it ends before the cluster is ready", async () => {
    await cluster.start();
    newest("balancer").child.stderr.write("listen EADDRINUSE\n");
    await clock.advance(0);
    newest("balancer").child.end(1, null);
    await clock.advance(0);
    assert.deepEqual(
      failures.map(({ message }) => message),
      ["The balancer could not start:\nlisten EADDRINUSE"],
    );
  });

  it("starts a balancer again that ends later, and tells of its end and of its return as of a worker's", async () => {
    await cluster.start();
    await becomeReady(1, 2, 3);
    readiness.delete(`${NETWORK}.1`);
    newest("balancer").child.end(null, "SIGKILL");
    await clock.advance(1000);
    assert.deepEqual([failures.length, spawned.length, newest("balancer").child.pid], [0, 4, 1003]);
    assert.deepEqual(events.slice(1), [{ event: "balancerExited", pid: 1002, signal: "SIGKILL" }]);
    await becomeReady(1);
    assert.deepEqual(events.slice(2), [{ event: "balancerStarted", pid: 1003 }]);
    assert.deepEqual(troubles, []);
  });

  it("repeats the last words of a balancer that ends by itself", async () => {
    await cluster.start();
    await becomeReady(1, 2, 3);
    newest("balancer").child.stderr.write("heap limit\n");
    await clock.advance(0);
    newest("balancer").child.end(134, null);
    await clock.advance(0);
    assert.deepEqual(troubles, ["balancer ended with code 134:\nheap limit"]);
    assert.deepEqual(events.slice(1), [{ event: "balancerExited", pid: 1002, signal: null }]);
  });

  it("stops the balancer, then the workers together, then DNS, and removes its folder", async () => {
    await cluster.start();
    await becomeReady(1, 2, 3);
    const { folder } = cluster;
    const signalled = () => spawned.filter(({ child }) => child.signals.length > 0).map(({ child }) => child.pid);
    const stopped = cluster.stop();
    await clock.advance(0);
    assert.deepEqual(signalled(), [1002]);
    newest("balancer").child.end(0, null);
    await clock.advance(0);
    assert.deepEqual(signalled(), [1000, 1001, 1002]);
    newest("shop-1").child.end(0, null);
    await clock.advance(0);
    assert.deepEqual(await resolver().addresses("shop-members", 4), { kind: "found", records: [`${NETWORK}.2`] });
    assert.equal(existsSync(folder), true);
    newest("shop-0").child.end(0, null);
    await stopped;
    assert.equal(existsSync(folder), false);
    assert.equal((await resolver().addresses("shop-members", 4)).kind, "unavailable");
    assert.deepEqual(
      events.map(({ event }) => event),
      ["ready", "stopped"],
    );
    await clock.advance(60_000);
    assert.deepEqual([spawned.length, clock.pendingTimers], [3, 0]);
    cluster = createCluster();
    await cluster.start();
  });

  it("refuses a port that is taken before anything is started", async () => {
    await cluster.start();
    await becomeReady(1, 2, 3);
    const { createServer } = await import("node:net");
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    const before = spawned.length;
    await assert.rejects(createCluster({ port }).start(), {
      code: "PORT_IN_USE",
      message: new RegExp(`Port ${port} .*--port ${port + 1}`),
    });
    assert.equal(spawned.length, before);
    await new Promise((resolve) => other.close(resolve));
  });

  it("refuses a network that another cluster has", async () => {
    await cluster.start();
    await assert.rejects(createCluster().start(), { code: "NETWORK_IN_USE" });
  });

  it("kills every process and removes its folder when it is abandoned", async () => {
    await cluster.start();
    cluster.abandon();
    assert.deepEqual(
      spawned.map(({ child }) => child.signals),
      [["SIGKILL"], ["SIGKILL"], ["SIGKILL"]],
    );
    assert.equal(existsSync(cluster.folder), false);
  });
});
