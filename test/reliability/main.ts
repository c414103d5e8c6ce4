// `npm run reliability`: faults of real processes under load, counted. Prints a table in Markdown; exit code 1 when a promise is broken.
// `npm run reliability -- --fault NAME --mode sync|async|both`: one of them, in one mode; by default all, in both.
// `--manager Delta|Backup`: every session on every worker, by default, or on two.
import { inspect, parseArgs } from "node:util";
import { namespacesMissing } from "../support/process-networks.ts";
import { FAULTS, type Fault } from "./faults.ts";
import { brokenPromises } from "./promises.ts";
import { type FaultScale, type Manager, type Mode, runFault } from "./run-fault.ts";
import { TABLE_HEAD, tableRow } from "./table.ts";

const SCALE: FaultScale = {
  load: { sessions: 500, clients: 64, pauseMs: 100 },
  durations: { frozenMs: 20_000, withoutDnsMs: 60_000, cutOffMs: 20_000, slowReaderMs: 20_000, blockedMs: 3000, calmMs: 4000 },
};

const MODES: Readonly<Record<string, readonly Mode[]>> = {
  sync: ["Synchronous"],
  async: ["Asynchronous"],
  both: ["Synchronous", "Asynchronous"],
};

function chosen(): { faults: readonly Fault[]; modes: readonly Mode[]; manager: Manager } {
  const text = (byDefault: string) => ({ type: "string", default: byDefault }) as const;
  const options = { fault: { type: "string" }, mode: text("both"), manager: text("Delta") } as const;
  const { fault, mode, manager } = parseArgs({ options }).values;
  const modes = MODES[mode];
  const faults = FAULTS.filter(({ name }) => fault === undefined || name === fault);
  if (modes === undefined) throw new Error(`--mode is ${Object.keys(MODES).join(", ")}, not "${mode}"`);
  if (faults.length === 0) throw new Error(`--fault is ${FAULTS.map(({ name }) => name).join(", ")}, not "${fault}"`);
  if (manager !== "Delta" && manager !== "Backup") throw new Error(`--manager is Delta or Backup, not "${manager}"`);
  return { faults, modes, manager };
}

async function main(): Promise<number> {
  const { faults, modes, manager } = chosen();
  const scale = { ...SCALE, manager };
  const missing = namespacesMissing();
  const { load } = SCALE;
  console.log(`3 workers, ${load.clients} clients, ${load.sessions} sessions, GET and POST in turn, ${manager}Manager\n\n${TABLE_HEAD}`);
  const broken: string[] = [];
  for (const fault of faults) {
    if (fault.needsNamespaces && missing !== undefined) console.log(`| ${fault.title} | not run: ${missing} |`);
    else broken.push(...(await runModes(fault, modes, scale)));
  }
  console.log(broken.length === 0 ? "\nEvery promise is kept." : `\nBroken promises:\n${broken.join("\n")}`);
  return broken.length === 0 ? 0 : 1;
}

interface Outcome {
  readonly row: string;
  readonly broken: readonly string[];
}

/** Prints a row for each mode; returns the broken promises. */
async function runModes(fault: Fault, modes: readonly Mode[], scale: FaultScale): Promise<string[]> {
  const started: Promise<Outcome>[] = [];
  for (const mode of modes) {
    if (!fault.long) await started.at(-1);
    started.push(runMode(fault, mode, scale));
  }
  const outcomes = await Promise.all(started);
  for (const { row } of outcomes) console.log(row);
  return outcomes.flatMap(({ broken }) => broken);
}

/** A run that cannot be finished is a broken promise too. */
async function runMode(fault: Fault, mode: Mode, scale: FaultScale): Promise<Outcome> {
  const begin = `- ${fault.name}, ${mode.toLowerCase()}: `;
  try {
    const result = await runFault(fault, mode, scale);
    return { row: tableRow(result), broken: brokenPromises(result).map((sentence) => begin + sentence) };
  } catch (error) {
    return { row: `| ${fault.title} | ${mode.toLowerCase()} | broken off |`, broken: [begin + inspect(error)] };
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
process.exitCode = await main();
