// The kinds of objects that a TomcatCluster is made of, and where the API has them.
import { API_VERSION, KIND } from "../../api/index.ts";
import { RESOURCES, type Resource, resource } from "../../kube/index.ts";

export const TOMCAT_CLUSTERS = resource(API_VERSION, KIND, "tomcatclusters");

/** Kinds that only some API servers know. */
export const ADDED_KINDS = {
  HTTPRoute: resource("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes"),
  PodMonitor: resource("monitoring.coreos.com/v1", "PodMonitor", "podmonitors"),
  PrometheusRule: resource("monitoring.coreos.com/v1", "PrometheusRule", "prometheusrules"),
} as const satisfies Record<string, Resource>;

/** Kinds of `desiredObjects` that every API server knows. */
export const USUAL_KINDS = {
  ConfigMap: RESOURCES.ConfigMap,
  Deployment: RESOURCES.Deployment,
  Ingress: RESOURCES.Ingress,
  NetworkPolicy: RESOURCES.NetworkPolicy,
  PodDisruptionBudget: RESOURCES.PodDisruptionBudget,
  Role: RESOURCES.Role,
  RoleBinding: RESOURCES.RoleBinding,
  Service: RESOURCES.Service,
  ServiceAccount: RESOURCES.ServiceAccount,
  StatefulSet: RESOURCES.StatefulSet,
} as const satisfies Record<string, Resource>;

const ALL_KINDS: Readonly<Record<string, Resource>> = { ...USUAL_KINDS, ...ADDED_KINDS };

/** Throws TypeError for a kind that this operator makes nothing of. */
export function resourceOf(kind: string): Resource {
  const found = ALL_KINDS[kind];
  if (found === undefined) throw new TypeError(`"${kind}" is no kind that a TomcatCluster is made of`);
  return found;
}
