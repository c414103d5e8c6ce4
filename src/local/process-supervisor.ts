// Keeps one process running as a kubelet keeps a container: started again one second after it ended, stopped with a grace period.
import type { SpawnOptions } from "node:child_process";
import type { Readable } from "node:stream";
import type { Clock, Lifecycle, Timer } from "../base/index.ts";

/** What is used of a ChildProcess. */
export interface SupervisedProcess {
  /** Undefined when it could not be started: then "error" follows. */
  readonly pid?: number | undefined;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  kill(signal: NodeJS.Signals): boolean;
  once(event: "exit", listener: (code: number | null, signal: NodeJS.Signals | null) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
}

export type Spawn = (command: string, args: readonly string[], options: SpawnOptions) => SupervisedProcess;

export interface ProcessExit {
  readonly pid: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether `stop` had been called. */
  readonly expected: boolean;
}

export interface ProcessSupervisorDeps {
  readonly clock: Clock;
  readonly spawn: Spawn;
  onStarted(process: SupervisedProcess & { readonly pid: number }): void;
  onExited(exit: ProcessExit): void;
  /** The process could not be started (and is tried again like one that ended), or could not be sent a signal. */
  onError(error: Error): void;
}

export interface ProcessSupervisorOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly restart: boolean;
  /** From the end of one process to the start of the next; default 1000. */
  readonly restartDelayMs?: number;
  /** From SIGTERM to SIGKILL. */
  readonly graceMs: number;
}

const DEFAULT_RESTART_DELAY_MS = 1000;

export class ProcessSupervisor implements Lifecycle {
  readonly #deps: ProcessSupervisorDeps;
  readonly #options: ProcessSupervisorOptions;
  #process: SupervisedProcess | undefined;
  #restartTimer: Timer | undefined;
  #stopping = false;
  #onEnded: (() => void) | undefined;

  constructor(deps: ProcessSupervisorDeps, options: ProcessSupervisorOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** The running process's id, or undefined between two runs. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  async start(): Promise<void> {
    this.#spawn();
  }

  /** SIGTERM, and SIGKILL after the grace period; resolves when the process has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#restartTimer?.cancel();
    const running = this.#process;
    if (running === undefined) return;
    const ended = new Promise<void>((resolve) => {
      this.#onEnded = resolve;
    });
    running.kill("SIGTERM");
    const deadline = this.#deps.clock.setTimeout(() => running.kill("SIGKILL"), this.#options.graceMs);
    await ended;
    deadline.cancel();
  }

  /** SIGKILL at once, and no new start: for the last moment of a program that must go. */
  kill(): void {
    this.#stopping = true;
    this.#restartTimer?.cancel();
    this.#process?.kill("SIGKILL");
  }

  #spawn(): void {
    const { command, args, environment } = this.#options;
    // A process group of its own keeps a terminal's Ctrl+C away: the order of stopping is ours. The IPC channel closes with
    // this process, however it ends, and tells the child to go.
    const child = this.#deps.spawn(command, args, {
      env: environment,
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    this.#process = child;
    const { pid } = child;
    child.on("error", (error) => {
      this.#deps.onError(error);
      if (pid === undefined) this.#ended();
    });
    if (pid === undefined) return;
    child.once("exit", (code, signal) => {
      this.#process = undefined;
      this.#deps.onExited({ pid, code, signal, expected: this.#stopping });
      this.#ended();
    });
    this.#deps.onStarted(child as SupervisedProcess & { readonly pid: number });
  }

  #ended(): void {
    this.#process = undefined;
    this.#onEnded?.();
    if (this.#stopping || !this.#options.restart) return;
    this.#restartTimer = this.#deps.clock.setTimeout(() => this.#spawn(), this.#options.restartDelayMs ?? DEFAULT_RESTART_DELAY_MS);
  }
}
