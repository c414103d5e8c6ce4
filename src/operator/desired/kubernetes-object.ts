// A Kubernetes object as it is sent: fields of the API, and nothing of ours.

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec?: object;
  readonly data?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

export interface ObjectMeta {
  readonly name: string;
  /** Unset where the manifest does not say it: then it is the caller's. */
  readonly namespace?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly object[];
}
