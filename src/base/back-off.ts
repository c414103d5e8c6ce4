// How long to wait after failures: doubling, bounded, and spread, so that clients do not come back together.
import type { Random } from "./random.ts";

export interface BackOff {
  /** After the first failure. */
  readonly baseMs: number;
  readonly maxMs: number;
}

/** After `failures` (1 or more) in a row: between half of and the whole of baseMs · 2^(failures − 1), at most maxMs. */
export function backOffMs({ baseMs, maxMs }: BackOff, failures: number, random: Random): number {
  const fullMs = Math.min(maxMs, baseMs * 2 ** Math.min(failures - 1, 30));
  return fullMs * (0.5 + fraction(random) / 2);
}

/** At least 0, below 1. */
export function fraction(random: Random): number {
  return random.bytes(4).readUInt32BE() / 0x1_0000_0000;
}
