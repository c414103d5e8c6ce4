// Writes a status that differs from the one that is there, and tells what changed as events.
import { isDeepStrictEqual } from "node:util";
import type { TomcatClusterStatus } from "../../api/index.ts";
import { type EventRecorder, isApiError, type KubeClient, type KubeObject } from "../../kube/index.ts";
import type { TomcatClusterObject } from "../observe/observer.ts";
import { transitionsBetween } from "../status/conditions.ts";
import { FIELD_MANAGER } from "./applied-object.ts";
import { TOMCAT_CLUSTERS } from "./owned-kinds.ts";

export interface StatusWriterDeps {
  readonly client: Pick<KubeClient, "applyStatus">;
  readonly events: Pick<EventRecorder, "record">;
  /** Told what the API server answered. */
  readonly written: (answer: KubeObject) => void;
}

/** Nothing when it is written already, or when the cluster is gone. */
export async function writeStatus(
  { client, events, written }: StatusWriterDeps,
  object: TomcatClusterObject,
  status: TomcatClusterStatus,
  signal: AbortSignal,
): Promise<void> {
  if (saysTheSame(object.status ?? {}, status)) return;
  const { apiVersion, kind, metadata } = object;
  const { name, namespace, uid } = metadata;
  const body = {
    apiVersion,
    kind,
    metadata: { name, ...(namespace !== undefined && { namespace }), ...(uid !== undefined && { uid }) },
    status,
  };
  try {
    written(await client.applyStatus<KubeObject>(TOMCAT_CLUSTERS, body, { fieldManager: FIELD_MANAGER, signal }));
  } catch (error) {
    if (isApiError(error, "NotFound")) return;
    throw error;
  }
  for (const transition of transitionsBetween(object.status?.conditions ?? [], status.conditions ?? [])) events.record(object, transition);
}

/** Conditions of others may stand beside ours. */
function saysTheSame(before: TomcatClusterStatus, after: TomcatClusterStatus): boolean {
  const { conditions: beforeConditions = [], ...beforeRest } = before;
  const { conditions = [], ...rest } = after;
  const fields = beforeRest as Readonly<Record<string, unknown>>;
  return (
    Object.keys(fields).every((field) => field in rest) &&
    Object.entries(rest).every(([field, value]) => isDeepStrictEqual(fields[field], value)) &&
    conditions.every((condition) => beforeConditions.some((one) => isDeepStrictEqual(one, condition)))
  );
}
