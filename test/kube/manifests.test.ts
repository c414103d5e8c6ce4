// What deploy/ has for people without Helm, on a real API server: the operator, and the samples.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { parseAllDocuments } from "yaml";
import type { KubeObject } from "../../src/kube/index.ts";
import { MANIFESTS, operatorManifests, ROOT } from "../support/generated-files.ts";
import { KubeApiServer } from "../support/kube-api-server.ts";
import { ENTRY } from "../support/local-cluster.ts";

const DEPLOY = join(ROOT, "deploy");
const SAMPLES = join(DEPLOY, "samples");

describe("deploy/", () => {
  let server: KubeApiServer;

  before(async () => {
    server = await KubeApiServer.start();
  });

  after(async () => {
    await server?.stop();
  });

  /** Of what kubectl answers: names, and generations, or versions where there are none. */
  async function versions(...command: readonly string[]): Promise<readonly (readonly string[])[]> {
    const { items } = JSON.parse(await server.kubectl(...command, "--output=json")) as { items: readonly KubeObject[] };
    const versionOf = ({ generation, resourceVersion }: KubeObject["metadata"]) => String(generation ?? resourceVersion);
    return items.map(({ kind, metadata }) => [`${kind}/${metadata.name}`, versionOf(metadata)]);
  }

  it(`${MANIFESTS} is what the chart makes: npm run generate`, () => {
    assert.equal(readFileSync(resolve(ROOT, MANIFESTS), "utf8"), operatorManifests());
  });

  it("installs the operator with kubectl apply -k, and applied again changes nothing", async () => {
    await server.kubectl("apply", "-k", DEPLOY);
    await server.kubectl("wait", "--for=condition=Established", "crd/tomcatclusters.tribes.dev");
    const made = await versions("get", "-k", DEPLOY);
    assert.ok(made.length > 8);
    assert.deepEqual(await versions("apply", "-k", DEPLOY), made);
  });

  it("tells the operator the image that kustomize is told", async () => {
    const folder = mkdtempSync(join(tmpdir(), "deploy-"));
    try {
      cpSync(DEPLOY, join(folder, "deploy"), { recursive: true });
      cpSync(join(ROOT, "crds"), join(folder, "crds"), { recursive: true });
      const file = join(folder, "deploy/kustomization.yaml");
      writeFileSync(file, readFileSync(file, "utf8").replace("newName: tomcat-cluster", "newName: registry.example/ours"));
      const objects = parseAllDocuments(await server.kubectl("kustomize", join(folder, "deploy"))).map((document) => document.toJS());
      const [container] = objects.find(({ kind }) => kind === "Deployment").spec.template.spec.containers;
      assert.match(container.image, /^registry\.example\/ours:\d/);
      assert.equal(container.env.find(({ name }: { name: string }) => name === "OPERATOR_IMAGE").value, container.image);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  for (const sample of ["smallest.yaml", "full.yaml", "shop.yaml", "server-xml/cluster.yaml"]) {
    const file = join(SAMPLES, sample);

    it(`samples/${sample} is accepted, with no field that the API server does not know`, async () => {
      await server.kubectl("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", file);
    });

    it(`samples/${sample} can be rendered`, async () => {
      const made = parseAllDocuments(await server.kubectl("kustomize", sample.startsWith("server-xml/") ? dirname(file) : SAMPLES));
      const references = server.file("references.yaml");
      writeFileSync(references, made.filter((object) => object.get("kind") === "ConfigMap").join(""));
      const rendered = execFileSync(process.execPath, [ENTRY, "render", file, references], { encoding: "utf8" });
      const objects = parseAllDocuments(rendered);
      assert.ok(objects.some((object) => object.get("kind") === "StatefulSet"));
    });
  }

  for (const sample of [".", "server-xml"]) {
    it(`samples/${sample} comes with its ConfigMap: kubectl apply -k`, async () => {
      const made = await versions("apply", "-k", join(SAMPLES, sample));
      assert.deepEqual(
        made.map(([name]) => name!.split("/")[0]),
        ["ConfigMap", "TomcatCluster"],
      );
      assert.deepEqual(await versions("apply", "-k", join(SAMPLES, sample)), made);
    });
  }
});
