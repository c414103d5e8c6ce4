// `npm run bench:state`: a worker joins a group of one, which holds many sessions and serves requests at a fixed rate meanwhile; then the
// same sessions through a real Tomcat. Prints a table; fails only when something breaks.
// `--sessions N` (100000), `--tomcat-sessions N` (10000; 0: without), `--rounds N` (3), `--encryption off|on|both` (both),
// `--replication synchronous|asynchronous|both` (both), `--source` (runs src/ in place of a fresh dist/).
import { parseArgs } from "node:util";
import { cpuSeconds, peakResidentMiB, resetPeak, residentMiB } from "../support/process-cpu.ts";
import { TestWorkers } from "../support/test-workers.ts";
import { sendThroughTomcat } from "../support/through-tomcat.ts";
import { GROUP_NAME } from "../support/tomcat.ts";
import { build, ENCRYPTION, encryptionsToMeasure, machine, numberOption } from "./bench-options.ts";
import { atMost, type Figure, figuresTable, median, whether } from "./figures.ts";
import { LoadGenerator } from "./load-generator.ts";
import type { LoadWindow } from "./load-tasks.ts";

/** Bits of tribes.md 4. */
const SEND_OPTIONS = { synchronous: 6, asynchronous: 8 } as const;
const SESSION_BYTES = 1024;
const REQUESTS_PER_SECOND = 2000;
const WINDOW_SECONDS = 10;
const SETTLE_SECONDS = 5;
const EMPTY_STARTS = 3;
const DONOR = 0;
/** Joins while the donor is empty; each of the others joins once. */
const EMPTY_JOINER = 1;

interface Options {
  readonly sessions: number;
  readonly rounds: number;
  readonly encrypted: boolean;
  readonly replication: Replication;
  readonly compiled: boolean;
}

/**
 * The donor has a core of its own, as it would have on another machine. On the other one the load goes first: a client that is late
 * would count as a slow donor.
 */
const DONOR_CORE = ["taskset", "-c", "0"];
const LOAD_CORE = ["taskset", "-c", "1"];
const JOINER_CORE = ["nice", "-n", "15", ...LOAD_CORE];

type Replication = keyof typeof SEND_OPTIONS;

/** What one join under load showed. */
interface Join {
  readonly seconds: number;
  /** Cores that were used from the joiner's start until it was ready. */
  readonly cpu: { readonly donor: number; readonly joiner: number };
  readonly steady: LoadWindow;
  readonly during: LoadWindow;
  readonly steadyPeakMiB: number;
  readonly peakMiB: number;
  /** Of the joiner, when it said that it was ready. */
  readonly sessionsWhenReady: number;
  readonly digestsEqual: boolean;
}

function seconds(count: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, count * 1000));
}

function addresses(rounds: number): readonly string[] {
  return Array.from({ length: 2 + rounds }, (_, index) => `127.0.77.${index + 10}`);
}

/** From exec to ready. */
async function launchSeconds(workers: TestWorkers, joiner: number): Promise<number> {
  const startedMs = performance.now();
  await workers.launch(joiner);
  return (performance.now() - startedMs) / 1000;
}

async function joinOnce(workers: TestWorkers, load: LoadGenerator, joiner: number): Promise<Join> {
  await load.paced(REQUESTS_PER_SECOND);
  await seconds(SETTLE_SECONDS);
  const donor = workers.pid(DONOR);
  resetPeak(donor);
  await load.window();
  await seconds(WINDOW_SECONDS);
  const steady = await load.window();
  const steadyPeakMiB = peakResidentMiB(donor);
  resetPeak(donor);
  const donorBefore = cpuSeconds(donor);
  const took = await launchSeconds(workers, joiner);
  const during = await load.window();
  const cpu = { donor: (cpuSeconds(donor) - donorBefore) / took, joiner: cpuSeconds(workers.pid(joiner)) / took };
  const peakMiB = peakResidentMiB(donor);
  const sessionsWhenReady = (await workers.cluster(joiner)).managers[0]!.sessions;
  await seconds(SETTLE_SECONDS);
  await load.pause();
  const digestsEqual = await haveEqualDigests(workers, joiner);
  await workers.end(joiner);
  await workers.membersSeenBy(DONOR, 0);
  return { seconds: took, cpu, steady, during, steadyPeakMiB, peakMiB, sessionsWhenReady, digestsEqual };
}

/** Nothing changes any more. */
async function haveEqualDigests(workers: TestWorkers, joiner: number): Promise<boolean> {
  const [given, taken] = await Promise.all([DONOR, joiner].map((index) => workers.cluster(index, "?digest")));
  return given!.managers[0]!.digest === taken!.managers[0]!.digest;
}

