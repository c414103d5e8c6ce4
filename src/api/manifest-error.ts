// What is wrong with a manifest: every problem at once.
import { TomcatClusterError } from "../base/index.ts";

export interface ManifestProblem {
  /** Steps to the field; empty for the whole document. */
  readonly path: readonly PropertyKey[];
  /** What was found and what is known, without the path. */
  readonly message: string;
  /** Where the manifest was read from text. From 1. */
  readonly position?: { readonly line: number; readonly column: number };
}

/** A manifest that is not a valid TomcatCluster. */
export class ManifestError extends TomcatClusterError {
  readonly code = "INVALID_MANIFEST";
  /** Never empty. */
  readonly problems: readonly ManifestProblem[];

  /** `source` is the manifest's file, or what else names it to its author. */
  constructor(source: string, problems: readonly ManifestProblem[]) {
    super(
      `The manifest "${source}" is not a valid TomcatCluster:\n${problems.map((problem) => `- ${describeProblem(problem)}`).join("\n")}`,
    );
    this.problems = problems;
  }
}

function describeProblem({ path, message, position }: ManifestProblem): string {
  const field = path.length === 0 ? "" : `${fieldName(path)}: `;
  const place = position === undefined ? "" : ` (line ${position.line}, column ${position.column})`;
  return `${field}${message}${place}`;
}

/** "spec.applications[0].path" */
export function fieldName(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, step) => (typeof step === "number" ? `${text}[${step}]` : `${text}${text === "" ? "" : "."}${String(step)}`),
    "",
  );
}
