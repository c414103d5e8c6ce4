// The informer against a real API server, through a proxy that breaks what can break. Whatever happens: it is equal again afterwards, and
// has told every difference.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { systemClock } from "../../src/base/index.ts";
import { type Informer, KubeConfigCredentials, type KubeObject, RESOURCES } from "../../src/kube/index.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { KubeApiServer } from "../support/kube-api-server.ts";
import { KubeTestClient } from "../support/kube-test-client.ts";
import { eventually } from "../support/session-requests.ts";

const NAMESPACE = "default";
const SILENCE_MS = 3000;

let cluster: KubeApiServer;
let proxy: FaultProxy;
/** Around the proxy: changes what the informer should see. */
let writer: KubeTestClient;
let reader: KubeTestClient;
let maps: Informer<KubeObject>;
/** What handlers were told, summed up: must be equal to the cache. */
let mirror: Map<string, string>;
let label: string;
let round = 0;

function object(name: string, value: string): KubeObject {
  const metadata = { namespace: NAMESPACE, name: `${label}-${name}`, labels: { round: label } };
  return { apiVersion: "v1", kind: "ConfigMap", metadata, data: { value } } as KubeObject;
}

const write = (name: string, value: string) => writer.client.apply(RESOURCES.ConfigMap, object(name, value), { fieldManager: "writer" });
const remove = (name: string) => writer.client.delete(RESOURCES.ConfigMap, object(name, "").metadata);
const held = () => [...maps.objects.values()].map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`).sort();

/** The informer holds what the server holds, and has told it. */
async function equal(timeoutMs = 30_000): Promise<void> {
  const found = await writer.client.list(RESOURCES.ConfigMap, { namespace: NAMESPACE, labelSelector: `round=${label}` });
  const expected = found.map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`).sort();
  await eventually(held, (names) => JSON.stringify(names) === JSON.stringify(expected), timeoutMs);
  assert.deepEqual([...mirror].map(([name, version]) => `${name}@${version}`).sort(), expected);
}

async function startInformer(): Promise<void> {
  maps = reader.informer<KubeObject>({
    resource: RESOURCES.ConfigMap,
    selection: { namespace: NAMESPACE, labelSelector: `round=${label}` },
    silenceMs: SILENCE_MS,
  });
  mirror = new Map();
  maps.addHandler({
    added: ({ metadata }) => {
      assert.ok(!mirror.has(metadata.name), `${metadata.name} added twice`);
      mirror.set(metadata.name, metadata.resourceVersion!);
    },
    updated: ({ metadata }) => void mirror.set(metadata.name, metadata.resourceVersion!),
    deleted: ({ metadata }) => void mirror.delete(metadata.name),
  });
  await maps.start();
}

before(async () => {
  cluster = await KubeApiServer.start();
  proxy = await FaultProxy.start(cluster);
  writer = new KubeTestClient(new KubeConfigCredentials({ clock: systemClock }, { kubeconfig: cluster.adminKubeconfig }));
});

after(async () => {
  await writer?.client.stop();
  await proxy?.stop();
  await cluster?.stop();
});

beforeEach(async () => {
  round++;
  label = `r${round}`;
  proxy.fault = () => undefined;
  proxy.requests.length = 0;
  reader = new KubeTestClient(proxy);
  for (const name of ["a", "b", "c"]) await write(name, "1");
});

async function withInformer(test: () => Promise<void>): Promise<void> {
  await startInformer();
  try {
    await eventually(
      () => proxy.openWatches,
      (open) => open === 1,
    );
    await equal();
    await test();
    assert.equal(await reader.metric("informer_handler_errors_total").catch(() => 0), 0, reader.log.text);
  } finally {
    await maps.stop();
    await reader.client.stop();
  }
  await eventually(
    () => proxy.openWatches,
    (open) => open === 0,
  );
}

