// A program that keeps running in a sandbox, with its output in a file.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Sandbox } from "./sandbox.ts";

const LOG_TAIL_CHARACTERS = 4000;

export class NodeProcess {
  readonly #sandbox: Sandbox;
  readonly #name: string;
  readonly #command: readonly string[];
  #child: ChildProcess | undefined;

  constructor(sandbox: Sandbox, name: string, command: readonly string[]) {
    this.#sandbox = sandbox;
    this.#name = name;
    this.#command = command;
  }

  /** Everything that it wrote since it was first started. */
  get logFile(): string {
    return join(this.#sandbox.folder, `${this.#name}.log`);
  }

  start(): void {
    const log = openSync(this.logFile, "a");
    // Its number in the sandbox, where `stop` needs it.
    const [file, ...args] = this.#sandbox.command("sh", "-c", `echo $$ > ${this.#numberFile}; exec "$@"`, "sh", ...this.#command);
    this.#child = spawn(file, args, { stdio: ["ignore", log, log] });
    closeSync(log);
  }

  /** With "KILL" it has no time to finish anything. Resolves when it is gone. */
  async stop(signal: "TERM" | "KILL" = "TERM"): Promise<void> {
    const child = this.#child!;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    await this.#sandbox.run("sh", "-c", `kill -${signal} $(cat ${this.#numberFile})`);
    await exit;
  }

  /** Polls until `isReady` says yes. Rejects with the end of its log when it ends before, or after `timeoutMs`. */
  async until(isReady: () => Promise<boolean>, timeoutMs: number): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs;
    while (!(await isReady().catch(() => false))) {
      if (this.#child!.exitCode !== null || performance.now() > deadlineMs) {
        throw new Error(`${this.#name} is not ready:\n${readFileSync(this.logFile, "utf8").slice(-LOG_TAIL_CHARACTERS)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  get #numberFile(): string {
    return `/run/${this.#name}.pid`;
  }
}
