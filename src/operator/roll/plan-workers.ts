// The one next step of a roll or of scaling: which worker may go now, and what is waited for otherwise. Pure.
import type { WorkerPod, WorkerSet } from "../observe/worker-pods.ts";
import type { NoAnswer, WorkerView } from "../observe/worker-view.ts";
import { findWellFormed } from "../status/conditions.ts";
import type { Progress } from "./progress-watch.ts";

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

/** What the workers say about themselves. */
export interface GroupState {
  /** Of those that are ready. */
  readonly isWellFormed: boolean;
  /** Sessions whose newest version only one worker has; undefined: not everybody answered who may have some. */
  readonly sessionsAtRisk: number | undefined;
}

type Answers = readonly (WorkerView | NoAnswer)[];

/** `faltering`: answers of workers that were ready and are not now. */
export function groupStateOf(answers: Answers, faltering: Answers): GroupState {
  const all = [...answers, ...faltering];
  const isComplete = all.length > 0 && all.every((answer) => "sessionsAtRisk" in answer);
  const sessionsAtRisk = isComplete ? all.reduce((sum, { sessionsAtRisk: atRisk }) => sum + atRisk, 0) : undefined;
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
  WorkerSilent: "a worker does not say whether it has sessions that nobody else has",
} as const;
export type Wait = keyof typeof WAITS;
/** What is not waited for by force. */
export const FORCED_PAST: ReadonlySet<Wait> = new Set(["WorkerNotReady", "NotWellFormed", "SessionsAtRisk", "WorkerSilent"]);

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
function planScaleDown({ wanted, pods, group, forcedRevision }: PlanInput, { replicas, updateRevision }: WorkerSet): Plan {
  const less = { workers: replicas - 1 };
  if (pods.some(({ isTerminating, ordinal }) => isTerminating || ordinal >= replicas))
    return { workers: replicas, waitsFor: "WorkerLeaving" };
  const leaving = pods.find(({ ordinal }) => ordinal === replicas - 1);
  // Without a pod, or with one that never served, nothing can be lost.
  if (leaving === undefined || !leaving.hasServed) return less;
  // The last one takes its sessions with it whatever is waited for: that is what zero means.
  if (wanted === 0 && replicas === 1) return less;
  if (updateRevision !== undefined && forcedRevision === updateRevision) return less;
  const waitsFor = leaving.isReady ? groupWait(group) : sessionsWait(group);
  return waitsFor === undefined ? less : { workers: replicas, waitsFor };
}

function planRoll(input: PlanInput, { replicas, updateRevision }: WorkerSet): Plan {
  const { pods, isPaused, forcedRevision, group } = input;
  const workers = replicas;
  if (updateRevision === undefined) return { workers, waitsFor: "StatefulSetNotSeen" };
  const old = pods.filter(({ revision, isTerminating }) => revision !== updateRevision && !isTerminating).toSorted(lastFirst);
  if (old.length === 0) return { workers };
  if (isPaused) return { workers, waitsFor: "Paused" };
  // What never worked has nothing to lose, and the new revision may be its cure: it waits for nothing.
  const broken = old.find(({ hasServed }) => !hasServed);
  if (broken) return { workers, evict: broken };
  if (pods.some(({ isTerminating }) => isTerminating)) return { workers, waitsFor: "WorkerLeaving" };
  if (pods.length < workers) return { workers, waitsFor: "WorkerMissing" };
  // Then what has stopped working: others that are not ready are no reason to wait, the sessions that it may have are.
  const faltering = old.find(({ isReady }) => !isReady);
  const next = { workers, evict: faltering ?? old[0]! };
  // One alone has nobody to leave its sessions to, however long one waits.
  if (forcedRevision === updateRevision || (pods.length === 1 && workers === 1)) return next;
  if (!faltering && pods.some(({ isReady }) => !isReady)) return { workers, waitsFor: "WorkerNotReady" };
  const waitsFor = faltering ? sessionsWait(group) : groupWait(group);
  return waitsFor === undefined ? next : { workers, waitsFor };
}

function groupWait(group: GroupState): Wait | undefined {
  return group.isWellFormed ? sessionsWait(group) : "NotWellFormed";
}

function sessionsWait({ sessionsAtRisk }: GroupState): Wait | undefined {
  if (sessionsAtRisk === undefined) return "WorkerSilent";
  return sessionsAtRisk === 0 ? undefined : "SessionsAtRisk";
}

/** As the StatefulSet's own controller would. */
function lastFirst(one: WorkerPod, other: WorkerPod): number {
  return other.ordinal - one.ordinal;
}

/** What is left to do, as a negative number. A worker that goes is a step, and one that is ready; a crash that repeats leads nowhere. */
export function progressOf({ set, pods, wanted }: Pick<PlanInput, "set" | "pods" | "wanted">): Progress {
  const kept = pods.filter(({ ordinal }) => ordinal < wanted);
  const old = kept.filter(({ revision }) => revision !== set?.updateRevision);
  const ready = kept.filter(({ revision, isReady }) => isReady && revision === set?.updateRevision);
  const toCome = wanted - old.length - ready.length;
  const surplus = Math.max(0, (set?.replicas ?? 0) - wanted);
  const left = 2 * old.length + toCome + 2 * (pods.length - kept.length) + surplus;
  return { goal: `${wanted} of ${set?.updateRevision}`, reached: -left };
}
