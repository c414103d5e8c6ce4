// Runs the real command `tomcat-cluster local … --json` for a test and follows its events.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { stringify } from "yaml";
import type { LocalEvent, ReadyEvent } from "../../src/local/index.ts";

export const ROOT = resolve(import.meta.dirname, "../..");
export const ENTRY = join(ROOT, "src/cli/main.ts");
export const SHOP = join(ROOT, "deploy/samples/webapps/shop");

/** A manifest and the applications beside it, in a folder of its own. */
export class ManifestFolder {
  readonly path = mkdtempSync(join(tmpdir(), "local-test-"));

  get manifest(): string {
    return join(this.path, "cluster.yaml");
  }

  /** `spec` as it stands in a TomcatCluster. */
  writeManifest(spec: unknown, name = "shop"): this {
    return this.write("cluster.yaml", stringify({ apiVersion: "tribes.dev/v1alpha1", kind: "TomcatCluster", metadata: { name }, spec }));
  }

  write(path: string, text: string): this {
    mkdirSync(dirname(join(this.path, path)), { recursive: true });
    writeFileSync(join(this.path, path), text);
    return this;
  }

  /** The sample shop under webapps/shop. */
  addShop(): this {
    cpSync(SHOP, join(this.path, "webapps/shop"), { recursive: true });
    return this;
  }

  /** An application of test/fixtures/webapps under webapps/<name>. */
  addFixture(name: string): this {
    cpSync(join(ROOT, "test/fixtures/webapps", name), join(this.path, "webapps", name), { recursive: true });
    return this;
  }

  /** An application under webapps/<name> with this main module. */
  addApplication(name: string, source: string): this {
    return this.write(
      `webapps/${name}/package.json`,
      JSON.stringify({ name, type: "module", main: "index.js", tomcatCluster: { distributable: true } }),
    ).write(`webapps/${name}/index.js`, source);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** The events of a kind, also where a type stands for two kinds. */
export type EventOf<K extends LocalEvent["event"], E = LocalEvent> = E extends { readonly event: string }
  ? K extends E["event"]
    ? E
    : never
  : never;

const EVENT_TIMEOUT_MS = 30_000;

/** A cluster with the sample shop and this manifest, ready: for the bench, which measures and does not look at events. */
export class LocalCluster {
  readonly ready: ReadyEvent;
  readonly #run: LocalRun;
  readonly #folder: ManifestFolder;

  private constructor(ready: ReadyEvent, run: LocalRun, folder: ManifestFolder) {
    this.ready = ready;
    this.#run = run;
    this.#folder = folder;
  }

  /** `compiled` runs dist/, which `npm run build` has made, in place of src/. */
  static async start(options: { readonly manifest: unknown; readonly compiled?: boolean }): Promise<LocalCluster> {
    const folder = new ManifestFolder().write("cluster.yaml", stringify(options.manifest)).addShop();
    const run = new LocalRun(folder.manifest, [], options.compiled ? { entry: join(ROOT, "dist/cli/main.js") } : {});
    try {
      return new LocalCluster(await run.ready(), run, folder);
    } catch (error) {
      await run.dispose();
      folder.remove();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.#run.dispose();
    this.#folder.remove();
  }
}

export interface LocalRunOptions {
  /** The program; default: main.ts of src. */
  readonly entry?: string;
  /** Where the run keeps its files; default: a new folder, which `dispose` removes too. */
  readonly temporaryFolder?: string;
}

export class LocalRun {
  readonly events: LocalEvent[] = [];
  /** Lines of standard output that are no event: there must be none. */
  readonly strayLines: string[] = [];
  readonly exited: Promise<Exit>;
  readonly temporaryFolder: string;
  readonly #child: ChildProcess;
  readonly #watchers = new Set<() => void>();
  #stderr = "";

  /** Any free port unless `args` says otherwise. */
  constructor(manifest: string, args: readonly string[] = [], options: LocalRunOptions = {}) {
    this.temporaryFolder = options.temporaryFolder ?? mkdtempSync(join(tmpdir(), "local-run-"));
    const port = args.includes("--port") ? [] : ["--port", "0"];
    this.#child = spawn(process.execPath, [options.entry ?? ENTRY, "local", manifest, "--json", ...port, ...args], {
      // With a channel, over which it notices that this process has ended, whatever ended it.
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: { ...process.env, TMPDIR: this.temporaryFolder },
    });
    createInterface({ input: this.#child.stdout! }).on("line", (line) => this.#line(line));
    this.#child.stderr!.on("data", (chunk) => {
      this.#stderr += chunk;
      this.#changed();
    });
    this.exited = once(this.#child, "close").then(([code, signal]) => {
      this.#changed();
      return { code, signal } as Exit;
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** What the run has left in its temporary folder. */
  get leftFiles(): string[] {
    return readdirSync(this.temporaryFolder);
  }

  ready(timeoutMs = EVENT_TIMEOUT_MS): Promise<ReadyEvent> {
    return this.waitFor("ready", () => true, { timeoutMs });
  }

  /** The first event of this kind that fits, among those from index `after` on; rejects when the run ends or time is over. */
  waitFor<K extends LocalEvent["event"]>(
    kind: K,
    fits: (event: EventOf<K>) => boolean = () => true,
    options: { readonly after?: number; readonly timeoutMs?: number } = {},
  ): Promise<EventOf<K>> {
    const find = () =>
      this.events.slice(options.after ?? 0).find((event): event is EventOf<K> => event.event === kind && fits(event as EventOf<K>));
    return this.#until(find, `event "${kind}"`, options.timeoutMs);
  }

  /** Resolves when standard error contains the text. */
  async waitForError(text: string): Promise<void> {
    await this.#until(() => (this.#stderr.includes(text) ? true : undefined), `"${text}" on standard error`);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends the run, in good order unless it ended before; for `afterEach`. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Exit> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(signal);
    const exit = await this.exited;
    return exit;
  }

  /** `stop`, and nothing of the test is left; for `after`. */
  async dispose(): Promise<void> {
    await this.stop();
    rmSync(this.temporaryFolder, { recursive: true, force: true });
  }

  #line(line: string): void {
    try {
      this.events.push(JSON.parse(line) as LocalEvent);
    } catch {
      this.strayLines.push(line);
    }
    this.#changed();
  }

  #changed(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  async #until<T>(find: () => T | undefined, what: string, timeoutMs = EVENT_TIMEOUT_MS): Promise<T> {
    const found = find();
    if (found !== undefined) return found;
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer);
        this.#watchers.delete(check);
        settle();
      };
      const fail = (why: string) => end(() => reject(new Error(`No ${what}: ${why}. Standard error:\n${this.#stderr}`)));
      const check = () => {
        const value = find();
        if (value !== undefined) end(() => resolve(value));
        else if (this.#child.exitCode !== null) fail(`the command has ended with code ${this.#child.exitCode}`);
      };
      const timer = setTimeout(() => fail(`not within ${timeoutMs} ms`), timeoutMs);
      this.#watchers.add(check);
    });
  }
}

/** Whether a process with this id exists. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
