// The key of the workers' channel: one Secret a generation, which never changes.
import type { TomcatCluster } from "../../api/index.ts";
import type { DesiredInputs } from "./desired-inputs.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { objectMeta } from "./labels.ts";
import { channelSecretName } from "./names.ts";

export const CHANNEL_SECRET_ENTRY = "key";
/** Of AES-256. */
export const CHANNEL_KEY_BYTES = 32;

/** File of a generation's key in the workers' key folder. */
export function channelKeyFile(generation: number): string {
  return `${generation}.key`;
}

/**
 * `key`: CHANNEL_KEY_BYTES random bytes. To be created with POST, never applied: whoever finds that it exists reads it, so that
 * nobody who sees an old state of things replaces a key that is in use.
 */
export function desiredChannelSecret(
  cluster: TomcatCluster,
  inputs: Pick<DesiredInputs, "uid">,
  generation: number,
  key: Buffer,
): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: objectMeta(cluster, inputs, { name: channelSecretName(cluster, generation), component: "worker" }),
    type: "Opaque",
    immutable: true,
    data: { [CHANNEL_SECRET_ENTRY]: Buffer.from(`${key.toString("hex")}\n`).toString("base64") },
  };
}
