// Runs the first seeds of a family, and tells how to replay the one that fails.
import { type RunOptions, type RunResult, runScenario } from "./scenario.ts";

/** With the trace of the replay. */
export class FailedSeedError extends Error {
  constructor(result: RunResult, replay: RunResult) {
    const command = `npm run simulate -- --family ${result.family} --seeds 1 --from ${result.seed}`;
    super(`${result.family} ${result.seed}: ${result.violation}\n${replay.trace.join("\n")}\n\nAgain: ${command}`);
  }
}

/** Resolves with the number of requests that were answered. Throws FailedSeedError. */
export async function runSeeds(options: Omit<RunOptions, "seed" | "traced">, seeds: number): Promise<number> {
  let answered = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const result = await runScenario({ ...options, seed });
    if (result.violation !== undefined) throw new FailedSeedError(result, await runScenario({ ...options, seed, traced: true }));
    answered += result.requests - result.failures;
  }
  return answered;
}
