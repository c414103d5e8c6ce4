// Knows when a process has nothing left to do at this instant: no promise callback, no next tick, no immediate.
import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers";
import promises from "node:timers/promises";

const systemSetImmediate = globalThis.setImmediate;
const systemClearImmediate = globalThis.clearImmediate;
const pending = new Set<NodeJS.Immediate>();

function countedSetImmediate<A extends unknown[]>(task: (...args: A) => void, ...args: A): NodeJS.Immediate {
  const immediate = systemSetImmediate(() => {
    pending.delete(immediate);
    task(...args);
  });
  pending.add(immediate);
  return immediate;
}

function countedClearImmediate(immediate: NodeJS.Immediate | undefined): void {
  if (immediate === undefined) return;
  pending.delete(immediate);
  systemClearImmediate(immediate);
}

/** Counts the immediates of this process from now on. Only for processes that run simulations and nothing else. */
export function countImmediates(): void {
  const replacements = { setImmediate: countedSetImmediate, clearImmediate: countedClearImmediate };
  Object.assign(globalThis, replacements);
  Object.assign(timers, replacements);
  Object.assign(promises, { setImmediate: () => new Promise<void>((resolve) => countedSetImmediate(resolve)) });
  syncBuiltinESMExports();
}

/** Resolves when everything has run that can run without time passing or a socket speaking. */
export async function quiet(): Promise<void> {
  do await new Promise<void>((resolve) => systemSetImmediate(resolve));
  while (pending.size > 0);
}
