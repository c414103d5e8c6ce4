// An HTTPRoute of the Gateway API to the balancers' Service, where the manifest wants one.
import type { TomcatCluster } from "../../api/index.ts";
import { definedOnly } from "./defined-only.ts";
import type { DesiredInputs } from "./desired-inputs.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { objectMeta } from "./labels.ts";
import { balancerName } from "./names.ts";

export function desiredHttpRoute(cluster: TomcatCluster, inputs: DesiredInputs): readonly KubernetesObject[] {
  const { httpRoute, service } = cluster.spec.balancer;
  if (!httpRoute.enabled) return [];
  const name = balancerName(cluster);
  return [
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      metadata: objectMeta(cluster, inputs, { name, component: "balancer", annotations: httpRoute.annotations }),
      spec: {
        parentRefs: httpRoute.parentRefs,
        ...definedOnly({ hostnames: httpRoute.hostnames }),
        rules: [{ matches: [{ path: { type: "PathPrefix", value: "/" } }], backendRefs: [{ name, port: service.port }] }],
      },
    },
  ];
}
