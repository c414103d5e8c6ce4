// An Ingress in front of the balancers' Service, where the manifest wants one.
import type { TomcatCluster } from "../../api/index.ts";
import type { DesiredInputs } from "./desired-inputs.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { objectMeta } from "./labels.ts";
import { balancerName, HTTP_PORT_NAME } from "./names.ts";

export function desiredIngress(cluster: TomcatCluster, inputs: DesiredInputs): readonly KubernetesObject[] {
  const { enabled, className, hosts, tlsSecretName, annotations } = cluster.spec.balancer.ingress;
  if (!enabled) return [];
  const name = balancerName(cluster);
  const http = { paths: [{ path: "/", pathType: "Prefix", backend: { service: { name, port: { name: HTTP_PORT_NAME } } } }] };
  return [
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: objectMeta(cluster, inputs, { name, component: "balancer", annotations }),
      spec: {
        ...(className !== undefined && { ingressClassName: className }),
        rules: hosts.length === 0 ? [{ http }] : hosts.map((host) => ({ host, http })),
        ...(tlsSecretName !== undefined && { tls: [{ ...(hosts.length > 0 && { hosts }), secretName: tlsSecretName }] }),
      },
    },
  ];
}
