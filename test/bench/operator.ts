// `npm run bench:operator`: what the operator costs with 1, 100 and 1000 TomcatClusters on a real etcd and API server, and how soon it is
// back after they or its leader were gone. Prints tables; fails only when something breaks. Needs what `npm run setup:peers` builds.
// `--clusters N,N…` (1,100,1000), `--seconds N` of the quiet time that is measured (60), `--source` (runs src/ in place of a fresh dist/).
import { parseArgs } from "node:util";
import { build, machine, numberOption } from "./bench-options.ts";
import { atMost, type Figure, figuresTable, whether } from "./figures.ts";
import { type Counters, OperatorRun } from "./operator-run.ts";

/** Of 1000 clusters, in units of 1 000 000 bytes. */
const MAX_MEMORY_MB = 250;
const MAX_FAIL_OVER_SECONDS = 20;
const MAX_RELEASE_SECONDS = 3;
/** What was done last is over. */
const SETTLE_SECONDS = 10;

interface Seen {
  readonly clusters: number;
  readonly appliedSeconds: number;
  readonly readySeconds: number;
  /** Of a minute in which nothing happens. */
  readonly quiet: Counters;
  readonly memory: { readonly now: number; readonly peak: number };
  readonly changeSeconds: number;
  readonly awaySeconds: number;
  /** From when the API server answers again until a change is carried out. */
  readonly recoverySeconds: number;
  readonly killedSeconds: number;
  readonly releasedSeconds: number;
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

async function measure(clusters: number, quietSeconds: number, compiled: boolean): Promise<Seen> {
  const run = await OperatorRun.start({ compiled });
  try {
    const appliedSeconds = await run.create(clusters);
    console.log(`${clusters} clusters: applied after ${appliedSeconds.toFixed(1)} s`);
    const readySeconds = await run.serve(clusters);
    console.log(`${clusters} clusters: ready after ${readySeconds.toFixed(1)} s more`);
    await pause(SETTLE_SECONDS);
    const before = await run.counters();
    await pause(quietSeconds);
    const quiet = perMinute(before, await run.counters(), quietSeconds);
    const memory = await run.memoryMB();
    const changeSeconds = await run.change(clusters);
    const awaySeconds = await run.restartServer();
    const recoverySeconds = await run.change(clusters);
    const killedSeconds = (await run.endLeader("SIGKILL")) + (await run.change(clusters));
    await run.standby();
    const releasedSeconds = (await run.endLeader("SIGTERM")) + (await run.change(clusters));
    const times = { appliedSeconds, readySeconds, changeSeconds, awaySeconds, recoverySeconds, killedSeconds, releasedSeconds };
    return { clusters, quiet, memory, ...times };
  } finally {
    await run.stop();
  }
}

function perMinute(before: Counters, after: Counters, seconds: number): Counters {
  const difference = (name: keyof Counters) => ((after[name] - before[name]) * 60) / seconds;
  return {
    reads: difference("reads"),
    writes: difference("writes"),
    leaseWrites: difference("leaseWrites"),
    reconciles: difference("reconciles"),
    cpuSeconds: difference("cpuSeconds"),
  };
}

function tables(all: readonly Seen[]): string {
  const rows = all.map(({ clusters, quiet, memory, ...times }) => {
    const calls = [quiet.reconciles, quiet.reads, quiet.writes, quiet.leaseWrites].map((count) => count.toFixed(0));
    const seconds = [...[times.changeSeconds, times.awaySeconds, times.recoverySeconds, times.killedSeconds, times.releasedSeconds]].map(
      (value) => value.toFixed(1),
    );
    const cells = [clusters, times.appliedSeconds.toFixed(1), times.readySeconds.toFixed(1), ...calls, quiet.cpuSeconds.toFixed(2)];
    return `| ${[...cells, `${memory.now.toFixed(0)} (${memory.peak.toFixed(0)})`, ...seconds].join(" | ")} |`;
  });
  const head = [
    ...["clusters", "all applied s", "all ready s", "reconciles/min", "reads/min", "writes/min", "lease writes/min", "CPU s/min"],
    ...["MB (peak)", "a change s", "API server away s", "a change then s", "leader killed s", "leader stopped s"],
  ];
  return [`| ${head.join(" | ")} |`, `|${"---|".repeat(head.length)}`, ...rows].join("\n");
}

function figuresOf({ clusters, quiet, memory, killedSeconds, releasedSeconds }: Seen): readonly Figure[] {
  const what = `, ${clusters} clusters`;
  return [
    whether(`writes in a minute in which nothing happens${what}`, quiet.writes === 0, quiet.writes.toFixed(0), "0"),
    atMost(`resident memory${what}`, memory.now, MAX_MEMORY_MB, " MB"),
    atMost(`a change is carried out after the leader is killed${what}`, killedSeconds, MAX_FAIL_OVER_SECONDS, " s"),
    atMost(`and after it is stopped${what}`, releasedSeconds, MAX_RELEASE_SECONDS, " s"),
  ];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      clusters: { type: "string", default: "1,100,1000" },
      seconds: { type: "string", default: "60" },
      source: { type: "boolean", default: false },
    },
  });
  const counts = values.clusters.split(",").map((text) => numberOption("clusters", text));
  const quietSeconds = numberOption("seconds", values.seconds);
  const compiled = !values.source;
  if (compiled) build();
  const seen: Seen[] = [];
  for (const clusters of counts) seen.push(await measure(clusters, quietSeconds, compiled));
  console.log(`\n${machine()}; API server and etcd on the same cores; three workers a cluster\n`);
  console.log(`${tables(seen)}\n\n${figuresTable(seen.flatMap(figuresOf))}`);
}

await main();
