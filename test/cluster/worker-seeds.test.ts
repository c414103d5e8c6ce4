// The <Cluster> elements that people have copied for years: inside Tomcat's own server.xml, with DNS in place of multicast, workers start with them.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { ENTRY, ManifestFolder } from "../support/local-cluster.ts";
import { DNS_MEMBERSHIP, readServerXmlFixture, stockServerXml, withDnsMembership } from "../support/server-xml-texts.ts";
import { TestWorkers } from "../support/test-workers.ts";

const GROUP = "shop-members";
const REFUSED_ADDRESS = "127.0.187.9";

/** Stock server.xml around a seed's element, with addresses of its own so that several run on one machine. Nothing else is changed. */
function seededServerXml(fixture: string): string {
  const text = stockServerXml(withDnsMembership(readServerXmlFixture(fixture)))
    .replace('<Connector port="8080"', `<Connector port="8080" address="\${POD_IP}"`)
    .replace('jvmRoute="worker1"', `jvmRoute="\${POD_NAME}"`)
    .replace('address="auto"', `address="\${POD_IP}"`);
  assert.equal(text.match(/\$\{POD_IP\}/g)?.length, 2);
  assert.ok(text.includes(DNS_MEMBERSHIP) && text.includes(`jvmRoute="\${POD_NAME}"`));
  return text;
}

const groups = [
  { title: "two workers with the <Cluster> of seed 001", fixtures: ["seed-001-cluster.xml", "seed-001-cluster.xml"], subnet: 185 },
  { title: "the two workers of seed 002", fixtures: ["seed-002-cluster-1.xml", "seed-002-cluster-2.xml"], subnet: 186 },
];

describe("a worker with a <Cluster> that people have", { concurrency: true }, () => {
  for (const { title, fixtures, subnet } of groups) {
    it(`${title} become ready, form a group and serve one session in turn`, async () => {
      const addresses = fixtures.map((_, index) => `127.0.${subnet}.${index + 1}`);
      const workers = await TestWorkers.start({
        addresses,
        groupAddresses: addresses,
        groupName: GROUP,
        serverXml: ({ index }) => seededServerXml(fixtures[index]!),
      });
      try {
        for (const address of addresses) assert.equal((await fetch(`http://${address}:9090/readyz`)).status, 200);
        await workers.membersSeen(1);
        const created = await fetch(`${workers.url(0)}/hit`);
        const cookie = created.headers.get("set-cookie")!.split(";", 1)[0]!;
        const first = (await created.json()) as { n: number; sessionId: string };
        assert.equal(first.n, 1);
        const stem = first.sessionId.replace(/\.worker-0$/, "");
        assert.notEqual(stem, first.sessionId);
        // channelSendOptions is 8 in both seeds: nobody waits for the other worker, so its copy may come a moment later.
        const copied = await workers.eventually(
          async () => (await fetch(`${workers.url(1)}/?op=peek&k=n`, { headers: { cookie } })).text(),
          (text) => text !== "no session" && !text.endsWith("null"),
        );
        assert.equal(copied, `${stem}.worker-1 number 1`);
        const second = await fetch(`${workers.url(1)}/hit`, { headers: { cookie: `JSESSIONID=${stem}.worker-1` } });
        assert.deepEqual(await second.json(), { n: 2, sessionId: `${stem}.worker-1` });
      } finally {
        await workers.stop();
      }
    });
  }

  const refusals = [
    { fixture: "seed-003-default-cluster.xml", later: ["FarmWarDeployer"] },
    { fixture: "seed-003-backup-cluster.xml", later: ["FarmWarDeployer"] },
  ];
  for (const { fixture, later } of refusals) {
    it(`${fixture} is refused by name of what comes later, before anything listens`, async () => {
      const folder = new ManifestFolder().write("conf/server.xml", stockServerXml(readServerXmlFixture(fixture)));
      try {
        const flags = ["--base", folder.path, "--management-address", REFUSED_ADDRESS];
        const child = spawn(process.execPath, [ENTRY, "worker", ...flags], { stdio: ["ignore", "ignore", "pipe"] });
        let stderr = "";
        child.stderr.on("data", (chunk) => {
          stderr += chunk;
        });
        let ended = false;
        const closed = once(child, "close").then(([code]) => {
          ended = true;
          return code as number;
        });
        while (!ended) assert.equal(await listens(REFUSED_ADDRESS, 9090), false, "the management port listens");
        assert.equal(await closed, 1, stderr);
        for (const className of later)
          assert.match(stderr, new RegExp(`server\\.xml:\\d+:\\d+: .*${className}" is not supported in this version: `), className);
        assert.doesNotMatch(stderr, /\n\s+at /);
      } finally {
        folder.remove();
      }
    });
  }
});

function listens(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, address);
    const end = (result: boolean) => {
      socket.destroy();
      setTimeout(resolve, 5, result);
    };
    socket.once("connect", () => end(true)).once("error", () => end(false));
  });
}
