// What balancers read when they start.
import { stringify } from "yaml";
import type { TomcatCluster } from "../../api/index.ts";
import { desiredBalancerSettings } from "./balancer-settings.ts";
import type { DesiredInputs } from "./desired-inputs.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { objectMeta } from "./labels.ts";
import { BALANCER_HTTPS_PORT, balancerConfigMapName } from "./names.ts";

export const SETTINGS_ENTRY = "balancer.yaml";
/** Where balancers have the Secret of spec.balancer.tls. */
export const TLS_DIRECTORY = "/run/secrets/tomcat-cluster/tls";

/** The settings of balancers in pods, as text. */
export function balancerSettingsText(cluster: TomcatCluster): string {
  const { ingress, httpRoute, tls } = cluster.spec.balancer;
  // What stands in front then says who the client is.
  const forwarded = ingress.enabled || httpRoute.enabled ? { forwarded: "Append" as const } : {};
  const certificate = { certificateFile: `${TLS_DIRECTORY}/tls.crt`, keyFile: `${TLS_DIRECTORY}/tls.key` };
  const listen = tls.enabled ? { listen: { tls: { port: BALANCER_HTTPS_PORT, ...certificate } } } : {};
  return stringify({ ...listen, ...desiredBalancerSettings(cluster), ...forwarded });
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
