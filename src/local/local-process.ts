// One process of a local cluster, a worker or the balancer: kept running, asked whether it is ready, its output kept.
import type { Clock, Lifecycle, Logger } from "../base/index.ts";
import { ProcessLog } from "./process-log.ts";
import { type ProcessExit, ProcessSupervisor, type Spawn } from "./process-supervisor.ts";
import { ReadinessProbe, type ReadinessProbeDeps } from "./readiness-probe.ts";

export interface LocalProcessDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly spawn: Spawn;
  readonly fetchReadiness: ReadinessProbeDeps["fetch"];
  /** After each start, when the process says that it is ready. */
  onReady(): void;
  /** It runs, was ready, and no longer is. */
  onNotReady(reason: string): void;
  onExited(exit: ProcessExit): void;
  /** `onExited` has been called and the process's output has ended: `lastErrors` is what it said at the end. */
  onOutputEnded(exit: ProcessExit, lastErrors: string): void;
  /** A line of standard output. */
  onLine(line: string): void;
}

export interface LocalProcessOptions {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly restart: boolean;
  readonly graceMs: number;
  /** "http://127.0.5.2:9090" */
  readonly management: string;
  readonly logPath: string;
}

/** Descendants that an application left behind may hold the streams open: then the wait for the last words ends here. */
const LAST_WORDS_MS = 300;

export class LocalProcess implements Lifecycle {
  readonly name: string;
  readonly management: string;
  readonly #deps: LocalProcessDeps;
  readonly #supervisor: ProcessSupervisor;
  readonly #probe: ReadinessProbe;
  readonly #log: ProcessLog;
  #outputEnded: Promise<void> = Promise.resolve();

  constructor(deps: LocalProcessDeps, options: LocalProcessOptions) {
    this.name = options.name;
    this.management = options.management;
    this.#deps = deps;
    const [command, ...args] = options.command;
    this.#log = new ProcessLog({ logger: deps.logger, onLine: deps.onLine }, { path: options.logPath });
    this.#probe = new ReadinessProbe(
      { clock: deps.clock, fetch: deps.fetchReadiness, onReady: deps.onReady, onNotReady: deps.onNotReady },
      { url: `${options.management}/readyz` },
    );
    this.#supervisor = new ProcessSupervisor(
      {
        clock: deps.clock,
        spawn: deps.spawn,
        onStarted: (process) => {
          this.#outputEnded = process.stdout && process.stderr ? this.#log.attach(process.stdout, process.stderr) : Promise.resolve();
          this.#probe.begin();
        },
        onExited: (exit) => void this.#exited(exit),
        onError: (error) => deps.logger.error({ err: error, process: options.name }, "Process could not be started or signalled"),
      },
      { command, args, environment: options.environment, restart: options.restart, graceMs: options.graceMs },
    );
  }

  /** Undefined between two runs. */
  get pid(): number | undefined {
    return this.#supervisor.pid;
  }

  get ready(): boolean {
    return this.#probe.ready;
  }

  get reason(): string {
    return this.#probe.reason;
  }

  start(): Promise<void> {
    return this.#supervisor.start();
  }

  async stop(): Promise<void> {
    await this.#supervisor.stop();
    this.#probe.end();
    this.#log.close();
  }

  /** Ends it at once, without waiting. */
  kill(): void {
    this.#supervisor.kill();
  }

  async #exited(exit: ProcessExit): Promise<void> {
    this.#probe.end();
    this.#deps.onExited(exit);
    const waited = new Promise<void>((resolve) => void this.#deps.clock.setTimeout(resolve, LAST_WORDS_MS));
    await Promise.race([this.#outputEnded, waited]);
    this.#deps.onOutputEnded(exit, this.#log.lastErrors);
  }
}
