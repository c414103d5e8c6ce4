// The name of every object as a function of the cluster: nothing else makes names.
import type { TomcatCluster } from "../../api/index.ts";

export type Named = Pick<TomcatCluster, "metadata">;

/** Of the workers' HTTP port, and of the SRV records made of it. */
export const HTTP_PORT_NAME = "http";
/** Of the balancers' port for HTTPS. */
export const HTTPS_PORT_NAME = "https";
/** Of the receiver's port. */
export const CHANNEL_PORT_NAME = "channel";
/** Of the management port. */
export const MANAGEMENT_PORT_NAME = "management";
/** Where workers serve HTTP inside the cluster. */
export const WORKER_HTTP_PORT = 8080;
/** Where balancers serve HTTP; the port of their Service is the user's choice. */
export const BALANCER_HTTP_PORT = 8080;
export const BALANCER_HTTPS_PORT = 8443;
export const MANAGEMENT_PORT = 9090;
/** CATALINA_BASE in the workers' image: conf/, webapps/ and the rest are where a Tomcat image has them. */
export const WORKER_BASE = "/usr/local/tomcat";

/** The StatefulSet of the default pool. */
export function statefulSetName({ metadata }: Named): string {
  return metadata.name;
}

/** Pod, host name and jvmRoute of a worker; ordinals from 0. */
export function podName(cluster: Named, ordinal: number): string {
  return `${statefulSetName(cluster)}-${ordinal}`;
}

/** The pods of all workers, in order. */
export function podNames(cluster: TomcatCluster): readonly string[] {
  return Array.from({ length: cluster.spec.replicas }, (_, ordinal) => podName(cluster, ordinal));
}

/** Headless Service of all workers, ready or not, by which they find each other. */
export function membersServiceName({ metadata }: Named): string {
  return `${metadata.name}-members`;
}

/** Headless Service of ready workers, by which balancers find them. */
export function workersServiceName({ metadata }: Named): string {
  return `${metadata.name}-workers`;
}

/** ConfigMap with the workers' server.xml. */
export function workersConfigMapName({ metadata }: Named): string {
  return `${metadata.name}-workers`;
}

/** Deployment and Service of the balancers. */
export function balancerName({ metadata }: Named): string {
  return `${metadata.name}-balancer`;
}

/** ConfigMap with the balancers' settings. */
export function balancerConfigMapName({ metadata }: Named): string {
  return `${metadata.name}-balancer`;
}

/** The key of the channel of one generation, from 1. */
export function channelSecretName({ metadata }: Named, generation: number): string {
  return `${metadata.name}-channel-${generation}`;
}

/** NetworkPolicy and PodDisruptionBudget of the workers. */
export function workersPolicyName({ metadata }: Named): string {
  return `${metadata.name}-workers`;
}

/** PodMonitor and PrometheusRule. */
export function monitorName({ metadata }: Named): string {
  return metadata.name;
}

/** SRV records of the ready workers' HTTP ports. */
export function workersRecordName(cluster: Named): string {
  return `_${HTTP_PORT_NAME}._tcp.${workersServiceName(cluster)}`;
}
