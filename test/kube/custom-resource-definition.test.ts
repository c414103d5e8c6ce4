// The CRD in a real API server: accepted, its rules enforced, its columns and subresources used, and what it describes accepted too.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { stringify } from "yaml";
import { API_SERVER_RULES, API_VERSION, KIND, ManifestError, parseManifest, parseTomcatCluster } from "../../src/api/index.ts";
import { fieldName } from "../../src/api/manifest-error.ts";
import { systemClock } from "../../src/base/index.ts";
import { isApiError, KubeConfigCredentials, type KubeObject, resource } from "../../src/kube/index.ts";
import { KubeApiServer } from "../support/kube-api-server.ts";
import { KubeTestClient } from "../support/kube-test-client.ts";
import { RULE_CASES } from "../support/rule-cases.ts";

const CRD = new URL("../../crds/tribes.dev_tomcatclusters.yaml", import.meta.url).pathname;
const GOLDEN = new URL("../golden/desired/", import.meta.url).pathname;
const CLUSTERS = resource(API_VERSION, KIND, "tomcatclusters");
const [NAME_RULE, GROUP_RULE] = API_SERVER_RULES;

let server: KubeApiServer;
let test: KubeTestClient;
let made = 0;

before(async () => {
  server = await KubeApiServer.start();
  test = new KubeTestClient(new KubeConfigCredentials({ clock: systemClock }, { kubeconfig: server.adminKubeconfig }));
  await server.kubectl("apply", "--server-side", "-f", CRD);
  await server.kubectl("wait", "--for=condition=Established", "-f", CRD);
  const web = { apiVersion: "v1", kind: "Namespace", metadata: { name: "web" } };
  await server.kubectl("create", "-f", write("web.yaml", [web]));
});

after(async () => {
  await test?.client.stop();
  await server?.stop();
});

function write(name: string, objects: readonly object[]): string {
  const file = server.file(name);
  writeFileSync(file, objects.map((object) => stringify(object, { aliasDuplicateObjects: false })).join("---\n"));
  return file;
}

function manifest(spec: object | undefined, name = `case-${made++}`): KubeObject {
  return { apiVersion: API_VERSION, kind: KIND, metadata: { name, namespace: "default" }, ...(spec && { spec }) } as KubeObject;
}

function create(spec: object | undefined, name?: string): Promise<KubeObject> {
  return test.client.create(CLUSTERS, manifest(spec, name));
}

/** The sentences of a refusal. */
async function refusal(call: Promise<unknown>): Promise<readonly string[]> {
  try {
    await call;
  } catch (error) {
    assert.ok(isApiError(error, "Invalid"), String(error));
    return (error.status?.details?.causes ?? []).map(({ field, message }) => `${field}: ${message?.replace(/^Invalid value: /, "")}`);
  }
  assert.fail("it was accepted");
}

/** What this program says of a specification, in the same form. */
function problemsOf(spec: object): readonly string[] {
  try {
    parseTomcatCluster(manifest(spec));
    return [];
  } catch (error) {
    assert.ok(error instanceof ManifestError);
    return error.problems.map(({ path, message }) => `${fieldName(path)}: ${message}`);
  }
}

