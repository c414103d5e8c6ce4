// Where a kind of object lives in the API.
import type { ObjectRef } from "./kube-object.ts";

export interface Resource {
  /** "" is the core group. */
  readonly group: string;
  readonly version: string;
  /** As in the path: "statefulsets". */
  readonly plural: string;
  readonly kind: string;
}

/** `apiVersion` as in a manifest: "apps/v1". */
export function resource(apiVersion: string, kind: string, plural: string): Resource {
  const slash = apiVersion.indexOf("/");
  return {
    group: slash < 0 ? "" : apiVersion.slice(0, slash),
    version: apiVersion.slice(slash + 1),
    plural,
    kind,
  };
}

/** Kinds that every cluster has, by their names. */
export const RESOURCES = {
  ConfigMap: resource("v1", "ConfigMap", "configmaps"),
  CustomResourceDefinition: resource("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions"),
  Deployment: resource("apps/v1", "Deployment", "deployments"),
  EndpointSlice: resource("discovery.k8s.io/v1", "EndpointSlice", "endpointslices"),
  Event: resource("v1", "Event", "events"),
  Ingress: resource("networking.k8s.io/v1", "Ingress", "ingresses"),
  Lease: resource("coordination.k8s.io/v1", "Lease", "leases"),
  Namespace: resource("v1", "Namespace", "namespaces"),
  NetworkPolicy: resource("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
  Pod: resource("v1", "Pod", "pods"),
  PodDisruptionBudget: resource("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
  Role: resource("rbac.authorization.k8s.io/v1", "Role", "roles"),
  RoleBinding: resource("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings"),
  Secret: resource("v1", "Secret", "secrets"),
  Service: resource("v1", "Service", "services"),
  ServiceAccount: resource("v1", "ServiceAccount", "serviceaccounts"),
  StatefulSet: resource("apps/v1", "StatefulSet", "statefulsets"),
} as const satisfies Record<string, Resource>;

export function apiVersionOf(of: Resource): string {
  return of.group === "" ? of.version : `${of.group}/${of.version}`;
}

/** The path of all objects of the kind, in one namespace or in all of them. */
export function collectionPath(of: Resource, namespace?: string): string {
  const root = of.group === "" ? `/api/${of.version}` : `/apis/${of.group}/${of.version}`;
  return namespace === undefined ? `${root}/${of.plural}` : `${root}/namespaces/${encodeURIComponent(namespace)}/${of.plural}`;
}

/** The path of one object, or of a part of it ("status", "eviction", "scale"). */
export function objectPath(of: Resource, ref: ObjectRef, subresource?: string): string {
  const path = `${collectionPath(of, ref.namespace)}/${encodeURIComponent(ref.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}
