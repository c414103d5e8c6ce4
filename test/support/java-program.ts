// A Java program of test/peers/java/channel on Apache Tomcat's Tribes, in a process that takes lines and says lines.
import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { endsWithUs } from "./ends-with-us.ts";
import { until } from "./until.ts";

const CLASS_PATH = ["tribes", "juli", "util"].map((name) => `/usr/share/java/tomcat10-${name}.jar`).join(":");
const SOURCES = join(import.meta.dirname, "../peers/java/channel");

export interface JavaProgramOptions {
  readonly args: readonly string[];
  /** For Java itself, such as system properties. */
  readonly javaOptions?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

let compiled: string | undefined;

/** Compiles the programs once per process; returns the folder with the classes. */
function programClasses(): string {
  if (compiled) return compiled;
  const folder = mkdtempSync(join(tmpdir(), "tomcat-cluster-channel-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const sources = globSync(join(SOURCES, "*.java"));
  execFileSync("javac", ["--release", "17", "-cp", CLASS_PATH, "-d", folder, ...sources], { stdio: "inherit" });
  compiled = folder;
  return folder;
}

export function javaCommand(mainClass: string, { args, javaOptions = [] }: JavaProgramOptions): readonly string[] {
  const java = ["-Xmx256m", "-Djava.net.preferIPv4Stack=true", ...javaOptions, "-cp", `${programClasses()}:${CLASS_PATH}`, mainClass];
  return ["java", ...java, ...args];
}

export class JavaProgram {
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

  /** Resolves when it has said "started". */
  static async start(mainClass: string, options: JavaProgramOptions): Promise<JavaProgram> {
    const child = spawn("setpriv", [...endsWithUs(), ...javaCommand(mainClass, options)], {
      env: { ...process.env, ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const program = new JavaProgram(child);
    try {
      await program.until("started", () => program.lines("started").length === 1);
      return program;
    } catch (error) {
      await program.stop();
      throw error;
    }
  }

  /** Those that begin with this word, in the order in which it said them. */
  lines(word: string): readonly string[] {
    return this.#output
      .slice(0, this.#output.lastIndexOf("\n") + 1)
      .split("\n")
      .filter((line) => line.split(" ")[0] === word);
  }

  tell(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Fails with what the process has logged when it does not come to that, or when the process ends. */
  async until(what: string, holds: () => boolean): Promise<void> {
    let ended = false;
    await until(what, async () => {
      ended = this.#child.exitCode !== null;
      return ended || holds();
    }).catch((error: unknown) => {
      throw new Error(`The Java program has logged:\n${this.#log}`, { cause: error });
    });
    if (ended && !holds()) throw new Error(`The Java program ended before: ${what}\n${this.#log}`);
  }

  /** As when it is killed. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}
