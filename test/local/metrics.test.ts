// /metrics of a worker and of the balancer as Prometheus would read them: format, names, and counters that count.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Family, parseExposition, sampleValue } from "../support/exposition.ts";
import { LocalRun, ManifestFolder } from "../support/local-cluster.ts";
import { SessionClient } from "../support/session-client.ts";

const HITS = 7;

/** As Micrometer names Tomcat's, so that its dashboards work. */
const TOMCAT_NAMES = [
  "tomcat_sessions_active_current_sessions",
  "tomcat_sessions_active_max_sessions",
  "tomcat_sessions_created_sessions_total",
  "tomcat_sessions_expired_sessions_total",
  "tomcat_sessions_rejected_sessions_total",
  "tomcat_sessions_alive_max_seconds",
  "tomcat_connections_current_connections",
  "tomcat_connections_keepalive_current_connections",
  "tomcat_connections_config_max_connections",
  "tomcat_global_request_seconds_count",
  "tomcat_global_request_seconds_sum",
  "tomcat_global_request_max_seconds",
  "tomcat_global_error_total",
  "tomcat_global_sent_bytes_total",
  "tomcat_global_received_bytes_total",
];
const PROCESS_NAMES = [
  "process_cpu_seconds_total",
  "process_resident_memory_bytes",
  "nodejs_eventloop_lag_p99_seconds",
  "nodejs_version_info",
];
const OWN_NAMES = /^tomcatcluster_[a-z_]+$/;

async function metricsOf(management: string): Promise<{ text: string; families: ReadonlyMap<string, Family> }> {
  const response = await fetch(`${management}/metrics`);
  assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const text = await response.text();
  return { text, families: parseExposition(text) };
}

describe("metrics", () => {
  const folder = new ManifestFolder()
    .writeManifest({ replicas: 2, drain: { quietSeconds: 0.5, deadlineSeconds: 3 }, applications: [{ path: "/shop" }] })
    .addShop();
  let run: LocalRun;
  let client: SessionClient;
  let stem: string;
  let serving: string;
  let receiving: string;
  let balancer: string;

  before(async () => {
    run = new LocalRun(folder.manifest);
    const ready = await run.ready();
    client = new SessionClient(ready.url);
    const { route, sessionId } = await client.hit();
    stem = sessionId!.split(".", 1)[0]!;
    serving = ready.workers.find((worker) => worker.route === route)!.management;
    receiving = ready.workers.find((worker) => worker.route !== route)!.management;
    balancer = ready.balancer.management;
  });
  after(async () => {
    await run.dispose();
    folder.remove();
  });

  it("of a worker are Tomcat's by Micrometer's names, Node's, and ours, each with a help text, and none with a session id", async () => {
    const { text, families } = await metricsOf(serving);
    for (const name of [...TOMCAT_NAMES, ...PROCESS_NAMES]) assert.ok(families.has(name), name);
    for (const { name, samples } of families.values()) {
      if (!name.startsWith("tomcat_")) continue;
      for (const { labels } of samples) assert.deepEqual(Object.keys(labels), ["name"], name);
    }
    const own = [...families.keys()].filter((name) => !/^(tomcat|process|nodejs)_/.test(name));
    assert.ok(own.length > 20);
    for (const name of own) assert.match(name, OWN_NAMES);
    assert.ok(!text.includes(stem));
  });

  it("of the balancer are Node's and ours, each with a help text, and none with a session id", async () => {
    const { text, families } = await metricsOf(balancer);
    for (const name of PROCESS_NAMES) assert.ok(families.has(name), name);
    for (const name of families.keys()) assert.match(name, /^(tomcatcluster_balancer|process|nodejs)_/);
    assert.ok(!text.includes(stem));
  });

  it("move with what happens: requests, sessions, messages on both sides, choices of the balancer", async () => {
    const read = async () => ({
      serving: (await metricsOf(serving)).families,
      receiving: (await metricsOf(receiving)).families,
      balancer: (await metricsOf(balancer)).families,
    });
    const earlier = await read();
    for (let hit = 0; hit < HITS; hit += 1) await client.hit();
    assert.equal((await client.send("GET", "/shop/nowhere")).status, 404);
    await new SessionClient((await run.ready()).url).send("GET", "/shop/");
    const later = await read();
    const grown = (side: keyof typeof later, name: string, labels = {}) =>
      sampleValue(later[side], name, labels) - sampleValue(earlier[side], name, labels);

    const requests = grown("serving", "tomcat_global_request_seconds_count") + grown("receiving", "tomcat_global_request_seconds_count");
    assert.equal(requests, HITS + 2);
    assert.ok(grown("serving", "tomcat_global_request_seconds_sum") > 0);
    assert.equal(grown("serving", "tomcat_global_error_total"), 1);
    assert.ok(grown("serving", "tomcat_global_sent_bytes_total") > HITS * 50);
    assert.equal(grown("serving", "tomcatcluster_replication_messages_sent_total", { type: "SESSION_DELTA" }), HITS);
    assert.equal(grown("receiving", "tomcatcluster_replication_messages_received_total", { type: "SESSION_DELTA" }), HITS);
    assert.equal(grown("serving", "tomcatcluster_replication_send_seconds_count"), HITS);
    assert.ok(grown("serving", "tomcatcluster_channel_sent_bytes_total") > 0);
    assert.equal(grown("balancer", "tomcatcluster_balancer_sticky_total", { result: "hit" }), HITS + 1);
    assert.equal(grown("balancer", "tomcatcluster_balancer_sticky_total", { result: "none" }), 1);
    assert.equal(grown("balancer", "tomcatcluster_balancer_request_seconds_count"), HITS + 2);
    for (const side of ["serving", "receiving"] as const) {
      assert.equal(sampleValue(later[side], "tomcat_sessions_active_current_sessions", { name: "localhost#/shop" }), 1);
    }
    const created = (side: "serving" | "receiving") => sampleValue(later[side], "tomcat_sessions_created_sessions_total");
    assert.deepEqual([created("serving"), created("receiving")], [1, 0]);
  });
});
