// Requests in proportion to weights (mod_proxy_balancer's lbmethod_byrequests; balancer.md 2.4).
import type { BalancingMethod } from "./balancing-method.ts";
import type { Candidate } from "./snapshot.ts";

/** Weights count in hundredths, as httpd's load factors do. */
const WEIGHT_UNITS = 100;

/**
 * Each request gives every candidate its weight and takes the sum from the chosen one, so that over one period each is
 * chosen exactly in proportion, evenly spread. Ties keep the earlier candidate.
 */
export class ByRequests implements BalancingMethod {
  readonly #status = new Map<string, number>();

  choose<C extends Candidate>(candidates: readonly C[]): C {
    let best = candidates[0]!;
    let bestStatus = Number.NEGATIVE_INFINITY;
    let total = 0;
    for (const candidate of candidates) {
      const units = weightUnits(candidate);
      const status = (this.#status.get(candidate.name) ?? 0) + units;
      this.#status.set(candidate.name, status);
      total += units;
      if (status > bestStatus) {
        best = candidate;
        bestStatus = status;
      }
    }
    this.#status.set(best.name, bestStatus - total);
    return best;
  }

  count(candidates: readonly Candidate[], taken: Candidate): void {
    let total = 0;
    for (const candidate of candidates) {
      const units = weightUnits(candidate);
      this.#status.set(candidate.name, (this.#status.get(candidate.name) ?? 0) + units);
      total += units;
    }
    this.#status.set(taken.name, (this.#status.get(taken.name) ?? 0) - total);
  }

  retain(names: ReadonlySet<string>): void {
    for (const name of this.#status.keys()) if (!names.has(name)) this.#status.delete(name);
  }
}

function weightUnits(candidate: Candidate): number {
  return Math.max(1, Math.round(candidate.weight * WEIGHT_UNITS));
}
