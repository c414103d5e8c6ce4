// Rendezvous hashing: every balancer, asked about the same session and the same workers, names the same one (rule 17).
import type { Candidate } from "./snapshot.ts";

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * An unsigned 32-bit score: FNV-1a over the low bytes of "name.stem", finished by murmur3's fmix32, without which names that
 * differ in their last character only would score nearly alike. Part of the contract between balancers: never change it.
 */
export function rendezvousScore(stem: string, name: string): number {
  let hash = FNV_OFFSET;
  for (let index = 0; index < name.length; index++) hash = Math.imul(hash ^ (name.charCodeAt(index) & 0xff), FNV_PRIME);
  hash = Math.imul(hash ^ 0x2e, FNV_PRIME);
  for (let index = 0; index < stem.length; index++) hash = Math.imul(hash ^ (stem.charCodeAt(index) & 0xff), FNV_PRIME);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The candidate with the highest score; of equal ones the first by name. `candidates` is not empty. */
export function highestRendezvous<C extends Candidate>(candidates: readonly C[], stem: string): C {
  let best = candidates[0]!;
  let bestScore = -1;
  for (const candidate of candidates) {
    const score = rendezvousScore(stem, candidate.name);
    if (score > bestScore || (score === bestScore && candidate.name < best.name)) {
      best = candidate;
      bestScore = score;
    }
  }
  return best;
}
