// What was observed -> every object that shall be. Pure.
import type { TomcatCluster } from "../api/index.ts";
import {
  type Defaults,
  type DesiredInputs,
  desiredObjects,
  type KubernetesObject,
  OPTIONAL_KINDS,
  RESTART_ANNOTATION,
} from "./desired/index.ts";
import type { Observed } from "./observe/observer.ts";
import { channelKeysOf, rotationOf } from "./roll/plan-rotation.ts";
import { type Pins, updateOf } from "./roll/plan-update.ts";
import { ObstacleError } from "./status/obstacle.ts";

export interface DesireOptions {
  /** The operator's own image. */
  readonly image: string;
  /** What pods are made of, by revision; the last one is the operator's own. */
  readonly defaults: readonly Defaults[];
  readonly operatorNamespace: string;
  /** Whether the API server has objects of this kind. */
  readonly knows: (kind: string) => boolean;
}

/** What new clusters get, and those that want what the operator has. */
export function offeredPins({ image, defaults }: DesireOptions): Pins {
  return { image, defaultsRevision: defaults.length };
}

/**
 * `workers`: how many there shall be now. Throws ServerXmlError, and ObstacleError for an object of a kind that is not there, and for a cluster
 * of a revision that this operator does not know.
 */
export function desire(observed: Observed, cluster: TomcatCluster, workers: number, options: DesireOptions): readonly KubernetesObject[] {
  const { object, uid, references } = observed;
  const restart = object.metadata.annotations?.[RESTART_ANNOTATION];
  const { image, defaultsRevision } = updateOf(object.status, offeredPins(options)).pins;
  const inputs: DesiredInputs = {
    image,
    defaults: defaultsOf(defaultsRevision, options.defaults),
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
  const message = `The API server does not know ${unknown.apiVersion} ${unknown.kind}, or the operator may not list it: install it, or do without`;
  throw new ObstacleError({ reason: "KindUnknown", message });
}

/** Never those of another revision: every pod would be replaced. */
function defaultsOf(revision: number, known: readonly Defaults[]): Defaults {
  const found = known[revision - 1];
  if (found !== undefined) return found;
  const message = `The cluster has defaults of revision ${revision}, and this operator knows up to ${known.length}: run a newer one`;
  throw new ObstacleError({ reason: "RevisionUnknown", message });
}
