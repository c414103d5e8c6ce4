// How many pods a drained node may take away at a time.
import type { TomcatCluster } from "../../api/index.ts";
import type { DesiredInputs } from "./desired-inputs.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { type Component, objectMeta, selectorLabels } from "./labels.ts";
import { balancerName, workersPolicyName } from "./names.ts";

/** Pods that are not ready are never held back: ones that crash must not keep a node from being drained. */
export function desiredDisruptionBudgets(cluster: TomcatCluster, inputs: DesiredInputs): readonly KubernetesObject[] {
  const { enabled, maxUnavailable } = cluster.spec.disruptionBudget;
  if (!enabled) return [];
  const budget = (component: Component, name: string, unavailable: number): KubernetesObject => ({
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: objectMeta(cluster, inputs, { name, component }),
    spec: {
      maxUnavailable: unavailable,
      unhealthyPodEvictionPolicy: "AlwaysAllow",
      selector: { matchLabels: selectorLabels(cluster, component) },
    },
  });
  return [budget("worker", workersPolicyName(cluster), maxUnavailable), budget("balancer", balancerName(cluster), 1)];
}
