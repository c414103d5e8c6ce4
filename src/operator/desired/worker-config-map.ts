// What workers read when they start, and the name of the key that they send with, which may change while they run.
import type { TomcatCluster } from "../../api/index.ts";
import { channelKeyFile } from "./channel-secret.ts";
import type { DesiredInputs } from "./desired-inputs.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { objectMeta } from "./labels.ts";
import { workersConfigMapName } from "./names.ts";

export const SERVER_XML_ENTRY = "server.xml";
export const SENDING_KEY_ENTRY = "sending-key";

export function desiredWorkerConfigMap(cluster: TomcatCluster, inputs: DesiredInputs, serverXml: string): KubernetesObject {
  const encrypted = cluster.spec.group.encryption.mode === "SharedKey";
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: objectMeta(cluster, inputs, { name: workersConfigMapName(cluster), component: "worker" }),
    data: {
      [SERVER_XML_ENTRY]: serverXml,
      ...(encrypted && { [SENDING_KEY_ENTRY]: channelKeyFile(inputs.channelKeys.sending) }),
    },
  };
}
