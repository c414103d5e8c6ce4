// One fault as a test: small and short, and counts alone decide.
import assert from "node:assert/strict";
import { it } from "node:test";
import { FAULTS } from "./faults.ts";
import { brokenPromises } from "./promises.ts";
import { type FaultScale, type Manager, type Mode, runFault } from "./run-fault.ts";
import { tableRow } from "./table.ts";

const SCALE: FaultScale = {
  load: { sessions: 120, clients: 24, pauseMs: 80 },
  // Long enough for a frozen or cut off worker to be noticed, which takes six or seven seconds.
  durations: { frozenMs: 10_000, withoutDnsMs: 8000, cutOffMs: 9000, slowReaderMs: 8000, blockedMs: 3000, calmMs: 2000 },
};

export function checkFault(name: string, modes: readonly Mode[], manager: Manager = "Delta"): void {
  const fault = FAULTS.find((candidate) => candidate.name === name)!;
  for (const mode of modes) {
    it(`${fault.title}, ${mode.toLowerCase()} replication, ${manager}Manager`, async (context) => {
      const result = await runFault(fault, mode, { ...SCALE, manager });
      context.diagnostic(tableRow(result));
      assert.deepEqual(brokenPromises(result), []);
      assert.ok(result.requests > 3 * SCALE.load.sessions, `only ${result.requests} requests`);
    });
  }
}
