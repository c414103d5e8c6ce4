import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { parseManifest } from "../../../src/api/index.ts";
import { CLASS_NAMES, describeServerXml } from "../../../src/config/index.ts";
import { serverXmlPage } from "../../support/server-xml-page.ts";

const PAGE = new URL("../../../docs/server-xml.md", import.meta.url);
const README = new URL("../../../README.md", import.meta.url);

const OURS = describeServerXml().filter(({ ours }) => ours);

test("docs/server-xml.md is what the registry says, and README.md leads to it", () => {
  const page = serverXmlPage();
  if (process.env.UPDATE_GOLDEN === "1") writeFileSync(PAGE, page);
  else assert.equal(page, readFileSync(PAGE, "utf8"), "docs/server-xml.md differs; run npm run fix:golden and look at the difference");
  assert.match(readFileSync(README, "utf8"), /\(docs\/server-xml\.md\)/);
});

test("each attribute of our own names the rule that it serves, and so does each that means something else than in Tomcat", () => {
  const ruled = describeServerXml().filter(({ ours, tomcat, element }) => (ours && element !== "DefaultContext") || tomcat !== undefined);
  const plain = ruled.filter(({ rule }) => rule === undefined).map(({ attribute }) => attribute);
  assert.deepEqual(plain, ["sessionTimeoutSeconds", "payload"], "it serves none");
});

/** The settings that the rules name, where they stand in server.xml. */
for (const [rule, className, attribute, value] of [
  [1, CLASS_NAMES.cloudMembershipService, "dnsServer", undefined],
  [1, CLASS_NAMES.cloudMembershipService, "refreshInterval", 2000],
  [6, CLASS_NAMES.nioReceiver, "maxFrameBytes", 67_108_864],
  [8, CLASS_NAMES.replicationValve, "durability", "Preferred"],
  [10, CLASS_NAMES.pooledParallelSender, "poolSize", 25],
  [11, CLASS_NAMES.pooledParallelSender, "maxQueueBytes", 67_108_864],
  [18, CLASS_NAMES.standardService, "gracefulStopAwaitMillis", 20_000],
  [18, CLASS_NAMES.standardService, "drainQuietMillis", 2000],
  [20, CLASS_NAMES.nioReceiver, "trustProxiedPeers", false],
  [21, CLASS_NAMES.encryptInterceptor, "encryptionKeyDirectory", undefined],
  [21, CLASS_NAMES.encryptInterceptor, "replayWindowMessageCount", 1_000_000],
  [22, CLASS_NAMES.deltaManager, "maxActiveSessions", 100_000],
] as const) {
  test(`rule ${rule}: ${attribute} is an attribute of server.xml${value === undefined ? "" : `, ${value} by default`}`, () => {
    const row = describeServerXml().find((candidate) => candidate.className === className && candidate.attribute === attribute);
    assert.deepEqual([row?.rule, row?.default], [rule, value]);
  });
}

test("none of our own attributes is written for a Tomcat: nothing is, since a manifest cannot ask for one", () => {
  assert.ok(OURS.length > 0);
  const manifest = { apiVersion: "tribes.dev/v1alpha1", kind: "TomcatCluster", metadata: { name: "shop" }, spec: { runtime: {} } };
  assert.throws(() => parseManifest(JSON.stringify(manifest), "shop.yaml"), /runtime/);
});
