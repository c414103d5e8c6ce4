// Everything that a TomcatCluster is made of, in the order in which it is applied: what pods read comes before the pods.
import type { TomcatCluster } from "../../api/index.ts";
import { desiredBalancerAccess } from "./balancer-access.ts";
import { balancerSettingsText, desiredBalancerConfigMap } from "./balancer-config-map.ts";
import { desiredBalancerDeployment } from "./balancer-deployment.ts";
import { desiredBalancerService } from "./balancer-service.ts";
import type { DesiredInputs } from "./desired-inputs.ts";
import { desiredDisruptionBudgets } from "./disruption-budgets.ts";
import { desiredHttpRoute } from "./http-route.ts";
import { desiredIngress } from "./ingress.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { desiredMembersService } from "./members-service.ts";
import { desiredNetworkPolicies } from "./network-policies.ts";
import { desiredPodMonitor } from "./pod-monitor.ts";
import { desiredPrometheusRule } from "./prometheus-rule.ts";
import { desiredServerXml } from "./server-xml.ts";
import { desiredWorkerConfigMap } from "./worker-config-map.ts";
import { desiredWorkerStatefulSet } from "./worker-stateful-set.ts";
import { desiredWorkersService } from "./workers-service.ts";

/**
 * All but the Secrets of the channel's keys, which are not applied: `desiredChannelSecret`. Throws ServerXmlError when the server.xml
 * that the manifest names cannot be merged.
 */
export function desiredObjects(cluster: TomcatCluster, inputs: DesiredInputs): readonly KubernetesObject[] {
  const serverXml = desiredServerXml(cluster, {}, inputs.serverXml);
  const settings = balancerSettingsText(cluster);
  return [
    ...desiredNetworkPolicies(cluster, inputs),
    ...desiredBalancerAccess(cluster, inputs),
    desiredWorkerConfigMap(cluster, inputs, serverXml),
    desiredBalancerConfigMap(cluster, inputs, settings),
    desiredMembersService(cluster, inputs),
    desiredWorkersService(cluster, inputs),
    desiredBalancerService(cluster, inputs),
    desiredWorkerStatefulSet(cluster, inputs, serverXml),
    desiredBalancerDeployment(cluster, inputs, settings),
    ...desiredDisruptionBudgets(cluster, inputs),
    ...desiredIngress(cluster, inputs),
    ...desiredHttpRoute(cluster, inputs),
    ...desiredPodMonitor(cluster, inputs),
    ...desiredPrometheusRule(cluster, inputs),
  ];
}
