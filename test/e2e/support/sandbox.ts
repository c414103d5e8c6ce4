// The machine that a node of Kubernetes takes itself to have: namespaces, control groups, folders and a link of its own on this one.
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";

const SCRIPT = join(import.meta.dirname, "sandbox.sh");
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/**
 * One network of 198.19.0.0/16, which is for tests of networks (RFC 2544), by the process id: this machine is .1, the node .2; services have
 * the addresses .64 to .127, pods .129 to .254. This machine has a route to all of them, and they have none beyond it.
 */
export class Sandbox {
  /** The node's /var/lib, /var/log and what else it keeps; gone after `close`. */
  readonly folder = mkdtempSync(join(tmpdir(), "tcnode-"));
  readonly #subnet = `198.19.${process.pid % 256}`;
  #script: ChildProcess | undefined;
  #holder: string | undefined;

  private constructor() {}

  /** Throws when a command fails; nothing is left then. */
  static async create(): Promise<Sandbox> {
    const sandbox = new Sandbox();
    try {
      await sandbox.#makeNamespaces();
      sandbox.#makeLink();
    } catch (error) {
      await sandbox.close();
      throw error;
    }
    return sandbox;
  }

  /** Of the link on this machine and of the control group in each hierarchy; at most 15 characters, as a link's name may have. */
  get name(): string {
    return basename(this.folder);
  }

  /** Of this machine, as the node and its pods reach it. */
  get hostAddress(): string {
    return `${this.#subnet}.1`;
  }

  get nodeAddress(): string {
    return `${this.#subnet}.2`;
  }

  get serviceRange(): string {
    return `${this.#subnet}.64/26`;
  }

  /** The first of the range: what the API server gives the Service "kubernetes". */
  get firstServiceAddress(): string {
    return `${this.#subnet}.65`;
  }

  get podRange(): string {
    return `${this.#subnet}.128/25`;
  }

  /** The command that runs `args` in the sandbox. Its working folder is the root. */
  command(...args: string[]): [string, ...string[]] {
    return ["nsenter", "--target", this.#holder!, "--net", "--uts", "--mount", "--pid", "--", ...args];
  }

  /** Standard output. Rejects with what it wrote to standard error. */
  async run(...args: string[]): Promise<string> {
    const [file, ...rest] = this.command(...args);
    return (await promisify(execFile)(file, rest, { maxBuffer: MAX_OUTPUT_BYTES })).stdout;
  }

  /** Kills everything in it and waits until nothing is left. */
  async close(): Promise<void> {
    const script = this.#script;
    if (!script || script.exitCode !== null) return;
    const exit = once(script, "exit");
    script.stdin!.end();
    await exit;
  }

  async #makeNamespaces(): Promise<void> {
    const script = spawn("sh", [SCRIPT, this.folder, this.name], { stdio: ["pipe", "pipe", "inherit"], detached: true });
    this.#script = script;
    const [line] = await Promise.race([once(script.stdout, "data"), once(script, "exit").then(() => [""])]);
    this.#holder = String(line).trim();
    if (!this.#holder) throw new Error("the namespaces of a node cannot be made here: see above");
  }

  #makeLink(): void {
    const inside = (...args: string[]) => {
      const [file, ...rest] = this.command(...args);
      execute(file, ...rest);
    };
    execute("ip", "link", "add", this.name, "type", "veth", "peer", "name", "eth0", "netns", this.#holder!);
    execute("ip", "address", "add", `${this.hostAddress}/30`, "dev", this.name);
    execute("ip", "link", "set", this.name, "up");
    inside("ip", "link", "set", "lo", "up");
    inside("ip", "address", "add", `${this.nodeAddress}/30`, "dev", "eth0");
    inside("ip", "link", "set", "eth0", "up");
    inside("sysctl", "--quiet", "--write", "net.ipv4.ip_forward=1", "net.bridge.bridge-nf-call-iptables=1");
    execute("ip", "route", "add", `${this.#subnet}.0/24`, "via", this.nodeAddress);
  }
}

function execute(file: string, ...args: string[]): void {
  execFileSync(file, args, { stdio: ["ignore", "ignore", "pipe"] });
}
