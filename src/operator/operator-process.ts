// Everything that runs in the operator's process: management port, client, operator.
import { LifecycleGroup } from "../base/index.ts";
import { KubeClient, KubeConfigCredentials, ServiceAccountCredentials, type ServiceAccountOptions } from "../kube/index.ts";
import { ManagementServer, type ManagementServerOptions } from "../management/index.ts";
import { Operator, type OperatorDeps, type OperatorOptions } from "./operator.ts";

export interface OperatorProcessOptions extends Omit<OperatorOptions, "namespace"> {
  /** Default: the service account; without one what KUBECONFIG names, or ~/.kube/config. */
  readonly kubeconfig?: string | undefined;
  /** Of the pod that this process runs in. */
  readonly serviceAccount?: ServiceAccountOptions | undefined;
  /** Default: that of the service account, or of the kubeconfig's context; else "default". */
  readonly namespace?: string | undefined;
  readonly management: ManagementServerOptions;
  /** In User-Agent. */
  readonly version: string;
}

/** Throws CredentialsError. */
export function operatorProcess(
  deps: Omit<OperatorDeps, "client" | "management">,
  { kubeconfig, serviceAccount, management: managementOptions, version, ...options }: OperatorProcessOptions,
): LifecycleGroup {
  const isInPod = kubeconfig === undefined && serviceAccount !== undefined;
  const credentials = isInPod
    ? new ServiceAccountCredentials(deps, serviceAccount)
    : new KubeConfigCredentials(deps, kubeconfig === undefined ? {} : { kubeconfig });
  const client = new KubeClient({ ...deps, credentials }, { userAgent: `tomcat-cluster-operator/${version}` });
  const management = new ManagementServer(deps, managementOptions);
  management.state = "serving";
  const namespace = options.namespace ?? credentials.namespace ?? "default";
  const operator = new Operator({ ...deps, client, management }, { ...options, namespace });
  return new LifecycleGroup([management, client, operator]);
}
