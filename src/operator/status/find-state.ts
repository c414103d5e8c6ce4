// What was observed of a cluster -> what its conditions say. Pure: the story that `kubectl describe` tells.

import type { WorkerPod } from "../observe/worker-pods.ts";
import type { NoAnswer, WorkerView } from "../observe/worker-view.ts";
import { FORCED_PAST, type Plan, WAITS } from "../roll/plan-workers.ts";
import { type Finding, type Findings, findWellFormed } from "./conditions.ts";
import type { Obstacle } from "./obstacle.ts";
import type { Reason } from "./reasons.ts";

export interface Facts {
  readonly obstacle: Obstacle | undefined;
  /** Why writing went wrong, which is tried again. */
  readonly failure: Error | undefined;
  /** spec.replicas; undefined where the spec cannot be read. */
  readonly wanted: number | undefined;
  readonly pods: readonly WorkerPod[];
  /** Of the template as it is now; undefined: not known yet. */
  readonly updateRevision: string | undefined;
  readonly plan: Plan;
  readonly balancers: BalancerFacts;
  readonly answers: readonly (WorkerView | NoAnswer)[];
  readonly pausedBy: Extract<Reason, "PausedBySpec" | "PausedByAnnotation"> | undefined;
  /** A roll, scaling or start has not got on for too long. */
  readonly isStuck: boolean;
  /** The command that overrides what a stuck roll waits for. */
  readonly forceCommand: string;
}

export interface BalancerFacts {
  readonly wanted: number;
  readonly available: number;
  /** Whether all of them run what the Deployment says. */
  readonly isUpdated: boolean;
}

export function findState(facts: Facts): Findings {
  const ready = findReady(facts);
  return {
    Ready: ready,
    Reconciling: findReconciling(facts),
    Stalled:
      facts.obstacle === undefined
        ? { status: "False", reason: "NotStalled", message: "Nothing is in the way" }
        : { status: "True", ...facts.obstacle },
    WellFormed: findWellFormed(facts.answers),
    Degraded: findDegraded(facts),
    Paused: findPaused(facts),
  };
}

function findReady({ obstacle, wanted, pods, balancers }: Facts): Finding {
  if (obstacle !== undefined) return { status: "False", ...obstacle };
  const serving = countServing(pods);
  if (wanted === 0 && serving === 0) return { status: "True", reason: "ScaledToZero", message: "No worker is wanted" };
  if (wanted === undefined || serving < wanted) {
    return { status: "False", reason: "WorkersNotReady", message: `${serving} of ${wanted ?? "unknown"} workers serve` };
  }
  if (balancers.available === 0) return { status: "False", reason: "BalancersNotReady", message: "No balancer is available" };
  return { status: "True", reason: "AllServing", message: `${serving} ${serving === 1 ? "worker serves" : "workers serve"}` };
}

/** Whether workers come, are replaced or leave, which must not take for ever. Balancers are their Deployment's affair. */
export function isUnderWay(facts: Facts): boolean {
  const { status, reason } = findReconciling(facts);
  if (status !== "True" || reason === "Failing") return false;
  return reason !== "Starting" || countServing(facts.pods) < (facts.wanted ?? 0);
}

/** Not while somebody has to act: kstatus waits for what is reconciling, and fails on what is stalled. */
function findReconciling({ obstacle, failure, wanted, pods, plan, updateRevision, balancers, pausedBy }: Facts): Finding {
  const idle: Finding = { status: "False", reason: "UpToDate", message: "Everything is as the spec says" };
  if (obstacle !== undefined || pausedBy === "PausedByAnnotation") return { ...idle, message: "Nothing is under way" };
  if (failure !== undefined) return { status: "True", reason: "Failing", message: `Tried again: ${failure.message}` };
  const because = plan.waitsFor === undefined || plan.waitsFor === "Paused" ? "" : `; now ${WAITS[plan.waitsFor]}`;
  const surplus = pods.filter(({ ordinal }) => ordinal >= (wanted ?? 0));
  if (wanted !== undefined && (plan.workers > wanted || surplus.length > 0)) {
    return { status: "True", reason: "ScalingDown", message: `Workers leave until ${wanted} remain${because}` };
  }
  const old = pods.filter(({ revision }) => revision !== updateRevision);
  if (updateRevision !== undefined && old.length > 0 && plan.waitsFor !== "Paused") {
    return { status: "True", reason: "Rolling", message: `To be replaced: ${old.map(({ name }) => name).join(", ")}${because}` };
  }
  if (
    updateRevision === undefined ||
    countServing(pods) < (wanted ?? 0) ||
    !balancers.isUpdated ||
    balancers.available < balancers.wanted
  ) {
    return { status: "True", reason: "Starting", message: `Workers or balancers are starting${because}` };
  }
  return plan.waitsFor === "Paused" ? { ...idle, message: "Changes wait: updates are paused" } : idle;
}

function findDegraded(facts: Facts): Finding {
  const { isStuck, plan, forceCommand } = facts;
  if (!isStuck) return { status: "False", reason: "AsExpected", message: "Nothing lasts longer than it should" };
  if (findReconciling(facts).reason === "Starting") {
    return { status: "True", reason: "StartStuck", message: "No progress for 10 minutes: workers do not become ready. Look at their pods" };
  }
  return { status: "True", reason: "RollStuck", message: `No progress for 10 minutes: ${whyStuck(plan, forceCommand)}` };
}

/** Ends with what a person can do about it. */
function whyStuck({ evict, waitsFor }: Plan, forceCommand: string): string {
  if (waitsFor !== undefined) return WAITS[waitsFor] + (FORCED_PAST.has(waitsFor) ? `. To go on all the same: ${forceCommand}` : "");
  if (evict === undefined) return "workers do not become ready. Look at their pods";
  return `the eviction of ${evict.name} is refused, by a PodDisruptionBudget as a rule. To go on all the same, delete the pod`;
}

function findPaused({ pausedBy }: Facts): Finding {
  if (pausedBy === undefined) return { status: "False", reason: "NotPaused", message: "Changes are carried out" };
  const what = pausedBy === "PausedBySpec" ? "Workers keep what they run" : "Nothing is changed";
  return { status: "True", reason: pausedBy, message: what };
}

export function countServing(pods: readonly WorkerPod[]): number {
  return pods.filter(({ isReady, isTerminating }) => isReady && !isTerminating).length;
}