describe("Informer and a real API server", () => {
  it("sees every change, without listing again", () =>
    withInformer(async () => {
      await write("a", "2");
      await write("d", "1");
      await remove("b");
      await equal();
      assert.equal(proxy.count("list"), 1);
      assert.equal(proxy.count("watch"), 1);
    }));

  it("resumes dropped watches without listing again, and loses nothing in between", () =>
    withInformer(async () => {
      for (let drop = 0; drop < 5; drop++) {
        proxy.dropWatches();
        await write("a", `drop ${drop}`);
        await remove("b");
        await write("b", `drop ${drop}`);
        await equal();
      }
      assert.equal(proxy.count("list"), 1);
    }));

  it("lists again after a 410 in the watch, and after a storm of them on opening", () =>
    withInformer(async () => {
      proxy.injectIntoWatches({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired", message: "injected" } });
      await remove("a");
      await equal();
      let storm = 4;
      proxy.fault = ({ verb }) => (verb === "watch" && storm-- > 0 ? { status: 410, reason: "Expired" } : undefined);
      proxy.dropWatches();
      await remove("b");
      await write("d", "1");
      await eventually(
        () => storm,
        (left) => left < 0,
        60_000,
      );
      await equal();
      assert.ok(proxy.count("list") >= 6);
    }));

  it("survives 500, 429, 503, resets and hangs of lists and watches", () =>
    withInformer(async () => {
      let left = 5;
      const faults = [
        { status: 500, reason: "InternalError" },
        { status: 429, reason: "TooManyRequests", headers: { "Retry-After": "1" } },
        { status: 503 },
        "reset",
        "hang",
      ] as const;
      proxy.fault = ({ verb }) => (verb !== "write" && left-- > 0 ? faults[left % faults.length] : undefined);
      proxy.injectIntoWatches({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } });
      await write("a", "after");
      await remove("c");
      await equal(120_000);
      assert.ok(left < 0);
    }));

  it("notices that a watch went silent, and resumes it", () =>
    withInformer(async () => {
      proxy.silenceWatches();
      await write("a", "unseen");
      await remove("c");
      await equal();
      assert.equal(proxy.count("list"), 1);
      assert.equal(proxy.count("watch"), 2);
    }));

  it("reads lists that come slowly, and says when they come too slowly to start", async () => {
    proxy.fault = ({ verb }) => (verb === "list" ? { delayMs: 2000 } : undefined);
    await withInformer(equal);
    proxy.fault = ({ verb }) => (verb === "list" ? "hang" : undefined);
    reader = new KubeTestClient(proxy);
    const late = reader.informer({ resource: RESOURCES.Secret, syncTimeoutMs: 1000 });
    await assert.rejects(late.start(), { code: "KUBE_SYNC_TIMEOUT" });
    await reader.client.stop();
  });

  it("is equal again after the API server was restarted, and its history forgotten meanwhile", () =>
    withInformer(async () => {
      await cluster.stopServer();
      await eventually(
        () => maps.failure,
        (failure) => failure !== undefined,
      );
      await cluster.startServer();
      await write("a", "restarted");
      await equal(60_000);
      await write("b", "old");
      await cluster.stopServer();
      await cluster.compact();
      await cluster.startServer();
      await remove("b");
      await equal(60_000);
      assert.equal(maps.failure, undefined);
    }));

  it("is equal again after the API server stood still", () =>
    withInformer(async () => {
      await write("a", "before");
      cluster.freezeServer();
      await eventually(
        () => maps.failure,
        (failure) => failure !== undefined,
      );
      cluster.thawServer();
      await write("a", "after");
      await equal(60_000);
    }));

  it("is equal again after etcd was away", () =>
    withInformer(async () => {
      await cluster.stopEtcd();
      proxy.dropWatches();
      await new Promise((resolve) => setTimeout(resolve, 3000));
      await cluster.startEtcd();
      await eventually(
        () =>
          write("a", "etcd is back").then(
            () => true,
            () => false,
          ),
        (written) => written,
        60_000,
      );
      await equal(60_000);
    }));

  it("hears a bookmark within 75 s from an API server that has nothing else to tell", async () => {
    const secrets = reader.informer({ resource: RESOURCES.Secret, silenceMs: 75_000 });
    await secrets.start();
    await eventually(
      () => reader.metric("informer_last_event_timestamp_seconds").catch(() => 0),
      (seconds) => seconds > 0,
      74_000,
    );
    assert.equal(proxy.count("watch"), 1);
    await secrets.stop();
    await reader.client.stop();
  });
});
