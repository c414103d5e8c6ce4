export { type Access, type Credentials, KubeConfigCredentials, type KubeConfigOptions } from "./credentials.ts";
export {
  ApiError,
  type ApiErrorReason,
  ConnectionError,
  CredentialsError,
  EvictionBlockedError,
  isApiError,
  RequestTimeoutError,
  SyncTimeoutError,
} from "./errors.ts";
export { EventRecorder, type EventRecorderOptions, type KubeEvent } from "./event-recorder.ts";
export { Informer, type InformerHandler, type InformerOptions } from "./informer.ts";
export { InformerMetrics } from "./informer-metrics.ts";
export {
  type ApplyOptions,
  type CallOptions,
  type DeleteOptions,
  KubeClient,
  type KubeClientOptions,
  type Selection,
} from "./kube-client.ts";
export { type KubeObject, keyOf, type ObjectMeta, type ObjectRef, type OwnerReference, refOf } from "./kube-object.ts";
export { microTime, secondTime } from "./micro-time.ts";
export type { Indexer, ObjectView } from "./object-store.ts";
export { apiVersionOf, RESOURCES, type Resource, resource } from "./resource.ts";
export { ServiceAccountCredentials, type ServiceAccountOptions } from "./service-account-credentials.ts";
