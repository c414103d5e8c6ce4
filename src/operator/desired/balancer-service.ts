// Where clients, an Ingress or a Gateway reach the cluster.
import type { TomcatCluster } from "../../api/index.ts";
import type { DesiredInputs } from "./desired-inputs.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { objectMeta, selectorLabels } from "./labels.ts";
import { balancerName, HTTP_PORT_NAME, HTTPS_PORT_NAME } from "./names.ts";

export function desiredBalancerService(cluster: TomcatCluster, inputs: DesiredInputs): KubernetesObject {
  const { service, tls } = cluster.spec.balancer;
  const { type, port, annotations } = service;
  const https = { name: HTTPS_PORT_NAME, port: tls.port, targetPort: HTTPS_PORT_NAME, protocol: "TCP", appProtocol: "https" };
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: objectMeta(cluster, inputs, { name: balancerName(cluster), component: "balancer", annotations }),
    spec: {
      type,
      selector: selectorLabels(cluster, "balancer"),
      ports: [
        { name: HTTP_PORT_NAME, port, targetPort: HTTP_PORT_NAME, protocol: "TCP", appProtocol: "http" },
        ...(tls.enabled ? [https] : []),
      ],
    },
  };
}
