// Tries mutations of every recorded input on every target: what is refused is refused with an error of ours, in bounded time and memory.
import { getHeapStatistics } from "node:v8";
import { asError, TomcatClusterError } from "../../src/base/index.ts";
import { drawFor, mutate } from "./mutation.ts";
import { TARGETS, type Target } from "./targets.ts";

export interface FuzzOptions {
  readonly seed: number;
  readonly count: number;
  /** Number of the first input; with a count of 1 one input is tried again. */
  readonly from?: number;
  readonly onProgress?: (done: number) => void;
}

export interface Finding {
  readonly seed: number;
  readonly number: number;
  readonly target: string;
  readonly input: Buffer;
  readonly problem: string;
}

/** Of what one input of at most 64 KiB may take. Far above what any takes: a machine has other work, and garbage is collected late. */
const MAX_MS = 1000;
const MAX_NEW_BYTES = 96 * 1024 * 1024;
/** A slow or large one is tried again, since the machine may have been busy. */
const TRIES = 3;
const PROGRESS_EVERY = 10_000;

/** Undefined: nothing was found. Stops at the first finding. */
export async function fuzz(
  { seed, count, from = 0, onProgress = () => undefined }: FuzzOptions,
  targets: readonly Target[] = TARGETS,
): Promise<Finding | undefined> {
  const lenders = targets.flatMap(({ corpus }) => corpus);
  for (let number = from; number < from + count; number++) {
    const target = targets[number % targets.length]!;
    const draw = drawFor(seed, number);
    const original = target.corpus[draw(target.corpus.length)]!;
    const input = mutate(original, lenders, draw);
    const problem = await problemOf(target, input, () => drawFor(seed, number ^ 0x40000000));
    if (problem !== undefined) return { seed, number, target: target.name, input, problem };
    if ((number + 1) % PROGRESS_EVERY === 0) onProgress(number + 1 - from);
  }
  return undefined;
}

/** Names of targets that refuse everything that was recorded for them, so that mutations of it would try nothing. */
export async function uselessTargets(targets: readonly Target[] = TARGETS): Promise<string[]> {
  const useless: string[] = [];
  for (const target of targets) {
    let taken = 0;
    for (const input of target.corpus) taken += Number(await takes(target, input));
    if (taken === 0) useless.push(target.name);
  }
  return useless;
}

async function takes(target: Target, input: Buffer): Promise<boolean> {
  try {
    await target.run(Buffer.from(input), drawFor(0, 0));
    return true;
  } catch (error) {
    if (error instanceof TomcatClusterError) return false;
    throw error;
  }
}

async function problemOf(target: Target, input: Buffer, draw: () => ReturnType<typeof drawFor>): Promise<string | undefined> {
  let problem: string | undefined;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const bytesBefore = bytesInUse();
    const startedMs = performance.now();
    try {
      await target.run(Buffer.from(input), draw());
    } catch (error) {
      if (!(error instanceof TomcatClusterError)) return asError(error).stack;
    }
    const tookMs = performance.now() - startedMs;
    const newBytes = bytesInUse() - bytesBefore;
    if (Object.keys(Object.prototype).length > 0) return `Object.prototype has got ${Object.keys(Object.prototype).join(", ")}`;
    if (tookMs <= MAX_MS && newBytes <= MAX_NEW_BYTES) return undefined;
    problem = `took ${Math.round(tookMs)} ms and ${newBytes} bytes`;
  }
  return problem;
}

function bytesInUse(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}
