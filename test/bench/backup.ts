// `npm run bench:backup`: what a request costs with BackupManager, whatever the number of workers. Prints a table; fails only when something
// breaks. `--rounds N` (3): both sizes in turn, so often, and the medians; `--encryption off|on` (on).
import { parseArgs } from "node:util";
import { LocalCluster } from "../support/local-cluster.ts";
import { cpuSeconds } from "../support/process-cpu.ts";
import { build, encryptionsToMeasure, machine, numberOption } from "./bench-options.ts";
import { atMost, figuresTable, median, whether } from "./figures.ts";
import { createSessions, load } from "./load.ts";

const FEW = 2;
const MANY = 8;
const WARM_UP_SECONDS = 8;
const MEASURED_SECONDS = 10;
const BUDGET = 1.15;

interface Cost {
  /** CPU microseconds of all workers for one request. */
  readonly micros: number;
  readonly errors: number;
}

async function costOf(workers: number, encrypted: boolean): Promise<Cost> {
  const group = { manager: { type: "Backup" }, encryption: { mode: encrypted ? "SharedKey" : "Disabled" } };
  const manifest = {
    apiVersion: "tribes.dev/v1alpha1",
    kind: "TomcatCluster",
    metadata: { name: "shop" },
    spec: { replicas: workers, group },
  };
  const cluster = await LocalCluster.start({ manifest, compiled: true });
  try {
    const url = `${cluster.ready.url}/shop`;
    const used = () => cluster.ready.workers.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0);
    const cookies = await createSessions(url);
    await load(url, cookies, WARM_UP_SECONDS);
    const before = used();
    const { requests, errors } = await load(url, cookies, MEASURED_SECONDS);
    return { micros: ((used() - before) / requests) * 1e6, errors };
  } finally {
    await cluster.stop();
  }
}

const { values } = parseArgs({ options: { rounds: { type: "string", default: "3" }, encryption: { type: "string", default: "on" } } });
const rounds = numberOption("rounds", values.rounds);
const [encrypted] = encryptionsToMeasure(values.encryption);
build();
const costs: Record<number, Cost[]> = { [FEW]: [], [MANY]: [] };
for (let round = 0; round < rounds; round++) for (const workers of [FEW, MANY]) costs[workers]!.push(await costOf(workers, encrypted!));
const micros = (workers: number) => median(costs[workers]!.map((cost) => cost.micros));
const errors = Object.values(costs)
  .flat()
  .reduce((sum, cost) => sum + cost.errors, 0);
console.log(`\n${machine()}; each request changes its session of 1 KiB; channel ${encrypted ? "encrypted" : "plain"}\n`);
console.log(`CPU of the workers for a request: ${micros(FEW).toFixed(0)} µs with ${FEW}, ${micros(MANY).toFixed(0)} µs with ${MANY}\n`);
console.log(
  figuresTable([
    atMost(`CPU of a request with ${MANY} workers : with ${FEW}`, micros(MANY) / micros(FEW), BUDGET),
    whether("failed requests", errors === 0, String(errors), "0"),
  ]),
);
