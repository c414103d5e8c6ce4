// The command `operator` as a process of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { NODE_FLAGS } from "../../src/base/index.ts";
import { endsWithUs } from "./ends-with-us.ts";
import { type Family, parseExposition } from "./exposition.ts";

/** As its pod has it, by the chart. */
const ONE_ARENA = { MALLOC_ARENA_MAX: "1" };
const ROOT = join(import.meta.dirname, "../..");
/** Of the log, the end that is kept. */
const MAX_LOG_CHARACTERS = 1024 * 1024;

export interface PodAccount {
  /** Of the API server, on 127.0.0.1. */
  readonly port: number;
  /** Folder of token, ca.crt and namespace. */
  readonly folder: string;
}

export interface OperatorProcessOptions {
  /** A kubeconfig's path, or the service account that a pod would have. */
  readonly credentials: string | PodAccount;
  /** Of its Lease. */
  readonly namespace: string;
  readonly identity: string;
  /** Default: all. */
  readonly watchNamespaces?: readonly string[];
  /** Default 127.0.0.1, any free port. */
  readonly metricsAddress?: string;
  /** Runs dist/, which `npm run build` has made, in place of src/. */
  readonly compiled?: boolean;
}

export class OperatorProcess {
  /** What it wrote, both streams. */
  log = "";
  /** Exit code or signal, once it has ended. */
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly #child: ChildProcess;
  readonly #options: OperatorProcessOptions;

  constructor(options: OperatorProcessOptions) {
    this.#options = options;
    const { credentials, namespace, identity, watchNamespaces = [], metricsAddress = "127.0.0.1:0", compiled = false } = options;
    const entry = join(ROOT, compiled ? "dist/cli/main.js" : "src/cli/main.ts");
    const scope = watchNamespaces.length === 0 ? [] : ["--watch-namespaces", watchNamespaces.join(",")];
    const args = ["--image", "registry.example/tomcat-cluster:1", "--leader-elect", "--metrics-address", metricsAddress, ...scope];
    const command = [process.execPath, ...NODE_FLAGS, entry, "operator", ...args, "--namespace", namespace];
    const stdio = ["ignore", "pipe", "pipe"] as const;
    const { access, environment } = accessOf(credentials);
    this.#child = spawn("setpriv", [...endsWithUs(), ...command, "--identity", identity, ...access], {
      env: { ...process.env, ...ONE_ARENA, ...environment },
      stdio: [...stdio],
    });
    this.ended = once(this.#child, "exit").then(([code, signal]: (number | NodeJS.Signals | null)[]) => code ?? signal!);
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.log = (this.log + text).slice(-MAX_LOG_CHARACTERS);
      });
    }
  }

  get identity(): string {
    return this.#options.identity;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Whatever it does, it is gone then. */
  async stop(): Promise<void> {
    if (this.isRunning) this.#child.kill("SIGKILL");
    await this.ended;
  }

  /** Rejects while it does not answer; needs a `metricsAddress`. */
  async metrics(): Promise<ReadonlyMap<string, Family>> {
    const answer = await fetch(`http://${this.#options.metricsAddress}/metrics`);
    return parseExposition(await answer.text());
  }
}

function accessOf(credentials: string | PodAccount): { readonly access: readonly string[]; readonly environment: Record<string, string> } {
  if (typeof credentials === "string") return { access: ["--kubeconfig", credentials], environment: {} };
  const { port, folder } = credentials;
  const environment = { KUBECONFIG: "", KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: String(port) };
  return { access: ["--service-account", folder], environment };
}
