// A verification as a person reads it.
import type { Difference } from "./compare-workers.ts";
import type { Verification } from "./verify-workers.ts";

const MAX_LINES = 50;

export function reportText({ equal, workers, contexts, differences }: Verification): string {
  const lines = [equal ? "Equal" : `${count(differences.length, "difference")}:`];
  for (const difference of differences.slice(0, MAX_LINES)) lines.push(`  ${sentence(difference)}`);
  if (differences.length > MAX_LINES) lines.push(`  … and ${differences.length - MAX_LINES} more; --json lists all`);
  for (const { name, workers: holders } of contexts) {
    lines.push(`${name}:`);
    for (const { url, sessions, sessionsAtRisk, digest } of holders) {
      const compared = digest === undefined ? "not compared: each worker has other sessions" : `digest ${digest}`;
      lines.push(`  ${url}  ${count(sessions, "session")}, ${sessionsAtRisk} at risk, ${compared}`);
    }
  }
  lines.push("Workers:");
  for (const { url, state, member, members } of workers) {
    lines.push(`  ${url}  ${state}, ${member ?? "no channel"}, knows ${count(members, "other member")}`);
  }
  return lines.join("\n");
}

function sentence(difference: Difference): string {
  switch (difference.kind) {
    case "NotAnswering":
      return difference.problem;
    case "NotServing":
      return `${difference.worker} does not serve, it is "${difference.state}"`;
    case "UnknownMember":
      return `${difference.worker} does not know the member ${difference.member}`;
    case "SuspectMember":
      return `${difference.worker} gets no answer from the member ${difference.member}`;
    case "MissingContext":
      return `${difference.worker} does not replicate ${difference.context}`;
    case "StateNotTransferred":
      return `${difference.worker} still waits for the sessions of ${difference.context}`;
    case "Session": {
      const copies = Object.entries(difference.copies).map(([url, copy]) =>
        copy === null ? `${url} has none` : `${url} has version ${copy.version} (${copy.content.slice(0, 8)})`,
      );
      return `${difference.context} session ${difference.session}: ${copies.join(", ")}`;
    }
  }
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
