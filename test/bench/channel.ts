// `npm run bench:channel`: one channel sends to 1, 3 and 7 others, messages of three sizes with each kind of send options; the same between
// channels of a real Tomcat, in turn. Prints a table beside what is to be reached; fails only when something breaks.
// `--seconds N` (5) for each figure, `--rounds N` (3, medians), `--options 2,6,8,10,14,34` (34: datagrams, not above 60 KB), `--sizes
// 256,4096,1048576`, `--receivers 1,3,7`.
import { parseArgs } from "node:util";
import { machine, numberOption } from "./bench-options.ts";
import { type ChannelCase, type ChannelFigures, ChannelSide } from "./channel-side.ts";
import { type Figure, figuresTable, median, whether } from "./figures.ts";

const NETWORK = "127.0.90";
const PORT = 4000;
const UDP_PORT = 4001;
const UDP = 0x20;
const MAX_DATAGRAM_BODY_BYTES = 60_000;
const WARM_UP_MS = 1500;
const ASYNCHRONOUS = 8;
const [SMALL, LARGE] = [256, 1_048_576];

interface Row {
  readonly measured: ChannelCase;
  readonly ours: ChannelFigures;
  readonly tomcat: ChannelFigures;
}

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "5" },
    rounds: { type: "string", default: "3" },
    options: { type: "string", default: "2,6,8,10,14,34" },
    sizes: { type: "string", default: "256,4096,1048576" },
    receivers: { type: "string", default: "1,3,7" },
  },
});
const numbers = (name: "options" | "sizes" | "receivers") => values[name].split(",").map((text) => numberOption(name, text));
const durationMs = numberOption("seconds", values.seconds) * 1000;
const rounds = numberOption("rounds", values.rounds);

function casesOf(datagrams: boolean): readonly ChannelCase[] {
  const options = numbers("options").filter((bits) => ((bits & UDP) !== 0) === datagrams);
  const cases = options.flatMap((bits) =>
    numbers("sizes").flatMap((bytes) => numbers("receivers").map((receivers) => ({ options: bits, bytes, receivers }))),
  );
  return datagrams ? cases.filter(({ bytes }) => bytes <= MAX_DATAGRAM_BODY_BYTES) : cases;
}

function startSide(tomcat: boolean, datagrams: boolean): Promise<ChannelSide> {
  const host = (number: number) => `${NETWORK}.${(tomcat ? 100 : 10) + number}`;
  return ChannelSide.start({
    tomcat,
    port: PORT,
    udpPort: datagrams ? UDP_PORT : -1,
    senderAddress: host(0),
    receiverAddresses: Array.from({ length: Math.max(...numbers("receivers")) }, (_, index) => host(index + 1)),
  });
}

/** Field by field. */
function medians(all: readonly ChannelFigures[]): ChannelFigures {
  const fields = Object.keys(all[0]!) as (keyof ChannelFigures)[];
  return Object.fromEntries(fields.map((field) => [field, median(all.map((figures) => figures[field]))])) as unknown as ChannelFigures;
}

/** Both sides in turn, so that what else the machine does meets both. A Tomcat that has used a connection sends no datagrams: each has its own. */
async function measure(datagrams: boolean): Promise<readonly Row[]> {
  const cases = casesOf(datagrams);
  if (cases.length === 0) return [];
  const ours = await startSide(false, datagrams);
  try {
    const tomcat = await startSide(true, datagrams);
    try {
      const rows: Row[] = [];
      for (const measured of cases) {
        const seen: [ChannelFigures[], ChannelFigures[]] = [[], []];
        for (const side of [ours, tomcat]) await side.run(measured, WARM_UP_MS);
        for (let round = 0; round < rounds; round++) {
          for (const [index, side] of [ours, tomcat].entries()) seen[index]!.push(await side.run(measured, durationMs));
        }
        rows.push({ measured, ours: medians(seen[0]), tomcat: medians(seen[1]) });
        process.stderr.write(".");
      }
      return rows;
    } finally {
      tomcat.stop();
    }
  } finally {
    ours.stop();
  }
}

function lineOf({ measured: { options, bytes, receivers }, ours, tomcat }: Row): string {
  const of = ({ messagesPerSecond, megabytesPerSecond, cpuMicrosPerMessage, p99Ms, failures, lost }: ChannelFigures) =>
    `${Math.round(messagesPerSecond)} | ${megabytesPerSecond.toFixed(1)} | ${cpuMicrosPerMessage.toFixed(1)} | ${p99Ms.toFixed(2)} | ${failures}/${lost}`;
  const times = ours.messagesPerSecond / tomcat.messagesPerSecond;
  const cpu = ours.cpuMicrosPerMessage / tomcat.cpuMicrosPerMessage;
  return `| ${options} | ${bytes} | ${receivers} | ${of(ours)} | ${of(tomcat)} | ${times.toFixed(2)} | ${cpu.toFixed(2)} |`;
}

/** What the issue asks for: asynchronous messages. */
function budgetsOf(rows: readonly Row[]): readonly Figure[] {
  return rows
    .filter(({ measured: { options, bytes } }) => options === ASYNCHRONOUS && (bytes === SMALL || bytes === LARGE))
    .flatMap(({ measured: { bytes, receivers }, ours, tomcat }) => {
      const name = `${bytes} B asynchronous to ${receivers}`;
      const times = ours.messagesPerSecond / tomcat.messagesPerSecond;
      const cpu = ours.cpuMicrosPerMessage / tomcat.cpuMicrosPerMessage;
      const wanted = bytes === SMALL ? 1.5 : 1;
      return [
        whether(`${name}: messages per second, times a Tomcat's`, times >= wanted, times.toFixed(2), `≥ ${wanted.toFixed(2)}`),
        whether(`${name}: CPU per message, times a Tomcat's`, cpu <= 0.7, cpu.toFixed(2), "≤ 0.70"),
      ];
    });
}

const rows = [...(await measure(false)), ...(await measure(true))];
const side = "msg/s | MB/s | CPU µs/msg | p99 ms | failed/lost";
console.log(`\n${machine()}; ${rounds} × ${durationMs / 1000} s each; ours | Apache Tomcat 10.1\n`);
console.log(`| options | bytes | receivers | ${side} | ${side} | msg/s × | CPU × |\n|${"---|".repeat(15)}`);
for (const row of rows) console.log(lineOf(row));
console.log(`\n${figuresTable(budgetsOf(rows))}`);
