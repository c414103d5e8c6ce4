import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { parse, stringify } from "yaml";
import { parseManifest } from "../../../../src/api/index.ts";
import { parseBalancerSettings, parseServerXml } from "../../../../src/config/index.ts";
import { desiredBalancerSettings, desiredServerXml } from "../../../../src/operator/desired/index.ts";

// <case>.in.yaml is a manifest; <case>.out.xml and <case>.out.yaml are what workers and balancers get of it.
// UPDATE_GOLDEN=1 writes them anew: look at the difference before it is committed.
const FOLDER = new URL("../../../golden/desired/", import.meta.url);
const INPUT = ".in.yaml";

function compare(name: string, actual: string): void {
  const file = new URL(name, FOLDER);
  if (process.env.UPDATE_GOLDEN === "1") writeFileSync(file, actual);
  else assert.equal(actual, readFileSync(file, "utf8"), `${name} differs; run npm run fix:golden and look at the difference`);
}

for (const file of readdirSync(FOLDER).filter((entry) => entry.endsWith(INPUT))) {
  const name = file.slice(0, -INPUT.length);
  const cluster = parseManifest(readFileSync(new URL(file, FOLDER), "utf8"), file);

  test(`${name}: workers get the expected server.xml, and can read it`, () => {
    const text = desiredServerXml(cluster);
    compare(`${name}.out.xml`, text);
    const environment = {
      POD_NAME: `${cluster.metadata.name}-0`,
      POD_IP: "10.0.0.7",
      DNS_MEMBERSHIP_SERVICE_NAME: `${cluster.metadata.name}-members`,
    };
    const { config, notes } = parseServerXml(text, { file: "server.xml", environment, readFile: () => assert.fail("reads no file") });
    assert.deepEqual(
      notes.filter((note) => note.level !== "debug"),
      [],
    );
    assert.equal(config.service.engine.jvmRoute, environment.POD_NAME);
    assert.equal(config.service.engine.cluster?.channel.receiver.address, "10.0.0.7");
  });

  test(`${name}: balancers get the expected settings, and can read them`, () => {
    const text = stringify(desiredBalancerSettings(cluster));
    compare(`${name}.out.yaml`, text);
    assert.equal(parseBalancerSettings(parse(text)).discovery.type, "DNS");
  });
}
