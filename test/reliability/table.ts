// Results as the README shows them.
import type { Failure, Method } from "./ledger-load.ts";
import type { FaultResult } from "./run-fault.ts";

export const TABLE_HEAD = [
  "| fault | replication | requests | GET errors | POST errors | lost sessions | lost updates | doubled effects | copies equal | changes of views | longest gap |",
  "|---|---|---|---|---|---|---|---|---|---|---|",
].join("\n");

export function tableRow(result: FaultResult): string {
  const { fault, mode, requests, failures, lostSessions, lostUpdates, staleAnswers, doubledEffects, difference, longestGapMs, notes } =
    result;
  const cells = [
    [fault.title, ...notes].join("; "),
    mode.toLowerCase(),
    requests,
    errors(failures, "GET"),
    errors(failures, "POST"),
    lostSessions.length,
    staleAnswers > 0 ? `${lostUpdates.length}, ${staleAnswers} stale answers` : lostUpdates.length,
    doubledEffects.length,
    difference === undefined ? "yes" : "no",
    result.viewChanges ?? "–",
    `${(longestGapMs / 1000).toFixed(1)} s`,
  ];
  return `| ${cells.join(" | ")} |`;
}

/** "0", or by kind: "12 × 502, 1 × reset". */
function errors(failures: readonly Failure[], method: Method): string {
  const counts = new Map<string, number>();
  for (const failure of failures) if (failure.method === method) counts.set(failure.kind, (counts.get(failure.kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => `${count} × ${kind}`).join(", ") || "0";
}
