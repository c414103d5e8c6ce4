// The two processes of one side of `npm run bench:channel`, ours or Tomcat's: one that sends, on a core of its own, and one that receives.
import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { uniqueIdOf } from "../../src/channel/wire/member-block.ts";
import { endsWithUs } from "../support/ends-with-us.ts";
import { javaCommand } from "../support/java-program.ts";
import { cpuSeconds } from "../support/process-cpu.ts";

export interface SideOptions {
  readonly tomcat: boolean;
  /** Of all members. */
  readonly port: number;
  /** -1: no datagrams. */
  readonly udpPort: number;
  readonly senderAddress: string;
  readonly receiverAddresses: readonly string[];
}

export interface ChannelCase {
  /** Bits of tribes.md 4. */
  readonly options: number;
  readonly bytes: number;
  readonly receivers: number;
}

export interface ChannelFigures {
  /** Of one sender, each to all receivers, until the last one has it. */
  readonly messagesPerSecond: number;
  /** Of bodies, to all receivers together. */
  readonly megabytesPerSecond: number;
  /** Of the sender and all receivers. */
  readonly cpuMicrosPerMessage: number;
  /** Of a send until it is over: acknowledged, where it asks for that. */
  readonly p99Ms: number;
  readonly failures: number;
  /** Datagrams may be. */
  readonly lost: number;
}

type Child = ChildProcessByStdio<Writable, Readable, null>;

const NODE_PROGRAM = join(import.meta.dirname, "channel-process.ts");
const POLL_MS = 20;
const START_TIMEOUT_MS = 60_000;
/** Without a further message nothing more is expected. */
const QUIET_MS = 3000;

class Program {
  readonly #child: Child;
  readonly #lines: string[] = [];
  #rest = "";

  constructor(command: readonly string[]) {
    this.#child = spawn("setpriv", [...endsWithUs(), ...command], { stdio: ["pipe", "pipe", "ignore"] });
    this.#child.stdout.setEncoding("latin1").on("data", (text: string) => {
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop()!;
      this.#lines.push(...lines);
    });
  }

  /** Of the program: `setpriv` becomes it. */
  get pid(): number {
    return this.#child.pid!;
  }

  /** The numbers of its next line, which begins with this word. */
  async next(word: string, timeoutMs: number): Promise<readonly number[]> {
    const deadlineMs = performance.now() + timeoutMs;
    while (this.#lines.length === 0) {
      if (this.#child.exitCode !== null || performance.now() > deadlineMs) throw new Error(`A program of the bench has not said "${word}"`);
      await sleep(POLL_MS);
    }
    const [said, ...numbers] = this.#lines.shift()!.split(" ");
    if (said !== word) throw new Error(`A program of the bench has said "${said}" in place of "${word}"`);
    return numbers.map(Number);
  }

  tell(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  stop(): void {
    this.#child.kill("SIGKILL");
  }
}

export class ChannelSide {
  readonly #sender: Program;
  readonly #receivers: Program;

  private constructor(sender: Program, receivers: Program) {
    this.#sender = sender;
    this.#receivers = receivers;
  }

  static async start({ tomcat, port, udpPort, senderAddress, receiverAddresses }: SideOptions): Promise<ChannelSide> {
    const named = (address: string) => `${address}=${uniqueIdOf(address).toString("hex")}`;
    const start = (role: "sender" | "receivers") => {
      const args = [role, String(port), String(udpPort), ...[senderAddress, ...receiverAddresses].map(named)];
      return new Program(tomcat ? javaCommand("BenchPeer", { args, javaOptions: ["-Xmx1g"] }) : [process.execPath, NODE_PROGRAM, ...args]);
    };
    const receivers = start("receivers");
    const started: Program[] = [receivers];
    try {
      await receivers.next("started", START_TIMEOUT_MS);
      const sender = start("sender");
      started.push(sender);
      await sender.next("started", START_TIMEOUT_MS);
      pin(sender.pid, 0);
      pin(receivers.pid, 1);
      return new ChannelSide(sender, receivers);
    } catch (error) {
      for (const program of started) program.stop();
      throw error;
    }
  }

  async run({ options, bytes, receivers }: ChannelCase, durationMs: number): Promise<ChannelFigures> {
    this.#receivers.tell("reset");
    const cpuBefore = this.#cpuSeconds();
    this.#sender.tell(`run ${options} ${bytes} ${receivers} ${durationMs}`);
    const [messages, failures, startMs, p99Micros] = (await this.#sender.next("ran", 10 * durationMs + START_TIMEOUT_MS)) as [
      number,
      number,
      number,
      number,
    ];
    const [count, lastMs] = await this.#arrived(messages * receivers);
    const cpu = this.#cpuSeconds() - cpuBefore;
    const seconds = Math.max(lastMs - startMs, 1) / 1000;
    return {
      messagesPerSecond: count / receivers / seconds,
      megabytesPerSecond: (count * bytes) / 1e6 / seconds,
      cpuMicrosPerMessage: (cpu * 1e6) / Math.max(messages, 1),
      p99Ms: p99Micros / 1000,
      failures,
      lost: Math.max(messages * receivers - count, 0),
    };
  }

  stop(): void {
    this.#sender.stop();
    this.#receivers.stop();
  }

  #cpuSeconds(): number {
    return cpuSeconds(this.#sender.pid) + cpuSeconds(this.#receivers.pid);
  }

  /** How many have come, and when the last one did. */
  async #arrived(wanted: number): Promise<readonly [number, number]> {
    for (let [seen, sinceMs] = [-1, performance.now()]; ; ) {
      this.#receivers.tell("count");
      const [count, lastMs] = (await this.#receivers.next("count", START_TIMEOUT_MS)) as [number, number];
      if (count !== seen) [seen, sinceMs] = [count, performance.now()];
      if (count >= wanted || performance.now() - sinceMs > QUIET_MS) return [count, lastMs];
      await sleep(POLL_MS);
    }
  }
}

/** All its threads. */
function pin(pid: number, core: number): void {
  execFileSync("taskset", ["-apc", String(core), String(pid)], { stdio: "ignore" });
}
