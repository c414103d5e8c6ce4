// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of server.xml look like those of templates
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTomcatCluster, type TomcatClusterManifest } from "../../../../src/api/index.ts";
import { parseServerXml } from "../../../../src/config/index.ts";
import {
  CHANNEL_KEY_DIRECTORY,
  desiredServerXml,
  type ServerXmlPlace,
  WORKER_ENVIRONMENT,
} from "../../../../src/operator/desired/index.ts";

const ENVIRONMENT = { POD_NAME: "shop-2", POD_IP: "10.0.0.9", DNS_MEMBERSHIP_SERVICE_NAME: "shop-members" };

function cluster(spec: TomcatClusterManifest["spec"]) {
  return parseTomcatCluster({ apiVersion: "tribes.dev/v1alpha1", kind: "TomcatCluster", metadata: { name: "shop" }, spec });
}

function engineOf(spec: TomcatClusterManifest["spec"], place?: ServerXmlPlace) {
  const text = desiredServerXml(cluster(spec), place);
  return parseServerXml(text, { file: "server.xml", environment: ENVIRONMENT, readFile: () => assert.fail() }).config.service.engine;
}

for (const [mode, options] of [
  ["Synchronous", 6],
  ["Asynchronous", 8],
  ["AsynchronousAcknowledged", 10],
] as const) {
  test(`${mode} replication is channelSendOptions ${options}`, () => {
    assert.equal(engineOf({ replication: { mode } }).cluster?.channelSendOptions, options);
  });
}

test("one text serves all pods: replicas do not change it, placeholders are what differs", () => {
  assert.equal(desiredServerXml(cluster({ replicas: 1 })), desiredServerXml(cluster({ replicas: 50 })));
  const used = new Set([...desiredServerXml(cluster({})).matchAll(/\$\{([^}]*)\}/g)].map((match) => match[1]));
  assert.deepEqual([...used].sort(), Object.values(WORKER_ENVIRONMENT).toSorted());
});

test("the receiver keeps the group's one port, and sends over four lanes", () => {
  const channel = engineOf({ group: { receiver: { port: 4100 } } }).cluster?.channel;
  assert.partialDeepStrictEqual(channel, {
    receiver: { address: "10.0.0.9", port: 4100, autoBind: 1 },
    sender: { poolSize: 4, timeoutMs: 1000 },
  });
});

test("messages are encrypted with the keys of a folder, above the failure detector; not where the user says so", () => {
  const interceptors = (spec: TomcatClusterManifest["spec"], place?: ServerXmlPlace) =>
    engineOf(spec, place).cluster!.channel.interceptors.map(({ className, attributes }) => [
      className.split(".").at(-1),
      attributes.encryptionAlgorithm,
      attributes.encryptionKeyDirectory,
    ]);
  const [dispatch, detector] = [
    ["MessageDispatchInterceptor", undefined, undefined],
    ["TcpFailureDetector", undefined, undefined],
  ];
  assert.deepEqual(interceptors({}), [dispatch, ["EncryptInterceptor", "AES/GCM/NoPadding", CHANNEL_KEY_DIRECTORY], detector]);
  assert.deepEqual(interceptors({ group: { encryption: { mode: "SharedKey" } } }, { channelKeyDirectory: "/tmp/keys" }), [
    dispatch,
    ["EncryptInterceptor", "AES/GCM/NoPadding", "/tmp/keys"],
    detector,
  ]);
  assert.deepEqual(interceptors({ group: { encryption: { mode: "Disabled" } } }), [dispatch, detector]);
});

test("what the user does not set keeps the data plane's default", () => {
  const engine = engineOf({});
  assert.partialDeepStrictEqual(engine.cluster, {
    clusterName: "shop",
    manager: { type: "Delta", attributes: { maxActiveSessions: 100_000 } },
    channel: { membership: { dnsName: "shop-members", refreshMs: 2000, expirationMs: 5000 } },
  });
  assert.partialDeepStrictEqual(engine.hosts[0]?.defaultContext, {
    sessionTimeoutSeconds: 1800,
    sessionCookieName: "JSESSIONID",
    sameSiteCookies: "unset",
  });
});

test("further interceptors have their places, whatever their order in the manifest", () => {
  const { interceptors } = engineOf({
    group: { interceptors: [{ type: "Throughput" }, { type: "Gzip", attributes: { compressionMinSize: 1024, statsEnabled: true } }] },
  }).cluster!.channel;
  assert.deepEqual(
    interceptors.map(({ className }) => className.split(".").at(-1)),
    ["MessageDispatchInterceptor", "GzipInterceptor", "EncryptInterceptor", "ThroughputInterceptor", "TcpFailureDetector"],
  );
  assert.partialDeepStrictEqual(interceptors[1]!.attributes, { compressionMinSize: 1024, statsEnabled: true, interval: 0 });
  assert.equal(interceptors[3]!.attributes.interval, 10_000);
});

test("a BackupManager sends as the mode of replication says", () => {
  const managerOf = (spec: TomcatClusterManifest["spec"]) => engineOf(spec).cluster!.manager;
  assert.equal(managerOf({}).type, "Delta");
  const backup = managerOf({ group: { manager: { type: "Backup" } }, replication: { mode: "Asynchronous" }, sessions: { maxActive: 7 } });
  assert.equal(backup.type, "Backup");
  assert.partialDeepStrictEqual(backup.attributes, { mapSendOptions: 8, maxActiveSessions: 7 });
});

test("without a list every folder of appBase is deployed and replicated", () => {
  const [host] = engineOf({}, { appBase: "/srv/webapps" }).hosts;
  assert.partialDeepStrictEqual(host, {
    appBase: "/srv/webapps",
    autoDeploy: true,
    deployOnStartup: true,
    defaultContext: { distributable: true },
    contexts: [],
  });
});

test("with a list exactly its applications are deployed, each with its host", () => {
  const { hosts, defaultHost } = engineOf({
    hosts: [{ name: "a" }, { name: "b", aliases: ["c"] }],
    applications: [
      { host: "a", path: "/" },
      { host: "b", path: "/x/y", distributable: false },
    ],
  });
  assert.equal(defaultHost, "a");
  assert.deepEqual(
    hosts.map((host) => [
      host.name,
      host.aliases,
      host.autoDeploy,
      host.deployOnStartup,
      host.contexts.map(({ path, docBase, distributable }) => [path, docBase, distributable]),
    ]),
    [
      ["a", [], false, false, [["", "ROOT", true]]],
      ["b", ["c"], false, false, [["/x/y", "x#y", false]]],
    ],
  );
});

test("a place may name the members itself", () => {
  assert.partialDeepStrictEqual(engineOf({}, { dnsName: "other" }).cluster?.channel.membership, { type: "DNS", dnsName: "other" });
});

test("several filters are alternatives, none is no filter", () => {
  const filterOf = (filter: string[]) => engineOf({ replication: { filter } }).cluster?.valves[1]?.attributes.filter;
  assert.equal(filterOf([".*a", ".*b"]), ".*a|.*b");
  assert.equal(filterOf([]), undefined);
});
