// A process of `npm run bench:channel`: one channel that sends, or several that receive. The same as test/peers/java/channel/BenchPeer.java.
//
// Arguments: "sender" or "receivers", port, UDP port or -1, and as ADDRESS=UNIQUE-ID the sender and the receivers. Lines in: "run OPTIONS BYTES RECEIVERS MS" of a sender, which sends for so long; "reset" and "count" of receivers.
// Lines out: "started PID"; "ran MESSAGES FAILURES STARTED-AT-MS P99-MICROSECONDS", when a send is over; "count MESSAGES LAST-AT-MS", of all.
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { Registry, silentLogger, systemClock, systemRandom } from "../../src/base/index.ts";
import { createChannel, createMember, fromOptionBits, type GroupChannel, type Member, type SendOptions } from "../../src/channel/index.ts";
import { channelConfig } from "../support/channel-cluster.ts";
import { ScriptedResolver } from "../support/scripted-resolver.ts";

/** Asynchronous messages on their way at a time: as many requests as a busy worker serves. */
const WINDOW = 256;
const WINDOW_BYTES = 8 * 1024 * 1024;
/** After a queue was full, until some of it has left. */
const FULL_PAUSE_MS = 20;
const TIMEOUT_MS = 10_000;

const [role, portText, udpPortText, ...described] = process.argv.slice(2);
const [port, udpPort] = [Number(portText), Number(udpPortText)];
const addresses = described.map((text) => text.split("=")[0]!);
const resolver = new ScriptedResolver();
resolver.found(...addresses);
let received = 0;
let lastMs = 0;

async function start(address: string): Promise<GroupChannel> {
  const deps = { clock: systemClock, logger: silentLogger, random: systemRandom, registry: new Registry(), resolver };
  const channel = createChannel(deps, channelConfig({ address, port, udpPort, timeoutMs: TIMEOUT_MS }));
  channel.addChannelListener({
    accept: (message) => message.kind === "Bytes",
    messageReceived: () => {
      received++;
      lastMs = Date.now();
    },
  });
  await channel.start();
  return channel;
}

/** Those that receive, in the order of the arguments, once each has said what it is. */
async function membersOf(channel: GroupChannel): Promise<readonly Member[]> {
  while (channel.describe().members.filter(({ kind }) => kind !== undefined).length < addresses.length - 1) await sleep(10);
  const named = addresses.slice(1).map((address) => channel.members.find((member) => member.address === address)!);
  return named.map((member) => createMember({ ...member, udpPort }));
}

/** Resolves when the message is over: acknowledged, where it asks for that. */
function sendOne(channel: GroupChannel, destinations: readonly Member[], body: Buffer, options: SendOptions): Promise<unknown> {
  if (!options.asynchronous || options.acknowledge === "None") return channel.send(destinations, { kind: "Bytes", body }, options);
  return new Promise((resolve, reject) => {
    const errorHandler = { handleCompletion: resolve, handleError: reject };
    channel.send(destinations, { kind: "Bytes", body }, { ...options, errorHandler }).catch(reject);
  });
}

async function run(channel: GroupChannel, members: readonly Member[], words: readonly number[]): Promise<void> {
  const [bits, bytes, receivers, durationMs] = words as [number, number, number, number];
  const options = fromOptionBits(bits);
  const destinations = members.slice(0, receivers);
  const body = Buffer.alloc(bytes);
  const micros: number[] = [];
  let failures = 0;
  let pause: Promise<unknown> | undefined;
  const startMs = Date.now();
  const endMs = performance.now() + durationMs;
  const sendOn = async () => {
    while (performance.now() < endMs) {
      const sentMs = performance.now();
      try {
        await sendOne(channel, destinations, body, options);
        micros.push((performance.now() - sentMs) * 1000);
      } catch {
        failures++;
        pause ??= sleep(FULL_PAUSE_MS).then(() => {
          pause = undefined;
        });
      }
      if (pause) await pause;
    }
  };
  const senders = options.asynchronous ? Math.min(WINDOW, Math.ceil(WINDOW_BYTES / bytes)) : 1;
  await Promise.all(Array.from({ length: senders }, sendOn));
  micros.sort((one, other) => one - other);
  say(`ran ${micros.length} ${failures} ${startMs} ${Math.round(micros[Math.floor((micros.length - 1) * 0.99)] ?? 0)}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(): Promise<void> {
  const channels = await Promise.all((role === "sender" ? addresses.slice(0, 1) : addresses.slice(1)).map(start));
  const [channel] = channels as [GroupChannel];
  const members = role === "sender" ? await membersOf(channel) : [];
  say(`started ${process.pid}`);
  for await (const line of createInterface({ input: process.stdin })) {
    const [word, ...numbers] = line.split(" ");
    if (word === "reset") received = 0;
    if (word === "count") say(`count ${received} ${lastMs}`);
    if (word === "run") await run(channel, members, numbers.map(Number));
  }
  process.exit(0);
}

await main();
