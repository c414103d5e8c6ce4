export { INITIAL_BALANCERS } from "./balancer-deployment.ts";
export { type BalancerPlace, desiredBalancerSettings } from "./balancer-settings.ts";
export { CHANNEL_KEY_BYTES, channelKeyFile, desiredChannelSecret } from "./channel-secret.ts";
export { DEFAULTS, type Defaults } from "./defaults.ts";
export {
  type ChannelKeys,
  type DesiredInputs,
  OPTIONAL_KINDS,
  type OptionalKind,
  type OwnServerXml,
  type ReferenceDigests,
} from "./desired-inputs.ts";
export { desiredObjects } from "./desired-objects.ts";
export type { KubernetesObject } from "./kubernetes-object.ts";
export {
  APPLICATION_NAME,
  CONFIGURATION_ANNOTATION,
  type Component,
  INSTANCE_LABEL,
  MANAGED_BY,
  POOL_LABEL,
  poolSelectorLabels,
  RESTART_ANNOTATION,
  selectorLabels,
} from "./labels.ts";
export {
  balancerConfigMapName,
  balancerName,
  CHANNEL_PORT_NAME,
  channelSecretName,
  HTTP_PORT_NAME,
  MANAGEMENT_PORT,
  membersServiceName,
  podName,
  podNames,
  statefulSetName,
  WORKER_BASE,
  WORKER_HTTP_PORT,
  workersConfigMapName,
  workersRecordName,
  workersServiceName,
} from "./names.ts";
export { quantityValue } from "./quantity.ts";
export {
  balancerReferences,
  type Reference,
  type ReferencedData,
  type ResolvedReferences,
  resolveReferences,
  workerReferences,
} from "./references.ts";
export { CHANNEL_KEY_DIRECTORY, desiredServerXml, type ServerXmlPlace, WORKER_ENVIRONMENT } from "./server-xml.ts";
export { workerGraceSeconds } from "./worker-stateful-set.ts";
