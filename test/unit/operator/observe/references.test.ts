import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TomcatClusterManifest } from "../../../../src/api/index.ts";
import { type KubeObject, keyOf, type ObjectRef, type Resource } from "../../../../src/kube/index.ts";
import { References } from "../../../../src/operator/observe/references.ts";
import { clusterOf } from "../../../support/desired-inputs.ts";

const SERVER_XML = { configuration: { serverXml: { configMapKeyRef: { name: "own", key: "server.xml" } } } };

/** ConfigMap "web/own", and what is read of the API server. */
function setUp() {
  const reads: string[] = [];
  const own = { version: "1" as string | undefined, data: { "server.xml": "<Server/>" } };
  const find = (of: Resource, ref: ObjectRef) => {
    reads.push(`${of.kind} ${keyOf(ref)}`);
    return Promise.resolve((own.version === undefined ? undefined : { data: own.data }) as never);
  };
  const references = new References({ client: { find }, versionOf: () => own.version });
  const read = (spec: TomcatClusterManifest["spec"], generation = 1, uid = "u") => {
    const object = { apiVersion: "", kind: "", metadata: { namespace: "web", name: "shop", uid, generation } } satisfies KubeObject;
    return references.read(clusterOf(spec), object, new AbortController().signal);
  };
  const readsSince = () => reads.splice(0).join();
  return { own, references, read, readsSince };
}

describe("References", () => {
  it("read a ConfigMap once, and again when it or the manifest has changed", async () => {
    const { own, read, readsSince } = setUp();
    const first = await read(SERVER_XML);
    assert.equal(first.serverXml?.text, "<Server/>");
    assert.equal(readsSince(), "ConfigMap web/own");
    assert.equal(await read(SERVER_XML), first);
    assert.equal(readsSince(), "");
    own.version = "2";
    own.data = { "server.xml": "<Server port='1'/>" };
    const second = await read(SERVER_XML);
    assert.equal(readsSince(), "ConfigMap web/own");
    assert.notEqual(second.digests.workers, first.digests.workers);
    await read(SERVER_XML, 2);
    assert.equal(readsSince(), "ConfigMap web/own");
  });

  it("say what is missing, until it is there", async () => {
    const { own, read, readsSince } = setUp();
    own.version = undefined;
    assert.equal((await read(SERVER_XML)).missing, "ConfigMap own, key server.xml: not found");
    await read(SERVER_XML);
    assert.equal(readsSince(), "ConfigMap web/own");
    own.version = "1";
    assert.equal((await read(SERVER_XML)).missing, undefined);
  });

  it("read everything each time where a Secret is named, which nobody tells of", async () => {
    const { read, readsSince } = setUp();
    const env = [{ name: "P", valueFrom: { secretKeyRef: { name: "password", key: "p" } } }];
    for (const _time of [1, 2]) {
      await read({ ...SERVER_XML, template: { env } });
      assert.equal(readsSince(), "ConfigMap web/own,Secret web/password");
    }
  });

  it("read nothing where nothing is named, and forget clusters that are gone", async () => {
    const { references, read, readsSince } = setUp();
    assert.deepEqual((await read({})).digests, { workers: "", balancers: "" });
    assert.equal(readsSince(), "");
    await read(SERVER_XML);
    references.forget("u");
    await read(SERVER_XML);
    assert.equal(readsSince(), "ConfigMap web/own,ConfigMap web/own");
  });
});
