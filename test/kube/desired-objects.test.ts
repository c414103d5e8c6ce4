// What is made of every golden manifest, in a real API server: admitted, stable when it is applied again, and shared with autoscalers.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { parseAllDocuments, stringify } from "yaml";
import { systemClock } from "../../src/base/index.ts";
import { ApiError, isApiError, KubeConfigCredentials, type KubeObject, RESOURCES } from "../../src/kube/index.ts";
import { resourceOf } from "../../src/operator/apply/owned-kinds.ts";
import { desiredObjects, INITIAL_BALANCERS } from "../../src/operator/desired/index.ts";
import { clusterOf, DESIRED_INPUTS, objectOf } from "../support/desired-inputs.ts";
import { KubeApiServer } from "../support/kube-api-server.ts";
import { KubeTestClient } from "../support/kube-test-client.ts";
import { definitionFile } from "../support/kubernetes-assets.ts";

const GOLDEN = new URL("../golden/desired/", import.meta.url).pathname;
const OUTPUT = ".out.yaml";
const PODS = ["StatefulSet", "Deployment"];

let server: KubeApiServer;
let test: KubeTestClient;

before(async () => {
  server = await KubeApiServer.start();
  test = new KubeTestClient(new KubeConfigCredentials({ clock: systemClock }, { kubeconfig: server.adminKubeconfig }));
  for (const plural of ["httproutes", "podmonitors", "prometheusrules"] as const) {
    await server.kubectl("apply", "--server-side", "-f", definitionFile(plural));
    await server.kubectl("wait", "--for=condition=Established", "-f", definitionFile(plural));
  }
  await namespace("web");
  await namespace("restricted", { "pod-security.kubernetes.io/enforce": "restricted" });
});

after(async () => {
  await test?.client.stop();
  await server?.stop();
});

function namespace(name: string, labels: Record<string, string> = {}): Promise<unknown> {
  return test.client.create(RESOURCES.Namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } } as KubeObject);
}

// biome-ignore lint/suspicious/noExplicitAny: objects whose types are Kubernetes' own
function objectsOf(name: string): readonly any[] {
  const documents = parseAllDocuments(readFileSync(`${GOLDEN}${name}${OUTPUT}`, "utf8"));
  return documents.map((document) => document.toJS());
}

function apply(object: KubeObject): Promise<KubeObject> {
  return test.client.apply(resourceOf(object.kind), object, { fieldManager: "test" });
}

describe("what is made of a TomcatCluster, in a real API server", () => {
  for (const file of readdirSync(GOLDEN).filter((entry) => entry.endsWith(OUTPUT))) {
    const name = file.slice(0, -OUTPUT.length);

    it(`${name}: is accepted, with no field that the API server does not know`, async () => {
      const path = server.file(file);
      writeFileSync(
        path,
        objectsOf(name)
          .map((object) => stringify(object, { aliasDuplicateObjects: false }))
          .join("---\n"),
      );
      await server.kubectl("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", path);
    });

    it(`${name}: applied again changes nothing`, async () => {
      for (const object of objectsOf(name)) {
        const first = await apply(object);
        assert.equal(
          (await apply(object)).metadata.resourceVersion,
          first.metadata.resourceVersion,
          `${object.kind} ${object.metadata.name}`,
        );
      }
    });

    // A container of the overlay's own is the user's affair.
    if (name === "pods") continue;
    it(`${name}: makes pods that Pod Security "restricted" admits`, async () => {
      for (const { kind, spec } of objectsOf(name).filter((object) => PODS.includes(object.kind))) {
        const metadata = { name: `${name}-${kind.toLowerCase()}`, namespace: "restricted" };
        await test.client.create(RESOURCES.Pod, { apiVersion: "v1", kind: "Pod", metadata, spec: spec.template.spec } as KubeObject);
      }
    });
  }

  it('refuses, under "restricted", pods that are not made so: the tests above can fail', async () => {
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "bare", namespace: "restricted" },
      spec: { containers: [{ name: "c", image: "i" }] },
    };
    const refused = test.client.create(RESOURCES.Pod, pod as KubeObject);
    await assert.rejects(refused, (error) => error instanceof ApiError && /violates PodSecurity "restricted/.test(error.message));
  });

  it("balancers are as many as they were created with, or as an autoscaler says, however often the rest is applied", async () => {
    type Scaled = KubeObject & { readonly spec: { readonly replicas: number } };
    const desired = (name: string, balancer: object) =>
      objectOf(desiredObjects(clusterOf({ balancer }, name), DESIRED_INPUTS), "Deployment", `${name}-balancer`);
    const object = desired("scaled", {});
    await test.client.create(RESOURCES.Deployment, { ...object, spec: { ...object.spec, replicas: INITIAL_BALANCERS } });
    assert.equal(((await apply(object)) as Scaled).spec.replicas, INITIAL_BALANCERS);
    await server.kubectl("scale", "deployment", "scaled-balancer", "--namespace=web", "--replicas=7");
    assert.equal(((await apply(object)) as Scaled).spec.replicas, 7);
    const changed = desired("scaled", { timeouts: { headSeconds: 3 } });
    assert.equal(((await apply(changed)) as Scaled).spec.replicas, 7);
  });

  it("balancers may ask where workers are, and nothing else", async () => {
    const objects = desiredObjects(clusterOf({}, "asking"), DESIRED_INPUTS);
    for (const object of objects.filter(({ kind }) => ["ServiceAccount", "Role", "RoleBinding"].includes(kind)))
      await apply(object as KubeObject);
    const kubeconfig = await server.serviceAccountKubeconfig("web", "asking-balancer");
    const { client } = new KubeTestClient(new KubeConfigCredentials({ clock: systemClock }, { kubeconfig }));
    try {
      assert.deepEqual(await client.list(RESOURCES.EndpointSlice, { namespace: "web" }), []);
      for (const [resource, within] of [
        [RESOURCES.Secret, "web"],
        [RESOURCES.Pod, "web"],
        [RESOURCES.EndpointSlice, "default"],
      ] as const) {
        await assert.rejects(client.list(resource, { namespace: within }), (error) => isApiError(error, "Forbidden"));
      }
    } finally {
      await client.stop();
    }
  });
});
