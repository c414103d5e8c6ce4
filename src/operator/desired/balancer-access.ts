// What balancers may ask the API server: where workers are. A ServiceAccount, its Role, and the binding of the two.
import type { TomcatCluster } from "../../api/index.ts";
import type { DesiredInputs } from "./desired-inputs.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { objectMeta } from "./labels.ts";
import { balancerName } from "./names.ts";

export function desiredBalancerAccess(cluster: TomcatCluster, inputs: DesiredInputs): readonly KubernetesObject[] {
  const name = balancerName(cluster);
  const metadata = objectMeta(cluster, inputs, { name, component: "balancer" });
  const { namespace } = cluster.metadata;
  const rbac = "rbac.authorization.k8s.io";
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    {
      apiVersion: `${rbac}/v1`,
      kind: "Role",
      metadata,
      rules: [{ apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] }],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: rbac, kind: "Role", name },
      subjects: [{ kind: "ServiceAccount", name, ...(namespace !== undefined && { namespace }) }],
    },
  ];
}
