// npm run simulate -- --seeds N --from S [--family NAME]: runs seeds, and prints the trace of the first one that fails.
import { parseArgs } from "node:util";
import { countImmediates } from "../support/pending-immediates.ts";
import { FAMILIES, type Family } from "./model/families.ts";
import { runScenario } from "./model/scenario.ts";

countImmediates();

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "20" },
    from: { type: "string", default: "1" },
    family: { type: "string" },
    trace: { type: "boolean", default: false },
    keepGoing: { type: "boolean", default: false },
  },
});
const families = values.family === undefined ? (Object.keys(FAMILIES) as Family[]) : [values.family as Family];
const from = Number(values.from);
let failed = 0;
for (const family of families) {
  const startedMs = performance.now();
  let runs = 0;
  let requests = 0;
  let failures = 0;
  let events = 0;
  for (let seed = from; seed < from + Number(values.seeds); seed++) {
    const result = await runScenario({ family, seed, traced: values.trace });
    runs++;
    requests += result.requests;
    failures += result.failures;
    events += result.events;
    if (values.trace) print(result.trace.join("\n"));
    if (result.violation === undefined) continue;
    failed++;
    print(`\n${family} ${seed} FAILED at ${result.violation}\n  faults: ${result.faults.join("; ")}`);
    if (values.keepGoing) continue;
    if (!values.trace) {
      const replay = await runScenario({ family, seed, traced: true });
      print(replay.trace.join("\n"));
      print(`\n${family} ${seed} replayed: ${replay.violation}`);
    }
    break;
  }
  const seconds = (performance.now() - startedMs) / 1000;
  print(`${family}: ${runs} seeds, ${requests} requests (${failures} failed), ${events} events in ${seconds.toFixed(1)} s`);
}
process.exitCode = failed === 0 ? 0 : 1;
