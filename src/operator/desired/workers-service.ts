// Headless Service of the workers that serve: balancers find them by its endpoints, or by its SRV records (`workersRecordName`).
import type { TomcatCluster } from "../../api/index.ts";
import type { DesiredInputs } from "./desired-inputs.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { objectMeta, selectorLabels } from "./labels.ts";
import { HTTP_PORT_NAME, WORKER_HTTP_PORT, workersServiceName } from "./names.ts";

export function desiredWorkersService(cluster: TomcatCluster, inputs: DesiredInputs): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: objectMeta(cluster, inputs, { name: workersServiceName(cluster), component: "worker" }),
    spec: {
      type: "ClusterIP",
      clusterIP: "None",
      selector: selectorLabels(cluster, "worker"),
      ports: [{ name: HTTP_PORT_NAME, port: WORKER_HTTP_PORT, targetPort: HTTP_PORT_NAME, protocol: "TCP", appProtocol: "http" }],
    },
  };
}