async function measure({ sessions, rounds, encrypted, replication, compiled }: Options): Promise<readonly Figure[]> {
  const workers = await TestWorkers.start({
    addresses: addresses(rounds),
    groupAddresses: addresses(rounds),
    groupName: GROUP_NAME,
    started: 1,
    compiled,
    launcher: (index) => (index === DONOR ? DONOR_CORE : JOINER_CORE),
    channelSendOptions: SEND_OPTIONS[replication],
    ...(encrypted && { encryption: ENCRYPTION }),
  });
  const load = new LoadGenerator(LOAD_CORE);
  try {
    const emptyStarts: number[] = [];
    for (let start = 0; start < EMPTY_STARTS; start++) {
      emptyStarts.push(await launchSeconds(workers, EMPTY_JOINER));
      await workers.end(EMPTY_JOINER);
    }
    await load.fill(workers.url(DONOR), sessions, SESSION_BYTES);
    const joins: Join[] = [];
    for (let round = 0; round < rounds; round++) {
      joins.push(await joinOnce(workers, load, EMPTY_JOINER + 1 + round));
      report(joins.at(-1)!, residentMiB(workers.pid(DONOR)));
      console.log(
        workers
          .output(DONOR)
          .split("\n")
          .filter((line) => line.includes("State transferred"))
          .at(-1),
      );
    }
    return figuresOf(joins, median(emptyStarts), sessions, `, ${replication}${encrypted ? ", encrypted" : ""}`);
  } finally {
    await load.stop();
    await workers.stop();
  }
}

function report(join: Join, donorMiB: number): void {
  const { steady, during } = join;
  console.log(
    `join: ${join.seconds.toFixed(2)} s, ${join.cpu.joiner.toFixed(2)} of a core (donor ${join.cpu.donor.toFixed(2)}); steady p50 ${steady.p50Ms.toFixed(1)} p99 ${steady.p99Ms.toFixed(1)} max ${steady.maxMs.toFixed(1)} ms; ` +
      `during p50 ${during.p50Ms.toFixed(1)} p99 ${during.p99Ms.toFixed(1)} max ${during.maxMs.toFixed(1)} ms, ${during.requests} requests, ` +
      `${steady.errors + during.errors} errors; donor ${join.steadyPeakMiB.toFixed(0)}, then ${join.peakMiB.toFixed(0)} MiB at most, ${donorMiB.toFixed(0)} now`,
  );
}

/** Medians of the joins; what must hold every time is said of all of them. */
function figuresOf(joins: readonly Join[], emptySeconds: number, sessions: number, what: string): Figure[] {
  const all = (found: (join: Join) => boolean) => joins.filter(found).length;
  const everyTime = (name: string, count: number) =>
    whether(`${name}${what}`, count === joins.length, `${count} of ${joins.length} joins`, "every time");
  const errors = joins.reduce((sum, { steady, during }) => sum + steady.errors + during.errors, 0);
  return [
    everyTime(
      `all ${sessions} sessions with the joiner when it is ready`,
      all(({ sessionsWhenReady }) => sessionsWhenReady === sessions),
    ),
    everyTime(
      "equal digests after the load",
      all(({ digestsEqual }) => digestsEqual),
    ),
    whether(`failed requests${what}`, errors === 0, String(errors), "0"),
    atMost(
      `start longer than an empty one (${emptySeconds.toFixed(2)} s)${what}`,
      median(joins.map((join) => join.seconds)) - emptySeconds,
      2.5,
      " s",
    ),
    atMost(`donor's p99, during the join : before${what}`, median(joins.map(({ during, steady }) => during.p99Ms / steady.p99Ms)), 2),
    atMost(`donor's peak memory, during the join : before${what}`, median(joins.map((join) => join.peakMiB / join.steadyPeakMiB)), 1.3),
  ];
}

async function throughTomcat(sessions: number, encrypted: boolean, compiled: boolean): Promise<readonly Figure[]> {
  const options = { network: "127.0.78", sessions, sessionBytes: SESSION_BYTES, compiled, encryption: encrypted ? ENCRYPTION : undefined };
  const { inTomcat, taken, equal } = await sendThroughTomcat(options);
  const what = encrypted ? ", encrypted" : "";
  const seen = `${taken}, digests ${equal ? "equal" : "differ"}`;
  return [
    whether(`sessions that a real Tomcat got${what}`, inTomcat === sessions, String(inTomcat), String(sessions)),
    whether(`sessions that a worker got from that Tomcat${what}`, taken === sessions && equal, seen, `${sessions}, digests equal`),
  ];
}

function replicationsToMeasure(option: string): readonly Replication[] {
  const all = Object.keys(SEND_OPTIONS) as Replication[];
  if (option === "both") return all;
  const chosen = all.filter((name) => name === option);
  if (chosen.length === 0) throw new Error(`--replication is ${all.join(", ")} or both, not "${option}"`);
  return chosen;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      sessions: { type: "string", default: "100000" },
      "tomcat-sessions": { type: "string", default: "10000" },
      rounds: { type: "string", default: "3" },
      encryption: { type: "string", default: "both" },
      replication: { type: "string", default: "both" },
      source: { type: "boolean", default: false },
    },
  });
  const sessions = numberOption("sessions", values.sessions);
  const rounds = numberOption("rounds", values.rounds);
  const encryptions = encryptionsToMeasure(values.encryption);
  const replications = replicationsToMeasure(values.replication);
  const compiled = !values.source;
  if (compiled) build();
  const figures: Figure[] = [];
  for (const encrypted of encryptions) {
    for (const replication of replications) figures.push(...(await measure({ sessions, rounds, encrypted, replication, compiled })));
    if (values["tomcat-sessions"] !== "0") {
      figures.push(...(await throughTomcat(numberOption("tomcat-sessions", values["tomcat-sessions"]), encrypted, compiled)));
    }
  }
  console.log(`\n${machine()}; sessions of 1 KiB, ${REQUESTS_PER_SECOND} requests/s to all of them in turn\n`);
  console.log(figuresTable(figures));
}

await main();