describe("the CRD in a real API server", () => {
  for (const { what, spec, valid } of RULE_CASES) {
    it(`${valid ? "accepts" : "refuses"} ${what}${valid ? "" : ", with the sentences that this program has for it"}`, async () => {
      if (valid) return void (await create(spec));
      const ours = problemsOf(spec);
      assert.ok(ours.length > 0);
      assert.deepEqual((await refusal(create(spec))).toSorted(), ours.toSorted());
    });
  }

  it("names a rule's place down to the entry of a list", async () => {
    const source = { url: { address: "https://files.example/a.tgz", sha256: "0".repeat(64) }, configMap: { name: "a" } };
    const [sentence] = await refusal(create({ applications: [{ path: "/" }, { path: "/x", source }] }));
    assert.match(sentence!, /^spec\.applications\[1\]\.source: .*at most one of image, url, configMap, claim may be given$/);
  });

  it("refuses names that pods and routes could not have", async () => {
    for (const name of ["1shop", "a".repeat(41), "shop.eu"]) {
      const sentences = await refusal(create({}, name));
      assert.ok(
        sentences.some((sentence) => sentence.includes(NAME_RULE!.message)),
        sentences.join("\n"),
      );
    }
    await create({}, "a".repeat(40));
  });

  it("refuses two hosts and two applications of one name", async () => {
    const twice = [{ name: "a" }, { name: "a" }];
    assert.match((await refusal(create({ hosts: twice }))).join("\n"), /spec\.hosts\[1\]: Duplicate value/);
    const applications = [{ path: "/x" }, { path: "/x", host: "localhost" }];
    assert.match((await refusal(create({ applications }))).join("\n"), /spec\.applications\[1\]: Duplicate value/);
  });

  it("fills in the defaults of this program, and nothing else", async () => {
    for (const spec of [undefined, {}, { balancer: { ingress: { enabled: true } }, applications: [{ path: "/", source: {} }] }]) {
      const created = (await create(spec)) as KubeObject & { readonly spec: unknown };
      assert.deepEqual(created.spec, parseTomcatCluster(manifest(spec)).spec);
    }
  });

  it("keeps free-form parts as they are written, with what they take away", async () => {
    const podOverlay = {
      spec: { securityContext: { runAsUser: null }, runtimeClassName: "gvisor", hostAliases: [{ ip: "10.0.0.1", hostnames: ["a"] }] },
    };
    const affinity = { podAntiAffinity: {} };
    const created = (await create({ template: { podOverlay, affinity } })) as KubeObject & {
      readonly spec: { readonly template: unknown };
    };
    assert.deepEqual(created.spec.template, { podOverlay, affinity });
  });

  it("lets the group change only while no worker runs, and says what would be lost and what to do", async () => {
    const name = "group";
    await create({}, name);
    const ref = { name, namespace: "default" };
    const change = (port: number) => test.client.merge(CLUSTERS, ref, { spec: { group: { receiver: { port } } } });
    const running = (replicas: number) =>
      test.client.applyStatus(CLUSTERS, { apiVersion: API_VERSION, kind: KIND, metadata: ref, status: { replicas } } as KubeObject, {
        fieldManager: "test",
      });
    await change(4001);
    await running(2);
    assert.ok((await refusal(change(4002))).some((sentence) => sentence.includes(GROUP_RULE!.message)));
    await test.client.merge(CLUSTERS, ref, { spec: { replicas: 5, group: { receiver: { port: 4001 } } } });
    await running(0);
    await change(4002);
  });

  it("answers in one line whether it is well", async () => {
    const name = "columns";
    await create({}, name);
    const lastTransitionTime = "2026-01-01T00:00:00Z";
    const conditions = [
      { type: "Ready", status: "False", reason: "WorkersNotReady", message: "shop-2 is starting", lastTransitionTime },
      { type: "WellFormed", status: "True", reason: "OneView", message: "3 members", lastTransitionTime },
    ];
    const status = { observedGeneration: 1, replicas: 3, readyReplicas: 2, updatedReplicas: 3, selector: "a=b", conditions };
    const object = { apiVersion: API_VERSION, kind: KIND, metadata: { name, namespace: "default" }, status } as KubeObject;
    await test.client.applyStatus(CLUSTERS, object, { fieldManager: "test" });
    const [head, line] = (await server.kubectl("get", "tomcat", name)).trim().split("\n");
    assert.deepEqual(head!.split(/\s+/), ["NAME", "READY", "REASON", "WORKERS", "WANTED", "ONE-GROUP", "AGE"]);
    assert.match(line!, /^columns\s+False\s+WorkersNotReady\s+2\s+3\s+True\s+\S+$/);
    assert.match(await server.kubectl("get", "tomcat", name, "-o", "wide"), /UPDATED .*MESSAGE[\s\S]*shop-2 is starting/);
    assert.match(await server.kubectl("get", "all"), /tomcatcluster\.tribes\.dev\/columns/);
  });

  it("scales", async () => {
    await create({ replicas: 2 }, "scaled");
    await server.kubectl("scale", "tomcat", "scaled", "--replicas=4");
    assert.equal(await server.kubectl("get", "tomcat", "scaled", "-o", "jsonpath={.spec.replicas}"), "4");
  });

  it("explains every field", async () => {
    const text = await server.kubectl("explain", "tomcatcluster.spec", "--recursive");
    assert.doesNotMatch(text, /<no description>/i);
    assert.match(await server.kubectl("explain", "tomcat.spec.drain.deadlineSeconds"), /closes them after this time whatever happens/);
  });

  it("refuses a misspelt field with kubectl", async () => {
    await assert.rejects(
      server.kubectl("create", "-f", write("misspelt.yaml", [manifest({ replica: 3 })])),
      /unknown field "spec\.replica"/,
    );
  });

  for (const file of readdirSync(GOLDEN).filter((name) => name.endsWith(".in.yaml"))) {
    it(`accepts the manifest ${file}, without a field that it does not know`, async () => {
      await server.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", `${GOLDEN}${file}`);
    });
  }

  it("accepts the sample as kubectl sends it", async () => {
    const sample = new URL("../../deploy/samples/shop.yaml", import.meta.url).pathname;
    await server.kubectl("apply", "--validate=strict", "-f", sample);
    assert.equal(parseManifest(readFileSync(sample, "utf8"), sample).metadata.name, "shop");
  });
});
