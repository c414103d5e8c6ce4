// `npm run bench`: product.md's budgets, ours and the real peers in one run, as ratios. Prints a table; fails only when something breaks.
// `npm run bench -- --encryption off|on|both` (default both): whether the channels are encrypted, on both sides alike, with AES-256-GCM;
// `--rounds N` (default 1): both sides in turn, so often, and the median of each figure: a machine has good and bad minutes.
import { parseArgs } from "node:util";
import { cpuSeconds, memoryMiB } from "../support/process-cpu.ts";
import { build, machine, numberOption } from "./bench-options.ts";
import { type Contender, ours, peers, setupsToMeasure } from "./contenders.ts";
import { median } from "./figures.ts";
import { CONNECTIONS, createSessions, load, SESSIONS } from "./load.ts";
import { workerStartSeconds } from "./worker-start.ts";

const WARM_UP_SECONDS = 8;
const MEASURED_SECONDS = Number(process.env.BENCH_SECONDS ?? 20);

interface Figures {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly balancerMicros: number;
  readonly workerMicros: number;
  readonly memoryMiB: number;
  readonly errors: number;
}

async function measure(contender: Contender): Promise<Figures> {
  try {
    const cookies = await createSessions(contender.url);
    await load(contender.url, cookies, WARM_UP_SECONDS);
    const pids = [contender.balancerPid, ...contender.workerPids];
    const before = pids.map(cpuSeconds);
    const result = await load(contender.url, cookies, MEASURED_SECONDS);
    const used = pids.map((pid, index) => ((cpuSeconds(pid) - before[index]!) / result.requests) * 1e6);
    return {
      requestsPerSecond: result.requestsPerSecond,
      p50Ms: result.p50Ms,
      p99Ms: result.p99Ms,
      balancerMicros: used[0]!,
      workerMicros: used.slice(1).reduce((sum, micros) => sum + micros, 0),
      memoryMiB: contender.workerPids.reduce((sum, pid) => sum + memoryMiB(pid), 0),
      errors: result.errors,
    };
  } finally {
    await contender.stop();
  }
}

/** Of each figure by itself; errors of all rounds. */
function medians(rounds: readonly Figures[]): Figures {
  const of = (figure: keyof Figures) => median(rounds.map((figures) => figures[figure]));
  return {
    requestsPerSecond: of("requestsPerSecond"),
    p50Ms: of("p50Ms"),
    p99Ms: of("p99Ms"),
    balancerMicros: of("balancerMicros"),
    workerMicros: of("workerMicros"),
    memoryMiB: of("memoryMiB"),
    errors: rounds.reduce((sum, { errors }) => sum + errors, 0),
  };
}

function row(name: string, figures: Figures): string {
  const cells = [
    figures.requestsPerSecond.toFixed(0),
    figures.p50Ms.toFixed(1),
    figures.p99Ms.toFixed(1),
    figures.balancerMicros.toFixed(0),
    figures.workerMicros.toFixed(0),
    (figures.balancerMicros + figures.workerMicros).toFixed(0),
    figures.memoryMiB.toFixed(0),
    String(figures.errors),
  ];
  return `| ${name} | ${cells.join(" | ")} |`;
}

function ratio(name: string, value: number, budget: number, higherIsBetter = false): string {
  const holds = higherIsBetter ? value >= budget : value <= budget;
  return `| ${name} | ${value.toFixed(2)} | ${higherIsBetter ? "≥" : "≤"} ${budget.toFixed(2)} | ${holds ? "yes" : "no"} |`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { encryption: { type: "string", default: "both" }, rounds: { type: "string", default: "1" } } });
  const measured = setupsToMeasure(values.encryption);
  const rounds = numberOption("rounds", values.rounds);
  build();
  const lines: string[] = [
    `${machine()}; wrk on the same cores, ${CONNECTIONS} connections, ${SESSIONS} sessions of 1 KiB, ${MEASURED_SECONDS} s after ${WARM_UP_SECONDS} s, ${rounds === 1 ? "once" : `medians of ${rounds} rounds`}`,
    "",
    "| | requests/s | p50 ms | p99 ms | balancer µs | workers µs | CPU µs/request | workers MiB | errors |",
    "|---|---|---|---|---|---|---|---|---|",
  ];
  const ratios: string[] = ["", "| ratio, ours : peers | seen | budget | holds |", "|---|---|---|---|"];
  for (const setup of measured) {
    const { mode, encrypted } = setup;
    const what = `${mode}${encrypted ? ", encrypted" : ""}`;
    const [theirRounds, ownRounds]: Figures[][] = [[], []];
    for (let round = 0; round < rounds; round++) {
      theirRounds!.push(await measure(await peers(setup)));
      ownRounds!.push(await measure(await ours(setup)));
    }
    const [theirs, own] = [medians(theirRounds!), medians(ownRounds!)];
    lines.push(row(`Apache httpd (mod_proxy_ajp) + 2 × Tomcat, ${what}`, theirs), row(`tomcat-cluster, 2 workers, ${what}`, own));
    const cpu = (own.balancerMicros + own.workerMicros) / (theirs.balancerMicros + theirs.workerMicros);
    ratios.push(ratio(`CPU per request, ${what}`, cpu, mode === "Asynchronous" ? 0.4 : 0.5));
    if (mode === "Asynchronous") {
      ratios.push(ratio(`requests per second, ${what}`, own.requestsPerSecond / theirs.requestsPerSecond, 2, true));
      ratios.push(ratio(`latency p99, ${what}`, own.p99Ms / theirs.p99Ms, 0.5));
      ratios.push(ratio(`memory of two workers, ${what}`, own.memoryMiB / theirs.memoryMiB, 0.6));
    }
  }
  ratios.push(ratio("start of a worker alone, seconds", await workerStartSeconds(), 0.5));
  console.log([...lines, ...ratios].join("\n"));
}

await main();
