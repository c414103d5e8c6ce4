// How a Prometheus operator finds the pods.
import type { TomcatCluster } from "../../api/index.ts";
import type { DesiredInputs } from "./desired-inputs.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { objectMeta, selectorLabels } from "./labels.ts";
import { MANAGEMENT_PORT_NAME, monitorName } from "./names.ts";

export function desiredPodMonitor(cluster: TomcatCluster, inputs: DesiredInputs): readonly KubernetesObject[] {
  const { enabled, labels } = cluster.spec.monitoring.podMonitor;
  if (!enabled || !inputs.knownKinds.includes("PodMonitor")) return [];
  return [
    {
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PodMonitor",
      metadata: objectMeta(cluster, inputs, { name: monitorName(cluster), labels }),
      spec: {
        selector: { matchLabels: selectorLabels(cluster) },
        podTargetLabels: ["app.kubernetes.io/component"],
        podMetricsEndpoints: [{ port: MANAGEMENT_PORT_NAME, path: "/metrics" }],
      },
    },
  ];
}
