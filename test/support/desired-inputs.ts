// What the operator would know of a cluster without anything special.
import { parseTomcatCluster, type TomcatCluster, type TomcatClusterManifest } from "../../src/api/index.ts";
import { DEFAULTS, type DesiredInputs, type KubernetesObject } from "../../src/operator/desired/index.ts";

export const DESIRED_INPUTS: DesiredInputs = {
  image: "registry.example/tomcat-cluster:1.2.3",
  defaults: DEFAULTS.at(-1)!,
  operatorNamespace: "tomcat-cluster",
  uid: "6b1e0c1e-0000-4000-8000-000000000001",
  workers: 3,
  channelKeys: { oldest: 1, sending: 1 },
  references: { workers: "", balancers: "" },
  knownKinds: ["PodMonitor", "PrometheusRule"],
};

export function clusterOf(spec: TomcatClusterManifest["spec"], name = "shop"): TomcatCluster {
  return parseTomcatCluster({ apiVersion: "tribes.dev/v1alpha1", kind: "TomcatCluster", metadata: { name, namespace: "web" }, spec });
}

/** The one object of that kind and name. Any fields may be read of it. */
export function objectOf(objects: readonly KubernetesObject[], kind: string, name: string) {
  const found = objects.filter((object) => object.kind === kind && object.metadata.name === name);
  if (found.length !== 1) throw new Error(`There are ${found.length} of ${kind} "${name}"`);
  // biome-ignore lint/suspicious/noExplicitAny: tests reach deep into objects whose types are Kubernetes' own
  return found[0] as any;
}
