// One run: a seed becomes a group, clients, and a list of faults, one after the other; then quiet, and the last look.

import { FAMILIES, type Family } from "./families.ts";
import type { RuleSwitches } from "./rule-switches.ts";
import { Violation, World } from "./world.ts";

export interface RunOptions {
  readonly family: Family;
  readonly seed: number;
  readonly traced?: boolean;
  readonly off?: RuleSwitches;
}

export interface RunResult {
  readonly family: Family;
  readonly seed: number;
  readonly violation: string | undefined;
  readonly requests: number;
  readonly failures: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly faults: readonly string[];
  readonly trace: readonly string[];
}

const QUIET_MS = 40_000;

export async function runScenario({ family, seed, traced = false, off = {} }: RunOptions): Promise<RunResult> {
  const { settings, play } = FAMILIES[family];
  const world = new World({ ...settings(`${family}/${seed}`), seed: `${family}/${seed}`, traced, off });
  const faults: string[] = [];
  const note = (fault: string) => {
    faults.push(fault);
    world.trace.note("FAULT", () => fault);
  };
  let violation: string | undefined;
  try {
    await play(world, note);
    note("quiet");
    for (const browser of world.browsers) browser.stop();
    await world.expect("an end of every request", 120_000, () => world.browsersIdle);
    await world.expect("one group of ready workers that are up to date", 120_000, () => world.settled);
    await world.run(QUIET_MS);
    world.checkEnd();
    await world.run(0);
    let looks = world.browsers.length;
    for (const browser of world.browsers) void browser.look().then(() => looks--);
    await world.expect("an answer to everybody's last look", 10_000, () => looks === 0);
  } catch (error) {
    violation = error instanceof Violation ? error.message : `the simulation itself failed: ${(error as Error).stack}`;
  }
  world.close();
  return {
    ...{ family, seed, violation, faults },
    requests: world.requests,
    failures: world.failures,
    events: world.time.events,
    virtualMs: world.time.nowMs,
    trace: world.trace.lines,
  };
}
