// Everything that runs in the operator's process: management port, client, operator.
import { LifecycleGroup } from "../base/index.ts";
import { KubeClient, KubeConfigCredentials } from "../kube/index.ts";
import { ManagementServer, type ManagementServerOptions } from "../management/index.ts";
import { Operator, type OperatorDeps, type OperatorOptions } from "./operator.ts";

export interface OperatorProcessOptions extends Omit<OperatorOptions, "namespace"> {
  /** Default: what KUBECONFIG names, ~/.kube/config, else the service account of this pod. */
  readonly kubeconfig?: string | undefined;
  /** Default: that of the service account, or of the kubeconfig's context; else "default". */
  readonly namespace?: string | undefined;
  readonly management: ManagementServerOptions;
  /** In User-Agent. */
  readonly version: string;
}

/** Throws CredentialsError. */
export function operatorProcess(
  deps: Omit<OperatorDeps, "client" | "management">,
  { kubeconfig, management: managementOptions, version, ...options }: OperatorProcessOptions,
): LifecycleGroup {
  const credentials = new KubeConfigCredentials(deps, kubeconfig === undefined ? {} : { kubeconfig });
  const client = new KubeClient({ ...deps, credentials }, { userAgent: `tomcat-cluster-operator/${version}` });
  const management = new ManagementServer(deps, managementOptions);
  management.state = "serving";
  const namespace = options.namespace ?? credentials.namespace ?? "default";
  const operator = new Operator({ ...deps, client, management }, { ...options, namespace });
  return new LifecycleGroup([management, client, operator]);
}
