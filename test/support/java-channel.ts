// A channel of Apache Tomcat's Tribes alone, in a Java process that sends what it is told and says what it receives.
import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { crc32 } from "node:zlib";
import { uniqueIdOf } from "../../src/channel/wire/member-block.ts";
import { endsWithUs } from "./ends-with-us.ts";
import { until } from "./until.ts";

const CLASS_PATH = ["tribes", "juli", "util"].map((name) => `/usr/share/java/tomcat10-${name}.jar`).join(":");
const SOURCE = join(import.meta.dirname, "../peers/java/channel/ChannelPeer.java");

export interface JavaChannelOptions {
  readonly address: string;
  /** Of both. */
  readonly port: number;
  /** Of the one member that it knows. */
  readonly peerAddress: string;
  /** Top first, "GzipInterceptor,compressionMinSize=10". */
  readonly interceptors: readonly string[];
}

let compiled: string | undefined;

/** Compiles the program once per process; returns the folder with the class. */
function programClasses(): string {
  if (compiled) return compiled;
  const folder = mkdtempSync(join(tmpdir(), "tomcat-cluster-channel-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  execFileSync("javac", ["--release", "17", "-cp", CLASS_PATH, "-d", folder, SOURCE], { stdio: "inherit" });
  compiled = folder;
  return folder;
}

/** `length` letters that `seed` chooses. The same as in ChannelPeer.java. */
export function letters(seed: number, length: number): Buffer {
  const body = Buffer.allocUnsafe(length);
  for (let index = 0; index < length; index++) body[index] = "a".charCodeAt(0) + ((seed + index * (index % 7)) % 26);
  return body;
}

/** How the program tells that it has received these bytes. */
export function lineOf(body: Buffer): string {
  return `received ${body.length} ${crc32(body)}`;
}

export class JavaChannel {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  #output = "";
  #log = "";

  private constructor(child: ChildProcessByStdio<Writable, Readable, Readable>) {
    this.#child = child;
    child.stdout.setEncoding("latin1").on("data", (text: string) => {
      this.#output += text;
    });
    child.stderr.setEncoding("latin1").on("data", (text: string) => {
      this.#log = (this.#log + text).slice(-100_000);
    });
  }

  /** Resolves when it listens. */
  static async start({ address, port, peerAddress, interceptors }: JavaChannelOptions): Promise<JavaChannel> {
    const program = ["-Xmx256m", "-Djava.net.preferIPv4Stack=true", "-cp", `${programClasses()}:${CLASS_PATH}`, "ChannelPeer"];
    const options = [address, String(port), peerAddress, uniqueIdOf(peerAddress).toString("hex"), ...interceptors];
    const child = spawn("setpriv", [...endsWithUs(), "java", ...program, ...options], { stdio: ["pipe", "pipe", "pipe"] });
    const channel = new JavaChannel(child);
    try {
      await channel.until("started", () => channel.#lines("started").length === 1);
      return channel;
    } catch (error) {
      await channel.stop();
      throw error;
    }
  }

  /** In the order in which its listener had them. */
  get received(): readonly string[] {
    return this.#lines("received");
  }

  /** "sent", or "failed" and the class of the cause. */
  get outcomes(): readonly string[] {
    return [...this.#lines("sent"), ...this.#lines("failed")];
  }

  /** Asks it to send `letters(seed, length)` with the option bits. It sends one after the other. */
  send(options: number, seed: number, length: number): void {
    this.#child.stdin.write(`send ${options} ${seed} ${length}\n`);
  }

  /** Fails with what the process has logged when it does not come to that, or when the process ends. */
  async until(what: string, holds: () => boolean): Promise<void> {
    let ended = false;
    await until(what, async () => {
      ended = this.#child.exitCode !== null;
      return ended || holds();
    }).catch((error: unknown) => {
      throw new Error(`The Java channel has logged:\n${this.#log}`, { cause: error });
    });
    if (ended && !holds()) throw new Error(`The Java channel ended before: ${what}\n${this.#log}`);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }

  #lines(word: string): string[] {
    return this.#output
      .slice(0, this.#output.lastIndexOf("\n") + 1)
      .split("\n")
      .filter((line) => line.split(" ")[0] === word);
  }
}
