// Conditions of a TomcatCluster: found facts in, conditions out, and what changed between two of them. Pure.
import { CONDITION_TYPES, type ConditionType, type TomcatClusterStatus } from "../../api/index.ts";
import type { NoAnswer, WorkerView } from "../observe/worker-view.ts";
import type { Reason } from "./reasons.ts";

export type Condition = NonNullable<TomcatClusterStatus["conditions"]>[number];

/** A condition without what depends on the one before. */
export interface Finding {
  readonly status: "True" | "False" | "Unknown";
  readonly reason: Reason;
  readonly message: string;
}

export type Findings = Readonly<Record<ConditionType, Finding>>;

const MAX_MESSAGE_LENGTH = 4096;

export function isTrue(finding: Finding): boolean {
  return finding.status === "True";
}

/** In the order of CONDITION_TYPES. `now`: as the API server writes times. */
export function conditionsOf(
  findings: Findings,
  { previous, generation, now }: { readonly previous: readonly Condition[]; readonly generation: number; readonly now: string },
): Condition[] {
  return CONDITION_TYPES.map((type) => {
    const { status, reason, message } = findings[type];
    const before = previous.find((condition) => condition.type === type);
    return {
      type,
      status,
      observedGeneration: generation,
      lastTransitionTime: before?.status === status ? before.lastTransitionTime : now,
      reason,
      message: message.slice(0, MAX_MESSAGE_LENGTH),
    };
  });
}

/** Whether all ready workers see the same members. */
export function findWellFormed(answers: readonly (WorkerView | NoAnswer)[]): Finding {
  if (answers.length === 0) return { status: "Unknown", reason: "NoWorkers", message: "No worker is ready" };
  const silent = answers.filter((answer) => "problem" in answer);
  if (silent.length > 0) {
    const message = silent.map(({ worker, problem }) => `${worker}: ${problem}`).join("; ");
    return { status: "Unknown", reason: "WorkerNotAnswering", message };
  }
  const views = distinctViews(answers);
  if (views.size === 1) {
    const [view] = views.keys();
    return { status: "True", reason: "OneView", message: `All workers see ${view === "" ? "no group" : view}` };
  }
  const message = [...views].map(([view, workers]) => `${workers.join(", ")}: ${view || "no group"}`).join("; ");
  return { status: "False", reason: "SeveralViews", message: `Workers see different members. ${message}` };
}

/** By view, the names of all members: the workers that have it. */
export function distinctViews(answers: readonly (WorkerView | NoAnswer)[]): ReadonlyMap<string, readonly string[]> {
  const views = new Map<string, string[]>();
  for (const { worker, members } of answers.filter((answer) => "members" in answer)) {
    const view = members.join(", ");
    views.set(view, [...(views.get(view) ?? []), worker]);
  }
  return views;
}

export interface Transition {
  readonly type: "Normal" | "Warning";
  readonly reason: Reason;
  readonly message: string;
}

/** Status of a condition that is bad news; the others are told when the bad news is over. */
const BAD: Readonly<Partial<Record<ConditionType, Finding["status"]>>> = {
  Ready: "False",
  Stalled: "True",
  WellFormed: "False",
  Degraded: "True",
};
/** Of which both directions are told, and neither is bad. */
const TOLD: ReadonlySet<string> = new Set<ConditionType>(["Reconciling", "Paused"]);

/** What is worth an event: a condition that has another status or, while it is bad, another reason. What was so from the start is not. */
export function transitionsBetween(previous: readonly Condition[], next: readonly Condition[]): Transition[] {
  return next.flatMap(({ type: name, status, reason, message }): Transition[] => {
    const type = name as ConditionType;
    const before = previous.find((condition) => condition.type === type);
    const isBad = BAD[type] === status;
    const isNews = before === undefined ? isBad && type !== "Ready" : before.status !== status || (isBad && before.reason !== reason);
    if (!isNews) return [];
    if (isBad) return [{ type: "Warning", reason: reason as Reason, message }];
    const isOver = before !== undefined && before.status === BAD[type];
    return isOver || TOLD.has(type) ? [{ type: "Normal", reason: reason as Reason, message }] : [];
  });
}
