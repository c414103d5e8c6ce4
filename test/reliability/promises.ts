// Which promises of product.md and rules.md a run has broken.
import type { Failure } from "./ledger-load.ts";
import type { FaultResult } from "./run-fault.ts";

/** How many of a kind a sentence names. */
const EXAMPLES = 5;

/** A sentence each; empty when the promise is kept. */
export function brokenPromises(result: FaultResult): string[] {
  const { fault, mode, failures, difference } = result;
  const broken: string[] = [];
  const mustBeNone = (found: readonly string[], what: string) => {
    if (found.length > 0) broken.push(`${found.length} ${what}: ${found.slice(0, EXAMPLES).join(", ")}`);
  };
  const unexcused = failures.filter((failure) => !isExcused(failure, result));
  mustBeNone(unexcused.map(describe), "requests failed that must not");
  mustBeNone(result.lostSessions, "sessions lost");
  if (mode === "Synchronous" || !fault.allows?.lostUpdatesWhenAsynchronous) {
    mustBeNone(result.lostUpdates, "answered updates lost");
    if (result.staleAnswers > 0) broken.push(`${result.staleAnswers} answers did not know of an update that had been answered`);
  }
  mustBeNone(result.doubledEffects, "updates made twice");
  if ((result.viewChanges ?? 0) > (fault.mostViewChanges ?? Number.POSITIVE_INFINITY))
    broken.push(`${result.viewChanges} changes of workers' views of the group, not ${fault.mostViewChanges}`);
  if (difference !== undefined) broken.push(`Copies differ: ${difference.trimEnd()}`);
  return broken;
}

/** Only a POST that the struck worker had, or got before anyone could know better (rule 19). */
function isExcused({ method, route, startedMs, endedMs }: Failure, { fault, strikes }: FaultResult): boolean {
  const noticedWithinMs = fault.allows?.post?.noticedWithinMs;
  if (method !== "POST" || noticedWithinMs === undefined) return false;
  return strikes.some((strike) => strike.route === route && startedMs <= strike.atMs + noticedWithinMs && endedMs >= strike.atMs);
}

function describe({ method, kind, route, startedMs, endedMs }: Failure): string {
  return `${method} at ${route} ${kind} after ${Math.round(endedMs - startedMs)} ms`;
}
