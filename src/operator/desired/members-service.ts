// Headless Service whose addresses are the members of the group, ready or not: a joiner is written to before it serves (rule 4).
import type { TomcatCluster } from "../../api/index.ts";
import type { DesiredInputs } from "./desired-inputs.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { objectMeta, selectorLabels } from "./labels.ts";
import { CHANNEL_PORT_NAME, membersServiceName } from "./names.ts";

export function desiredMembersService(cluster: TomcatCluster, inputs: DesiredInputs): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: objectMeta(cluster, inputs, { name: membersServiceName(cluster), component: "worker" }),
    spec: {
      type: "ClusterIP",
      clusterIP: "None",
      publishNotReadyAddresses: true,
      selector: selectorLabels(cluster, "worker"),
      ports: [{ name: CHANNEL_PORT_NAME, port: cluster.spec.group.receiver.port, targetPort: CHANNEL_PORT_NAME, protocol: "TCP" }],
    },
  };
}
