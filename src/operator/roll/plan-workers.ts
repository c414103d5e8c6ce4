// The one next step of a roll or of scaling: which worker may go now, and what is waited for otherwise. Pure.
import type { WorkerPod, WorkerSet } from "../observe/worker-pods.ts";
import type { NoAnswer, WorkerView } from "../observe/worker-view.ts";
import { findWellFormed } from "../status/conditions.ts";

export interface PlanInput {
  /** spec.replicas. */
  readonly wanted: number;
  /** Undefined: there is no StatefulSet yet. */
  readonly set: WorkerSet | undefined;
  readonly pods: readonly WorkerPod[];
  readonly group: GroupState;
  /** Workers keep what they run. */
  readonly isPaused: boolean;
  /** Revision that is rolled out whatever the group looks like; the annotation FORCE_ROLL_ANNOTATION. */
  readonly forcedRevision: string | undefined;
}

/** What the ready workers say about themselves. */
export interface GroupState {
  readonly isWellFormed: boolean;
  /** Sessions whose newest version only one worker has; undefined: not everybody answered. */
  readonly sessionsAtRisk: number | undefined;
}

export function groupStateOf(answers: readonly (WorkerView | NoAnswer)[]): GroupState {
  const isComplete = answers.length > 0 && answers.every((answer) => "sessionsAtRisk" in answer);
  const sessionsAtRisk = isComplete ? answers.reduce((sum, { sessionsAtRisk: atRisk }) => sum + atRisk, 0) : undefined;
  return { isWellFormed: findWellFormed(answers).status === "True", sessionsAtRisk };
}

/** Why the next step is not taken now. */
export const WAITS = {
  StatefulSetNotSeen: "the StatefulSet's controller has not seen the last change yet",
  Paused: "updates are paused",
  WorkerLeaving: "a worker is leaving",
  WorkerMissing: "a worker's pod does not exist yet",
  WorkerNotReady: "a worker is not ready",
  NotWellFormed: "the workers do not form one group",
  SessionsAtRisk: "a session is on one worker only",
} as const;
export type Wait = keyof typeof WAITS;

export interface Plan {
  /** spec.replicas of the StatefulSet. */
  readonly workers: number;
  /** The pod that is to go, so that it comes back with the new template. */
  readonly evict?: WorkerPod;
  readonly waitsFor?: Wait;
}

/** At most one worker leaves at a time, whether it comes back or not. */
export function planWorkers(input: PlanInput): Plan {
  const { wanted, set } = input;
  if (set === undefined || wanted > set.replicas) return { workers: wanted };
  return wanted < set.replicas ? planScaleDown(input, set) : planRoll(input, set);
}

/** The worker with the highest number goes; the next when it is gone and nothing depends on its memory any more. */
function planScaleDown({ wanted, pods, group }: PlanInput, { replicas }: WorkerSet): Plan {
  const less = { workers: replicas - 1 };
  if (pods.some(({ isTerminating, ordinal }) => isTerminating || ordinal >= replicas))
    return { workers: replicas, waitsFor: "WorkerLeaving" };
  const leaving = pods.find(({ ordinal }) => ordinal === replicas - 1);
  // Without a pod, or with one that serves nothing, nothing can be lost.
  if (leaving === undefined || !leaving.isReady) return less;
  // The last one takes its sessions with it whatever is waited for: that is what zero means.
  if (wanted === 0 && replicas === 1) return less;
  const waitsFor = groupWait(group);
  return waitsFor === undefined ? less : { workers: replicas, waitsFor };
}

function planRoll(input: PlanInput, { replicas, updateRevision }: WorkerSet): Plan {
  const { pods, isPaused, forcedRevision, group } = input;
  const workers = replicas;
  if (updateRevision === undefined) return { workers, waitsFor: "StatefulSetNotSeen" };
  const old = pods.filter(({ revision, isTerminating }) => revision !== updateRevision && !isTerminating).toSorted(lastFirst);
  if (old.length === 0) return { workers };
  if (isPaused) return { workers, waitsFor: "Paused" };
  if (pods.some(({ isTerminating }) => isTerminating)) return { workers, waitsFor: "WorkerLeaving" };
  // What does not work cannot be waited for: a new revision may be its cure.
  const broken = old.find(({ isReady }) => !isReady);
  if (broken) return { workers, evict: broken };
  const next = { workers, evict: old[0]! };
  if (pods.length < workers) return { workers, waitsFor: "WorkerMissing" };
  if (forcedRevision === updateRevision) return next;
  if (pods.some(({ isReady }) => !isReady)) return { workers, waitsFor: "WorkerNotReady" };
  // One alone has nobody to leave its sessions to, however long one waits.
  if (pods.length === 1) return next;
  const waitsFor = groupWait(group);
  return waitsFor === undefined ? next : { workers, waitsFor };
}

function groupWait({ isWellFormed, sessionsAtRisk }: GroupState): Wait | undefined {
  if (!isWellFormed) return "NotWellFormed";
  return sessionsAtRisk === 0 ? undefined : "SessionsAtRisk";
}

/** As the StatefulSet's own controller would. */
function lastFirst(one: WorkerPod, other: WorkerPod): number {
  return other.ordinal - one.ordinal;
}

/** Changes whenever a roll or scaling gets on; a crash that repeats changes nothing. */
export function progressOf({ set, pods, wanted }: Pick<PlanInput, "set" | "pods" | "wanted">): string {
  const updated = pods.filter(({ revision }) => revision === set?.updateRevision);
  const ready = updated.filter(({ isReady }) => isReady).length;
  return [wanted, set?.replicas, set?.updateRevision, pods.length, updated.length, ready].join(" ");
}
