// Labels of every object, the ones that find pods, and annotations of ours.
import { API_GROUP, API_VERSION, KIND, type TomcatCluster } from "../../api/index.ts";
import type { DesiredInputs } from "./desired-inputs.ts";
import type { ObjectMeta } from "./kubernetes-object.ts";

export type Component = "worker" | "balancer";

/** Of pods of this cluster, and of nobody else's. */
export const APPLICATION_NAME = "tomcat-cluster";
export const MANAGED_BY = "tomcat-cluster-operator";
/** Of every object: the name of its TomcatCluster. */
export const INSTANCE_LABEL = "app.kubernetes.io/instance";
export const POOL_LABEL = `${API_GROUP}/pool`;
export const DEFAULT_POOL = "default";
/** Digest of what pods read when they start: another one makes them roll. */
export const CONFIGURATION_ANNOTATION = `${API_GROUP}/configuration`;
/** On a TomcatCluster, with any value: a new one asks for new pods. */
export const RESTART_ANNOTATION = `${API_GROUP}/restart`;

type Cluster = Pick<TomcatCluster, "metadata">;
type Labels = Readonly<Record<string, string>>;

/** Which pods of the cluster: all, or those of one component. They never change: a StatefulSet's selector cannot. */
export function selectorLabels({ metadata }: Cluster, component?: Component): Labels {
  return {
    "app.kubernetes.io/name": APPLICATION_NAME,
    [INSTANCE_LABEL]: metadata.name,
    ...(component !== undefined && { "app.kubernetes.io/component": component }),
  };
}

/** The pods of the one StatefulSet: further pools will have their own. */
export function poolSelectorLabels(cluster: Cluster): Labels {
  return { ...selectorLabels(cluster, "worker"), [POOL_LABEL]: DEFAULT_POOL };
}

/** Labels and owner that every object has: it goes when its TomcatCluster goes. */
export function objectMeta(
  cluster: Cluster,
  { uid }: Pick<DesiredInputs, "uid">,
  {
    name,
    component,
    annotations,
    labels,
  }: { name: string; component?: Component; annotations?: Labels | undefined; labels?: Labels | undefined },
): ObjectMeta {
  const { namespace } = cluster.metadata;
  return {
    name,
    ...(namespace !== undefined && { namespace }),
    labels: { ...labels, ...selectorLabels(cluster, component), "app.kubernetes.io/managed-by": MANAGED_BY },
    ...(annotations !== undefined && Object.keys(annotations).length > 0 && { annotations }),
    ...(uid !== undefined && {
      ownerReferences: [
        { apiVersion: API_VERSION, kind: KIND, name: cluster.metadata.name, uid, controller: true, blockOwnerDeletion: true },
      ],
    }),
  };
}
