import assert from "node:assert/strict";
import { test } from "node:test";
import { DnsDiscovery } from "../../../../src/balancer/workers/discovery/dns-discovery.ts";
import { type LookUp, type NameResolver, type ServiceRecord, silentLogger } from "../../../../src/base/index.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

const SERVICE = "_http._tcp.shop-workers";
const unavailable = { kind: "unavailable", reason: "ESERVFAIL" } as const;
const absent = { kind: "absent" } as const;

class FakeResolver implements NameResolver {
  srv: LookUp<ServiceRecord> = absent;
  readonly hosts = new Map<string, LookUp<string>>();

  async addresses(name: string): Promise<LookUp<string>> {
    return this.hosts.get(name) ?? absent;
  }

  async services(name: string): Promise<LookUp<ServiceRecord>> {
    assert.equal(name, SERVICE);
    return this.srv;
  }

  list(...names: string[]): void {
    const records = names.map((name) => ({ target: `${name}.shop-workers.test`, port: 8080, weight: 33, priority: 0 }));
    this.srv = { kind: "found", records };
  }

  host(name: string, answer: LookUp<string> | string): void {
    this.hosts.set(`${name}.shop-workers.test.`, typeof answer === "string" ? { kind: "found", records: [answer] } : answer);
  }
}

function discover() {
  const clock = new ManualClock();
  const resolver = new FakeResolver();
  const discovery = new DnsDiscovery({ clock, logger: silentLogger, resolver }, { service: SERVICE, family: 4, refreshMs: 2000 });
  const heard: string[] = [];
  discovery.onWorkers = (workers) => heard.push(workers.map(({ name, address, port }) => `${name}=${address}:${port}`).join(" "));
  return { clock, resolver, discovery, heard };
}

test("A worker's name and route are the first label of its target", async () => {
  const { resolver, discovery } = discover();
  resolver.list("shop-0");
  resolver.host("shop-0", "10.0.0.1");
  const found: unknown[] = [];
  discovery.onWorkers = (workers) => found.push(...workers);
  await discovery.start();
  await discovery.stop();
  const place = { address: "10.0.0.1", port: 8080, weight: 33, leaving: false, managementPort: undefined };
  assert.deepEqual(found, [{ name: "shop-0", route: "shop-0", ...place }]);
});

test("Every refresh tells the whole list", async () => {
  const { clock, resolver, discovery, heard } = discover();
  await discovery.start();
  resolver.list("shop-0", "shop-1");
  resolver.host("shop-0", "10.0.0.1");
  resolver.host("shop-1", "10.0.0.2");
  await clock.advance(2000);
  await discovery.stop();
  assert.deepEqual(heard, ["", "shop-0=10.0.0.1:8080 shop-1=10.0.0.2:8080"]);
  assert.equal(clock.pendingTimers, 0);
});

test("A server that cannot tell is no news", async () => {
  const { clock, resolver, discovery, heard } = discover();
  resolver.list("shop-0");
  resolver.host("shop-0", "10.0.0.1");
  await discovery.start();
  resolver.srv = unavailable;
  await clock.advance(2000);
  await discovery.stop();
  assert.deepEqual(heard, ["shop-0=10.0.0.1:8080"]);
  assert.equal(discovery.isUp, false);
});

test("A target whose address nobody can tell keeps the one it had", async () => {
  const { clock, resolver, discovery, heard } = discover();
  resolver.list("shop-0", "shop-1");
  resolver.host("shop-0", "10.0.0.1");
  resolver.host("shop-1", unavailable);
  await discovery.start();
  resolver.host("shop-0", unavailable);
  resolver.host("shop-1", "10.0.0.2");
  await clock.advance(2000);
  await discovery.stop();
  assert.deepEqual(heard, ["shop-0=10.0.0.1:8080", "shop-0=10.0.0.1:8080 shop-1=10.0.0.2:8080"]);
});

test("A target that definitively has no address is left out", async () => {
  const { clock, resolver, discovery, heard } = discover();
  resolver.list("shop-0");
  resolver.host("shop-0", "10.0.0.1");
  await discovery.start();
  resolver.host("shop-0", absent);
  await clock.advance(2000);
  await discovery.stop();
  assert.deepEqual(heard, ["shop-0=10.0.0.1:8080", ""]);
});

test("Of several addresses the same one is taken, in whatever order they come", async () => {
  const { clock, resolver, discovery, heard } = discover();
  resolver.list("shop-0");
  resolver.host("shop-0", { kind: "found", records: ["10.0.0.2", "10.0.0.1"] });
  await discovery.start();
  resolver.host("shop-0", { kind: "found", records: ["10.0.0.1", "10.0.0.2"] });
  await clock.advance(2000);
  await discovery.stop();
  assert.deepEqual(heard, ["shop-0=10.0.0.1:8080", "shop-0=10.0.0.1:8080"]);
});

test("A target whose first label can be no route is ignored", async () => {
  const { resolver, discovery, heard } = discover();
  resolver.list("shop~0", "shop-1");
  resolver.host("shop~0", "10.0.0.1");
  resolver.host("shop-1", "10.0.0.2");
  await discovery.start();
  await discovery.stop();
  assert.deepEqual(heard, ["shop-1=10.0.0.2:8080"]);
});
