import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { parse, stringify } from "yaml";
import { parseManifest, type TomcatCluster } from "../../../../src/api/index.ts";
import { parseBalancerSettings, parseServerXml } from "../../../../src/config/index.ts";
import { type DesiredInputs, desiredObjects, type KubernetesObject } from "../../../../src/operator/desired/index.ts";
import { DESIRED_INPUTS, objectOf } from "../../../support/desired-inputs.ts";

// <case>.in.yaml is a manifest, <case>.in.server.xml the server.xml that it names; <case>.out.yaml has every object that is applied.
// UPDATE_GOLDEN=1 writes them anew: look at the difference before it is committed.
const FOLDER = new URL("../../../golden/desired/", import.meta.url);
const INPUT = ".in.yaml";

function inputsOf(name: string, workers: number): DesiredInputs {
  const serverXml = new URL(`${name}.in.server.xml`, FOLDER);
  return {
    ...DESIRED_INPUTS,
    workers,
    ...(existsSync(serverXml) && { serverXml: { file: `${name}.in.server.xml`, text: readFileSync(serverXml, "utf8") } }),
  };
}

function withNamespace(cluster: TomcatCluster): TomcatCluster {
  return { ...cluster, metadata: { namespace: "default", ...cluster.metadata } };
}

function compare(name: string, actual: string): void {
  const file = new URL(name, FOLDER);
  if (process.env.UPDATE_GOLDEN === "1") writeFileSync(file, actual);
  else assert.equal(actual, readFileSync(file, "utf8"), `${name} differs; run npm run fix:golden and look at the difference`);
}

function dataOf(objects: readonly KubernetesObject[], entry: string): string {
  return objects.find(({ kind, data }) => kind === "ConfigMap" && data?.[entry] !== undefined)!.data![entry]!;
}

for (const file of readdirSync(FOLDER).filter((entry) => entry.endsWith(INPUT))) {
  const name = file.slice(0, -INPUT.length);
  const cluster = withNamespace(parseManifest(readFileSync(new URL(file, FOLDER), "utf8"), file));
  const objects = desiredObjects(cluster, inputsOf(name, cluster.spec.replicas));

  test(`${name}: the objects are the expected ones`, () => {
    const documents = objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }));
    compare(`${name}.out.yaml`, documents.join("---\n"));
  });

  test(`${name}: workers can read their server.xml`, () => {
    const environment = {
      POD_NAME: `${cluster.metadata.name}-0`,
      POD_IP: "10.0.0.7",
      DNS_MEMBERSHIP_SERVICE_NAME: `${cluster.metadata.name}-members`,
    };
    const readFile = () => assert.fail("reads no file");
    const { config, notes } = parseServerXml(dataOf(objects, "server.xml"), { file: "server.xml", environment, readFile });
    assert.deepEqual(
      notes.filter((note) => note.level !== "debug"),
      [],
    );
    assert.equal(config.service.engine.jvmRoute, environment.POD_NAME);
    assert.equal(config.service.engine.cluster?.channel.receiver.address, "10.0.0.7");
  });

  test(`${name}: balancers can read their settings, which name the workers' Service and its port`, () => {
    const { discovery } = parseBalancerSettings(parse(dataOf(objects, "balancer.yaml")));
    assert.ok(discovery.type === "EndpointSlice");
    const { spec } = objectOf(objects, "Service", discovery.service);
    assert.ok(spec.ports.some((port: { readonly name: string }) => port.name === discovery.portName));
  });
}
