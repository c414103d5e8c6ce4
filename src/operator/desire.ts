// What was observed -> every object that shall be. Pure.
import type { TomcatCluster, TomcatClusterStatus } from "../api/index.ts";
import { type DesiredInputs, desiredObjects, type KubernetesObject, OPTIONAL_KINDS, RESTART_ANNOTATION } from "./desired/index.ts";
import type { Observed } from "./observe/observer.ts";
import { channelKeysOf, rotationOf } from "./roll/plan-rotation.ts";
import { ObstacleError } from "./status/obstacle.ts";

export interface DesireOptions {
  /** The operator's own image. */
  readonly image: string;
  readonly operatorNamespace: string;
  /** Whether the API server has objects of this kind. */
  readonly knows: (kind: string) => boolean;
}

/** Pinned when the cluster is first seen, so that another version of the operator rolls nobody, unless that is wanted. */
export function pinnedImage(status: TomcatClusterStatus | undefined, cluster: TomcatCluster | undefined, image: string): string {
  return cluster?.spec.updatePolicy.image === "Automatic" ? image : (status?.image ?? image);
}

/** `workers`: how many there shall be now. Throws ServerXmlError, and ObstacleError for an object of a kind that is not there. */
export function desire(observed: Observed, cluster: TomcatCluster, workers: number, options: DesireOptions): readonly KubernetesObject[] {
  const { object, uid, references } = observed;
  const restart = object.metadata.annotations?.[RESTART_ANNOTATION];
  const inputs: DesiredInputs = {
    image: pinnedImage(object.status, cluster, options.image),
    operatorNamespace: options.operatorNamespace,
    uid,
    workers,
    channelKeys: channelKeysOf(rotationOf(object.status)),
    references: references.digests,
    knownKinds: OPTIONAL_KINDS.filter(options.knows),
    ...(restart !== undefined && { restart }),
    ...(references.serverXml !== undefined && { serverXml: references.serverXml }),
  };
  const objects = desiredObjects(cluster, inputs);
  const unknown = objects.find(({ kind }) => !options.knows(kind));
  if (unknown === undefined) return objects;
  const message = `The API server does not know ${unknown.apiVersion} ${unknown.kind}: install it and restart the operator, or do without`;
  throw new ObstacleError({ reason: "KindUnknown", message });
}
