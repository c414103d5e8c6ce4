// The port of balancing methods: who takes a request without a session.
import type { Candidate } from "./snapshot.ts";

export interface BalancingMethod {
  /** One of `candidates`, which is not empty; the choice counts as a request of the chosen one. */
  choose<C extends Candidate>(candidates: readonly C[]): C;
  /** A request with a session went to `taken`: sessions count as load. */
  count(candidates: readonly Candidate[], taken: Candidate): void;
  /** Forgets workers that are not among these. */
  retain(names: ReadonlySet<string>): void;
}
