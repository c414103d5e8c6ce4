// Who may connect to workers and balancers. What they connect to themselves is the applications' business.
import type { TomcatCluster } from "../../api/index.ts";
import type { DesiredInputs } from "./desired-inputs.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { type Component, objectMeta, selectorLabels } from "./labels.ts";
import { BALANCER_HTTP_PORT, BALANCER_HTTPS_PORT, balancerName, MANAGEMENT_PORT, WORKER_HTTP_PORT, workersPolicyName } from "./names.ts";

const NAMESPACE_NAME_LABEL = "kubernetes.io/metadata.name";

export function desiredNetworkPolicies(cluster: TomcatCluster, inputs: DesiredInputs): readonly KubernetesObject[] {
  const { networkPolicy, group, balancer } = cluster.spec;
  if (!networkPolicy.enabled) return [];
  const pods = (component: Component) => ({ podSelector: { matchLabels: selectorLabels(cluster, component) } });
  const management = [
    { namespaceSelector: { matchLabels: { [NAMESPACE_NAME_LABEL]: inputs.operatorNamespace } } },
    { namespaceSelector: { matchLabels: networkPolicy.monitoring.namespaceLabels } },
  ];
  const policy = (component: Component, name: string, ingress: readonly object[]): KubernetesObject => ({
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: objectMeta(cluster, inputs, { name, component }),
    spec: { ...pods(component), policyTypes: ["Ingress"], ingress },
  });
  return [
    policy("worker", workersPolicyName(cluster), [
      { from: [pods("worker")], ports: [tcp(group.receiver.port)] },
      { from: [pods("balancer")], ports: [tcp(WORKER_HTTP_PORT)] },
      // Balancers ask there whether a worker is ready.
      { from: [pods("balancer"), ...management], ports: [tcp(MANAGEMENT_PORT)] },
    ]),
    policy("balancer", balancerName(cluster), [
      { ports: [tcp(BALANCER_HTTP_PORT), ...(balancer.tls.enabled ? [tcp(BALANCER_HTTPS_PORT)] : [])] },
      { from: management, ports: [tcp(MANAGEMENT_PORT)] },
    ]),
  ];
}

function tcp(port: number) {
  return { protocol: "TCP", port };
}
