// Failures of replicated maps.
import { TomcatClusterError } from "../../base/index.ts";

/** A message that no replicated map can mean: of another class, or without what its type needs. */
export class InvalidMapMessageError extends TomcatClusterError {
  readonly code = "INVALID_MAP_MESSAGE";

  constructor(problem: string) {
    super(`${problem}; check the version of the member that sent it`);
  }
}
