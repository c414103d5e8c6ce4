// npm run fuzz [-- --count N --seed S]: mutations of every recorded input. A finding is printed with what repeats it.
import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.ts";

const DEFAULT_COUNT = 1_000_000;
const DEFAULT_SEED = 1;

const { values } = parseArgs({
  options: { count: { type: "string" }, seed: { type: "string" }, from: { type: "string" } },
});

function wholeNumber(text: string | undefined, name: string, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name} takes a whole number, not "${text}"`);
  return Number(text);
}

function say(stream: NodeJS.WriteStream, line: string): void {
  stream.write(`${line}\n`);
}

const seed = wholeNumber(values.seed, "seed", DEFAULT_SEED);
const count = wholeNumber(values.count, "count", DEFAULT_COUNT);
const from = wholeNumber(values.from, "from", 0);
const startedMs = performance.now();
const perSecond = (done: number) => Math.round((done / (performance.now() - startedMs)) * 1000);

let highestRss = 0;
const finding = await fuzz({
  seed,
  count,
  from,
  onProgress: (done) => {
    highestRss = Math.max(highestRss, process.memoryUsage.rss());
    if (done % 100_000 === 0) say(process.stdout, `${done} inputs, ${perSecond(done)} a second, at most ${highestRss >> 20} MiB`);
  },
});
if (finding === undefined) {
  say(process.stdout, `${count} inputs of seed ${seed}: every one was taken or refused as it should be`);
} else {
  say(process.stderr, `Finding in "${finding.target}": ${finding.problem}`);
  say(process.stderr, `Input: ${finding.input.toString("hex")}`);
  say(process.stderr, `Again: npm run fuzz -- --seed ${seed} --from ${finding.number} --count 1`);
  process.exitCode = 1;
}
