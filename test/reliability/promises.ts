// Which promises of product.md and rules.md a run has broken.
import type { Failure } from "./ledger-load.ts";
import type { FaultResult } from "./run-fault.ts";

/** A sentence each; empty when the promise is kept. */
export function brokenPromises(result: FaultResult): string[] {
  const { fault, mode, failures, difference } = result;
  const broken: string[] = [];
  const mustBeNone = (count: number, what: string) => {
    if (count > 0) broken.push(`${count} ${what}`);
  };
  const unexcused = failures.filter((failure) => !isExcused(failure, result));
  mustBeNone(unexcused.length, `requests failed that must not (${[...new Set(unexcused.map(describe))].join(", ")})`);
  mustBeNone(result.lostSessions, "sessions lost");
  if (mode === "Synchronous" || !fault.allows?.lostUpdatesWhenAsynchronous) {
    mustBeNone(result.lostUpdates, "answered updates lost");
    mustBeNone(result.staleAnswers, "answers did not know of an update that had been answered");
  }
  mustBeNone(result.doubledEffects, "updates made twice");
  if (fault.keepsViews) mustBeNone(result.viewChanges, "changes of workers' views of the group");
  if (difference !== undefined) broken.push(`Copies differ: ${difference.trimEnd()}`);
  return broken;
}

/** Only a POST that the struck worker had, or got before anyone could know better (rule 19). */
function isExcused({ method, route, startedMs, endedMs }: Failure, { fault, strikes }: FaultResult): boolean {
  const noticedWithinMs = fault.allows?.post?.noticedWithinMs;
  if (method !== "POST" || noticedWithinMs === undefined) return false;
  return strikes.some((strike) => strike.route === route && startedMs <= strike.atMs + noticedWithinMs && endedMs >= strike.atMs);
}

function describe({ method, kind }: Failure): string {
  return `${method} ${kind}`;
}
