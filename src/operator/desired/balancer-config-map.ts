// What balancers read when they start.
import { stringify } from "yaml";
import type { TomcatCluster } from "../../api/index.ts";
import { desiredBalancerSettings } from "./balancer-settings.ts";
import type { DesiredInputs } from "./desired-inputs.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { objectMeta } from "./labels.ts";
import { balancerConfigMapName } from "./names.ts";

export const SETTINGS_ENTRY = "balancer.yaml";

/** The settings of balancers in pods, as text. */
export function balancerSettingsText(cluster: TomcatCluster): string {
  const { ingress, httpRoute } = cluster.spec.balancer;
  // What stands in front then says who the client is.
  const forwarded = ingress.enabled || httpRoute.enabled ? { forwarded: "Append" as const } : {};
  return stringify({ ...desiredBalancerSettings(cluster), ...forwarded });
}

/** `settings`: `balancerSettingsText`. */
export function desiredBalancerConfigMap(cluster: TomcatCluster, inputs: DesiredInputs, settings: string): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: objectMeta(cluster, inputs, { name: balancerConfigMapName(cluster), component: "balancer" }),
    data: { [SETTINGS_ENTRY]: settings },
  };
}
