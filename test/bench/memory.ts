// `npm run bench:memory`: what many sessions cost in memory, in two workers of ours and in two real Tomcats, and whether a long full load
// adds to it. Prints a table; fails only when something breaks.
// `--sessions N` (100000), `--minutes N` (10; at least 3), `--encryption off|on|both` (both), `--source` (runs src/ in place of a fresh dist/).
import { parseArgs } from "node:util";
import { residentMiB } from "../support/process-cpu.ts";
import { TestWorkers } from "../support/test-workers.ts";
import { GROUP_NAME, RealTomcat } from "../support/tomcat.ts";
import { build, ENCRYPTION, encryptionsToMeasure, machine, numberOption } from "./bench-options.ts";
import { atMost, type Figure, figuresTable } from "./figures.ts";
import { LoadGenerator } from "./load-generator.ts";

const OURS = ["127.0.77.4", "127.0.77.5"];
const JAVA = ["127.0.77.6", "127.0.77.7"];
const SESSION_BYTES = 1024;
const SETTLE_SECONDS = 10;
const SAMPLE_SECONDS = 1;
const MINUTE_SECONDS = 60;
/** Enough for the sessions; a larger heap would make the Tomcat larger, and the comparison easier. */
const JAVA_HEAP = "-Xmx512m";
/** What sockets and messages under way may hold; slices of socket buffers that sessions keep would be hundreds. */
const MAX_BUFFERS_MIB = 16;

interface Options {
  readonly sessions: number;
  readonly minutes: number;
  readonly encrypted: boolean;
  readonly compiled: boolean;
}

/** Resident memory in MiB of the member that served the requests, and of the one that got the copies. */
interface Resident {
  readonly server: number;
  readonly copy: number;
}

function seconds(count: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, count * 1000));
}

async function tomcats({ sessions, encrypted }: Options): Promise<Resident> {
  const members = JAVA.map(
    (address, index) =>
      new RealTomcat({
        ...{ name: `java-${index}`, address, httpPort: 8080, receiverPort: 4000, members: JAVA, channelSendOptions: 6 },
        ...(encrypted && { encryption: ENCRYPTION }),
        javaOptions: [JAVA_HEAP],
      }),
  );
  const load = new LoadGenerator();
  try {
    for (const tomcat of members) await tomcat.start();
    while (!members.every(({ output }) => output.includes("Replication member added"))) await seconds(SAMPLE_SECONDS);
    await load.fill(members[0]!.url, sessions, SESSION_BYTES);
    await seconds(SETTLE_SECONDS);
    for (const tomcat of members) {
      const held = Number(await (await fetch(`${tomcat.url}/x?op=count`)).text());
      if (held !== sessions) throw new Error(`${tomcat.options.name} has ${held} of ${sessions} sessions:\n${tomcat.output.slice(-2000)}`);
    }
    return { server: residentMiB(members[0]!.pid), copy: residentMiB(members[1]!.pid) };
  } finally {
    await load.stop();
    for (const tomcat of members) await tomcat.stop();
  }
}

async function ours({ sessions, minutes, encrypted, compiled }: Options, theirs: Resident, what: string): Promise<Figure[]> {
  const workers = await TestWorkers.start({
    ...{ addresses: OURS, groupAddresses: OURS, groupName: GROUP_NAME, compiled, channelSendOptions: 6 },
    ...(encrypted && { encryption: ENCRYPTION }),
  });
  const load = new LoadGenerator();
  try {
    await workers.membersSeen(1);
    const buffersBefore = await buffersMiB(OURS[1]!);
    await load.fill(workers.url(0), sessions, SESSION_BYTES);
    await seconds(SETTLE_SECONDS);
    const resident: Resident = { server: residentMiB(workers.pid(0)), copy: residentMiB(workers.pid(1)) };
    const buffers = (await buffersMiB(OURS[1]!)) - buffersBefore;
    const growth = await growthUnderLoad(workers, load, minutes);
    const compared = (name: keyof Resident) => `${resident[name].toFixed(0)} : ${theirs[name].toFixed(0)} MiB`;
    return [
      atMost(
        `memory with ${sessions} sessions, the worker : the Tomcat that served them (${compared("server")})${what}`,
        resident.server / theirs.server,
        0.6,
      ),
      atMost(`the same of the other member, which has copies (${compared("copy")})${what}`, resident.copy / theirs.copy, 0.6),
      atMost(`buffers that the copies keep${what}`, buffers, MAX_BUFFERS_MIB, " MiB"),
      atMost(`memory in the last : second minute of ${minutes} under full load, the worker that serves${what}`, growth.server, 1.1),
      atMost(`the same of the other worker${what}`, growth.copy, 1.1),
    ];
  } finally {
    await load.stop();
    await workers.stop();
  }
}

/** Mean resident memory of the last minute, as a multiple of the second one's. */
async function growthUnderLoad(workers: TestWorkers, load: LoadGenerator, minutes: number): Promise<Resident> {
  await load.full();
  const means: Resident[] = [];
  for (let minute = 0; minute < minutes; minute++) {
    let [server, copy] = [0, 0];
    for (let second = 0; second < MINUTE_SECONDS; second += SAMPLE_SECONDS) {
      await seconds(SAMPLE_SECONDS);
      server += (residentMiB(workers.pid(0)) * SAMPLE_SECONDS) / MINUTE_SECONDS;
      copy += (residentMiB(workers.pid(1)) * SAMPLE_SECONDS) / MINUTE_SECONDS;
    }
    means.push({ server, copy });
    const { requests, errors } = await load.window();
    console.log(`minute ${minute + 1}: ${server.toFixed(0)} and ${copy.toFixed(0)} MiB, ${requests} requests, ${errors} errors`);
  }
  await load.pause();
  const [second, last] = [means[1]!, means.at(-1)!];
  return { server: last.server / second.server, copy: last.copy / second.copy };
}

/** What Node counts outside of V8's heap: buffers above all. */
async function buffersMiB(address: string): Promise<number> {
  const metrics = await (await fetch(`http://${address}:9090/metrics`)).text();
  return Number(/^nodejs_external_memory_bytes (\S+)$/m.exec(metrics)![1]) / 2 ** 20;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      sessions: { type: "string", default: "100000" },
      minutes: { type: "string", default: "10" },
      encryption: { type: "string", default: "both" },
      source: { type: "boolean", default: false },
    },
  });
  const sessions = numberOption("sessions", values.sessions);
  const minutes = numberOption("minutes", values.minutes);
  if (minutes < 3) throw new Error("--minutes is at least 3: the last is compared with the second");
  const encryptions = encryptionsToMeasure(values.encryption);
  const compiled = !values.source;
  if (compiled) build();
  const figures: Figure[] = [];
  for (const encrypted of encryptions) {
    const options = { sessions, minutes, encrypted, compiled };
    figures.push(...(await ours(options, await tomcats(options), encrypted ? ", encrypted" : "")));
  }
  console.log(`\n${machine()}; Tomcat 10.1 with ${JAVA_HEAP}; sessions of 1 KiB, synchronous replication\n`);
  console.log(figuresTable(figures));
}

await main();
