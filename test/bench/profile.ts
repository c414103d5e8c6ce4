// `npm run bench:profile`: where the CPU time of a request goes, as tables, from the processes' own CPU profiles under the load of `npm run bench`.
// `--encryption off|on|both`, default both. Profiling itself costs: the sums are higher than those of `npm run bench`.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cpuSeconds } from "../support/process-cpu.ts";
import { build, machine } from "./bench-options.ts";
import { ours, type Setup, setupsToMeasure } from "./contenders.ts";
import { createSessions, load } from "./load.ts";

const WARM_UP_SECONDS = 8;
const MEASURED_SECONDS = 10;
/** Less of a request than this is a part of "other". */
const LEAST_MICROS = 0.5;

/** What Node writes: samples are ids of nodes, each taken `timeDeltas` microseconds after the one before; the clock is the machine's. */
interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { readonly functionName: string; readonly url: string } }[];
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Microseconds by the name of what they were used for. */
type Parts = Map<string, number>;

interface Window {
  readonly fromMicros: number;
  readonly toMicros: number;
}

const nowMicros = () => Number(process.hrtime.bigint() / 1000n);

/** A module of ours by its folder, one of Node by its file, a function of C++ by its name. */
function partOf({ functionName, url }: CpuProfile["nodes"][number]["callFrame"]): string | undefined {
  if (functionName === "(idle)" || functionName === "(root)") return undefined;
  if (functionName === "(garbage collector)") return "garbage collector";
  if (functionName === "(program)") return "native code outside of JavaScript: system calls, libuv";
  if (url === "") return `native ${functionName || "function"}`;
  const own = /\/dist\/(.+)\/[^/]+$/.exec(url)?.[1];
  if (own !== undefined) return `src/${own.split("/").slice(0, 2).join("/")}`;
  return url.startsWith("node:")
    ? `Node: ${
        url
          .slice("node:".length)
          .replace(/^internal\//, "")
          .split("/")[0]
      }`
    : "application and its modules";
}

function addProfile(parts: Parts, { nodes, startTime, samples, timeDeltas }: CpuProfile, { fromMicros, toMicros }: Window): void {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, partOf(callFrame)]));
  let atMicros = startTime;
  for (const [index, id] of samples.entries()) {
    atMicros += timeDeltas[index]!;
    const name = names.get(id);
    // A sample stands for the time until the next one.
    if (name === undefined || atMicros < fromMicros || atMicros > toMicros) continue;
    parts.set(name, (parts.get(name) ?? 0) + (timeDeltas[index + 1] ?? 0));
  }
}

async function profiled(setup: Setup): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "tomcat-cluster-profile-"));
  try {
    process.env.NODE_OPTIONS = `--cpu-prof --cpu-prof-dir=${folder}`;
    const contender = await ours(setup);
    delete process.env.NODE_OPTIONS;
    const roles = [[contender.balancerPid], contender.workerPids];
    const used = () => roles.map((pids) => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0) * 1e6);
    const cookies = await createSessions(contender.url);
    await load(contender.url, cookies, WARM_UP_SECONDS);
    const [fromMicros, before] = [nowMicros(), used()];
    const { requests } = await load(contender.url, cookies, MEASURED_SECONDS);
    const [toMicros, after] = [nowMicros(), used()];
    // They write their profiles when they end.
    await contender.stop();
    const files = readdirSync(folder);
    const columns = roles.map((pids, role): Parts => {
      const parts: Parts = new Map();
      for (const file of files.filter((name) => pids.some((pid) => name.split(".")[3] === String(pid)))) {
        addProfile(parts, JSON.parse(readFileSync(join(folder, file), "utf8")) as CpuProfile, { fromMicros, toMicros });
      }
      // A sample counts the time in which the process was ready to run and did not: the parts are shares of what it used.
      const sampled = [...parts.values()].reduce((sum, micros) => sum + micros, 0);
      const scale = (after[role]! - before[role]!) / sampled / requests;
      return new Map([...parts].map(([name, micros]) => [name, micros * scale]));
    });
    return table(`${setup.mode}${setup.encrypted ? ", encrypted" : ""}`, columns);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function table(title: string, columns: readonly Parts[]): string[] {
  const sum = (name: string) => columns.reduce((micros, parts) => micros + (parts.get(name) ?? 0), 0);
  const names = [...new Set(columns.flatMap((parts) => [...parts.keys()]))].sort((one, other) => sum(other) - sum(one));
  const isShown = (name: string) => columns.some((parts) => (parts.get(name) ?? 0) >= LEAST_MICROS);
  const row = (name: string, micros: readonly number[]) => `| ${name} | ${micros.map((each) => each.toFixed(1)).join(" | ")} |`;
  const total = (chosen: readonly string[]) => columns.map((parts) => chosen.reduce((micros, name) => micros + (parts.get(name) ?? 0), 0));
  return [
    "",
    `| ${title}: µs of a request | balancer | workers |`,
    "|---|---|---|",
    ...names.filter(isShown).map((name) => row(name, total([name]))),
    row("other", total(names.filter((name) => !isShown(name)))),
    row("sum", total(names)),
  ];
}

const { encryption } = parseArgs({ options: { encryption: { type: "string", default: "both" } } }).values;
const measured = setupsToMeasure(encryption);
build();
const lines = [machine()];
for (const setup of measured) lines.push(...(await profiled(setup)));
console.log(lines.join("\n"));
