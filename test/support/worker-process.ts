// One worker of a ProcessCluster: the command `worker`, kept running as `local` keeps it.
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { createLogger, systemClock } from "../../src/base/index.ts";
import { LocalProcess } from "../../src/local/local-process.ts";
import { type MemberChange, memberChange } from "../../src/local/member-lines.ts";
import type { ProcessExit, Spawn } from "../../src/local/process-supervisor.ts";
import { fetchReadiness } from "../../src/local/readiness-probe.ts";
import { MANAGEMENT_PORT, WORKER_ENVIRONMENT, WORKER_HTTP_PORT } from "../../src/operator/desired/index.ts";
import { ENTRY } from "./local-cluster.ts";

export interface WorkerProcessOptions {
  readonly index: number;
  readonly name: string;
  readonly address: string;
  /** What stands before the command: runs it in a network namespace. */
  readonly prefix: readonly string[];
  readonly base: string;
  readonly logPath: string;
  readonly dnsServer: string;
  readonly dnsName: string;
  readonly graceMs: number;
}

/** What is read of the page /cluster. */
export interface ClusterPage {
  readonly members: readonly { readonly name: string; readonly state: string }[];
  readonly queueBytes: number;
}

const PAGE_TIMEOUT_MS = 5000;

export class WorkerProcess {
  readonly index: number;
  readonly name: string;
  readonly address: string;
  /** Ends of its processes, and changes of its view of the group as its log tells them. */
  readonly exits: ProcessExit[] = [];
  readonly viewChanges: MemberChange[] = [];
  /** Standard output goes to this file from the next start on; undefined: to the log. */
  outputPath: string | undefined;
  readonly #process: LocalProcess;

  constructor(options: WorkerProcessOptions) {
    this.index = options.index;
    this.name = options.name;
    this.address = options.address;
    const management = `http://${options.address}:${MANAGEMENT_PORT}`;
    const [executable, ...before] = [...options.prefix, process.execPath];
    const network = ["--dns-server", options.dnsServer, "--management-address", options.address];
    this.#process = new LocalProcess(
      {
        clock: systemClock,
        logger: createLogger({ level: "error" }, process.stderr),
        spawn: (...args) => this.#spawn(...args),
        fetchReadiness,
        onReady: () => undefined,
        onNotReady: () => undefined,
        onExited: (exit) => this.exits.push(exit),
        onOutputEnded: () => undefined,
        onLine: (line) => this.#line(line),
      },
      {
        name: options.name,
        command: [executable!, ...before, ENTRY, "worker", "--base", options.base, ...network],
        environment: {
          ...process.env,
          [WORKER_ENVIRONMENT.podName]: options.name,
          [WORKER_ENVIRONMENT.podAddress]: options.address,
          [WORKER_ENVIRONMENT.dnsName]: options.dnsName,
        },
        restart: true,
        graceMs: options.graceMs,
        management,
        logPath: options.logPath,
      },
    );
  }

  /** "http://127.0.5.2:9090" */
  get management(): string {
    return this.#process.management;
  }

  /** Where it serves requests, without the balancer. */
  get url(): string {
    return `http://${this.address}:${WORKER_HTTP_PORT}`;
  }

  /** Undefined between two runs. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  get ready(): boolean {
    return this.#process.ready;
  }

  start(): Promise<void> {
    return this.#process.start();
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }

  /** Throws when it does not run. */
  signal(signal: NodeJS.Signals): void {
    if (this.pid === undefined) throw new Error(`${this.name} does not run`);
    process.kill(this.pid, signal);
  }

  /** Rejects when it does not answer. */
  async page(): Promise<ClusterPage> {
    const answer = await fetch(`${this.management}/cluster`, { signal: AbortSignal.timeout(PAGE_TIMEOUT_MS) });
    return (await answer.json()) as ClusterPage;
  }

  readonly #spawn: Spawn = (command, args, options) => {
    if (this.outputPath === undefined) return spawn(command, args, options);
    const output = openSync(this.outputPath, "a");
    try {
      return spawn(command, args, { ...options, stdio: ["ignore", output, "pipe", "ipc"] });
    } finally {
      closeSync(output);
    }
  };

  #line(line: string): void {
    const change = memberChange(line);
    if (change) this.viewChanges.push(change);
  }
}
