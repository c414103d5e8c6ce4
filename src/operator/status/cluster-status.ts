// The whole status of a TomcatCluster. Pure.
import type { TomcatCluster, TomcatClusterStatus } from "../../api/index.ts";
import { poolSelectorLabels } from "../desired/index.ts";
import type { WorkerPod } from "../observe/worker-pods.ts";
import type { NoAnswer, WorkerView } from "../observe/worker-view.ts";
import type { Rotation } from "../roll/plan-rotation.ts";
import type { Update } from "../roll/plan-update.ts";
import { type Condition, conditionsOf, type Findings } from "./conditions.ts";
import { countServing } from "./find-state.ts";

export interface StatusInput {
  readonly cluster: Pick<TomcatCluster, "metadata">;
  readonly generation: number;
  readonly findings: Findings;
  readonly previous: readonly Condition[];
  /** As the API server writes times. */
  readonly now: string;
  readonly pods: readonly WorkerPod[];
  readonly updateRevision: string | undefined;
  readonly answers: readonly (WorkerView | NoAnswer)[];
  readonly update: Update;
  /** Undefined where nothing is encrypted. */
  readonly rotation: Rotation | undefined;
}

const POOL = "default";
const MAX_MEMBERS = 1000;
const STATES: Readonly<Record<string, "Starting" | "Serving" | "Draining">> = {
  starting: "Starting",
  serving: "Serving",
  draining: "Draining",
  stopping: "Draining",
};

/** Without counters: two statuses of the same situation are equal. */
export function clusterStatus(input: StatusInput): TomcatClusterStatus {
  const { cluster, generation, findings, previous, now, pods, updateRevision, update, rotation } = input;
  const updated = pods.filter(({ revision }) => revision !== undefined && revision === updateRevision);
  return {
    observedGeneration: generation,
    replicas: pods.length,
    readyReplicas: countServing(pods),
    updatedReplicas: updated.length,
    selector: Object.entries(poolSelectorLabels(cluster))
      .map(([name, value]) => `${name}=${value}`)
      .join(","),
    ...update.pins,
    ...(update.phase !== undefined && { update: { phase: update.phase } }),
    ...(rotation !== undefined && { keyGeneration: rotation.generation }),
    ...(rotation?.phase !== undefined && { keyRotation: { phase: rotation.phase } }),
    members: pods
      .toSorted((one, other) => one.ordinal - other.ordinal)
      .slice(0, MAX_MEMBERS)
      .map((pod) => ({
        name: pod.name,
        pool: POOL,
        route: pod.name,
        state: stateOf(pod, input.answers),
        ...(pod.revision !== undefined && { revision: pod.revision }),
      })),
    conditions: conditionsOf(findings, { previous, generation, now }),
  };
}

function stateOf({ name, isReady, hasServed, isTerminating }: WorkerPod, answers: StatusInput["answers"]) {
  if (isTerminating) return "Draining";
  if (!isReady) return hasServed ? "Unknown" : "Starting";
  const answer = answers.find(({ worker }) => worker === name);
  return answer !== undefined && "state" in answer ? (STATES[answer.state] ?? "Unknown") : "Unknown";
}
