// Everything that a simulated group of workers lives in, made from one seed; the faults that can befall it; and what must hold always.
import type { ComponentConfig } from "../../../src/config/index.ts";
import { MemorySockets } from "../../support/memory-sockets.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { VirtualTime } from "../../support/virtual-time.ts";
import { BalancerModel } from "./balancer-model.ts";
import { Browser } from "./browser.ts";
import { NameService } from "./name-service.ts";
import type { RuleSwitches } from "./rule-switches.ts";
import { Trace } from "./trace.ts";
import { WorkerProcess } from "./worker-process.ts";

export interface WorldOptions {
  readonly seed: number | string;
  readonly traced: boolean;
  readonly off: RuleSwitches;
  readonly synchronous: boolean;
  readonly required: boolean;
  readonly poolSize: number;
  readonly loadBytes: number;
  /** How far the clocks of two workers may differ. */
  readonly clockSkewMs: number;
  readonly maxQueueBytes: number;
  readonly leastDelayMs: number;
  readonly mostDelayMs: number;
  /** Each session on two workers in place of all. */
  readonly backups?: boolean;
  /** Of every worker's channel; default: Tomcat's. */
  readonly interceptors?: readonly ComponentConfig[];
}

const DISCOVERY_PERIOD_MS = 1000;
const INVARIANT_PERIOD_MS = 250;

/** Thrown at the first thing that must not be. */
export class Violation extends Error {}

export class World {
  readonly time = new VirtualTime();
  readonly random: SeededRandom;
  readonly trace: Trace;
  readonly network: MemorySockets;
  readonly names: NameService;
  readonly balancer: BalancerModel;
  readonly browsers: Browser[] = [];
  /** By name: the present process, or the last one. */
  readonly workers = new Map<string, WorkerProcess>();
  violation: string | undefined;
  readonly #options: WorldOptions;
  readonly #byAddress = new Map<string, WorkerProcess>();
  #addresses = 0;
  /** At the last look, while others had state. */
  #emptyBefore: ReadonlySet<WorkerProcess> = new Set();

  constructor(options: WorldOptions) {
    this.#options = options;
    this.random = new SeededRandom(options.seed);
    this.trace = new Trace(this.time, options.traced);
    this.network = new MemorySockets(this.time, this.random.fork("network"));
    const delays = this.random.fork("delays");
    this.network.delay = () => options.leastDelayMs + delays.fraction() * (options.mostDelayMs - options.leastDelayMs);
    this.names = new NameService(this.time, this.random.fork("names"));
    const { time, network, trace } = this;
    this.balancer = new BalancerModel({
      ...{ time, network, trace, off: options.off, random: this.random.fork("balancer") },
      processAt: (address) => this.#byAddress.get(address),
    });
    this.#discover();
    this.#watch();
  }

  get live(): WorkerProcess[] {
    return [...this.workers.values()].filter((worker) => worker.alive);
  }

  get ready(): WorkerProcess[] {
    return this.live.filter((worker) => worker.state === "Ready");
  }

  /** A pod starts: under a new address, or, where the machine gives the old one again, under that. */
  start(name: string, options: { readonly sameAddress?: boolean } = {}): WorkerProcess {
    const before = this.workers.get(name);
    const address = options.sameAddress && before ? before.address : `10.0.0.${++this.#addresses}`;
    const { time, network, names, random, trace } = this;
    const worker = new WorkerProcess(
      { time, network, names, random: random.fork(name), trace, off: this.#options.off },
      {
        name,
        address,
        clockOffsetMs: random.between(0, this.#options.clockSkewMs),
        synchronous: this.#options.synchronous,
        required: this.#options.required,
        poolSize: this.#options.poolSize,
        loadBytes: this.#options.loadBytes,
        maxQueueBytes: this.#options.maxQueueBytes,
        interceptors: this.#options.interceptors,
        backups: this.#options.backups ?? false,
      },
    );
    this.workers.set(name, worker);
    this.#byAddress.set(address, worker);
    worker.onReady = () => this.#checkJoiner(worker);
    worker.onKept = (stem, version) => this.#checkKept(worker, stem, version);
    trace.note(name, () => `starts at ${address}, clock ${worker.clock.offsetMs} ms ahead`);
    names.publish(address, true, random.between(0, 1500));
    worker.start();
    return worker;
  }

  /** SIGKILL; or the loss of the machine, of which nobody is told. */
  kill(worker: WorkerProcess, withMachine: boolean): void {
    this.trace.note(worker.name, () => (withMachine ? "machine lost" : "SIGKILL"));
    this.network.kill(worker.host, withMachine ? "Silent" : "Refuses");
    worker.died();
    this.balancer.processDied(worker);
    this.names.publish(worker.address, false, this.random.between(500, 6000));
  }

  freeze(worker: WorkerProcess): void {
    this.trace.note(worker.name, () => "SIGSTOP");
    worker.freeze();
  }

  thaw(worker: WorkerProcess): void {
    if (!worker.alive) return;
    this.trace.note(worker.name, () => "SIGCONT");
    worker.thaw();
  }

  terminate(worker: WorkerProcess): void {
    worker.stop();
    this.names.publish(worker.address, false, this.random.between(20_000, 30_000));
  }

  open(count: number, options: { readonly leastThinkMs: number; readonly mostThinkMs: number; readonly mayLose: boolean }): void {
    for (let index = 0; index < count; index++) {
      const name = `browser-${this.browsers.length}`;
      const browser = new Browser(
        {
          time: this.time,
          trace: this.trace,
          random: this.random.fork(name),
          send: (request) => this.balancer.send(request),
          violated: (rule) => this.violate(rule),
        },
        { name, ...options },
      );
      this.browsers.push(browser);
      browser.start();
    }
  }

  /** Runs on; throws the Violation that happened. */
  async run(durationMs: number, until: () => boolean = () => false): Promise<void> {
    await this.time.run(durationMs, () => this.violation !== undefined || until());
    if (this.violation !== undefined) throw new Violation(this.violation);
  }

  /** Runs until the condition holds; that it does not within the time is a violation. */
  async expect(what: string, withinMs: number, holds: () => boolean): Promise<void> {
    const endMs = this.time.nowMs + withinMs;
    while (!holds()) {
      if (this.time.nowMs >= endMs) this.violate(`${what} was not the case within ${withinMs / 1000} s`);
      await this.run(100);
    }
  }

  violate(rule: string): void {
    this.trace.note("CHECKER", () => rule);
    this.violation ??= `${(this.time.nowMs / 1000).toFixed(3)} s: ${rule}`;
  }

  /** Everybody ready, everybody sees everybody, nobody is behind. */
  get settled(): boolean {
    const { live } = this;
    return live.every(
      (worker) =>
        worker.state === "Ready" &&
        worker.channel.members.length === live.length - 1 &&
        live.every((other) => other === worker || worker.channel.members.some(({ address }) => address === other.address)) &&
        (!this.#options.backups || live.length === 1 || worker.manager.sessionsAtRisk === 0) &&
        worker.cluster.replicator
          .describe()
          .every(({ present, lagging, sessionsBehind }) => !present || (!lagging && sessionsBehind === 0)),
    );
  }

  get browsersIdle(): boolean {
    return this.browsers.every((browser) => browser.idle);
  }

  /** After quiet: all copies equal, and nothing that was answered is missing. */
  checkEnd(): void {
    const { ready } = this;
    if (ready.length === 0) this.violate("no worker is ready at the end");
    const digests = new Set(ready.map((worker) => worker.digest));
    if (digests.size > 1) {
      const list = ready.map((worker) => `${worker.name} ${worker.digest} (${worker.manager.activeSessions})`);
      this.violate(`copies differ after quiet: ${list.join(", ")}; ${this.#differences(ready)}`);
    }
    for (const browser of this.browsers) {
      const holders = this.#options.backups ? this.#checkBackup(browser) : ready;
      for (const worker of holders) this.#checkCopy(browser, worker, "at the end");
    }
  }

  /** Each session that is left is on two workers with the same content, and served by one of them. */
  #checkBackup({ name, stem }: Browser): readonly WorkerProcess[] {
    if (stem === undefined) return [];
    const holders = this.ready.filter((worker) => worker.basket(stem) !== undefined);
    const said = holders.map((worker) => `${worker.name} [${worker.basket(stem)?.items.join(" ")}]`).join(", ");
    if (holders.length !== Math.min(2, this.ready.length)) this.violate(`${name}: at the end its session is on ${said || "no worker"}`);
    if (new Set(holders.map((worker) => JSON.stringify(worker.basket(stem)))).size > 1) this.violate(`${name}: copies differ: ${said}`);
    return holders;
  }

  get requests(): number {
    return this.browsers.reduce((sum, browser) => sum + browser.requests, 0);
  }

  get failures(): number {
    return this.browsers.reduce((sum, browser) => sum + browser.failures, 0);
  }

  /** Ends every process, so that nothing of this world runs on. */
  close(): void {
    for (const worker of this.workers.values()) {
      this.network.kill(worker.host, "Silent");
      worker.died();
    }
  }

  #checkCopy(browser: Browser, worker: WorkerProcess, when: string): void {
    if (browser.stem === undefined) return;
    const basket = worker.basket(browser.stem) ?? { items: [], count: 0 };
    const complaint = browser.complaint(basket, browser.answered);
    if (complaint !== undefined) this.violate(`${browser.name}: ${when}, the copy on ${worker.name} ${complaint}`);
  }

  /** Rules 4 to 6: who opens its connectors has everything that was answered until then. */
  #checkJoiner(worker: WorkerProcess): void {
    // Without acknowledgements the last changes may be under way: who has answered knows that they are, and lets them arrive (rule 9).
    if (!this.#options.synchronous || this.#options.backups) return;
    // While DNS lies about members, some of them cannot know of the joiner; they catch it up afterwards (rule 11).
    if (this.names.mood === "Partial" || this.names.mood === "Absent") return;
    for (const browser of this.browsers) this.#checkCopy(browser, worker, "when it became ready");
  }

  /** Rule 8, durability Required: whoever has the answer can lose the worker that gave it. */
  #checkKept(worker: WorkerProcess, stem: string, version: number): void {
    // One that waits for state has the update in its queue, where nobody sees it; one that has just died had it when it said so.
    const others = [...this.workers.values()].filter((other) => other !== worker);
    if (others.some((other) => other.state === "Starting")) return;
    if (others.some((other) => other.uses(stem) || other.basket(stem)?.items.includes(version))) return;
    this.violate(`${worker.name} answers update ${version}, which no other worker has`);
  }

  #differences(workers: readonly WorkerProcess[]): string {
    const differing = this.browsers.filter((browser) => {
      const stem = browser.stem;
      return stem !== undefined && new Set(workers.map((worker) => JSON.stringify(worker.basket(stem)))).size > 1;
    });
    return differing
      .map(
        (browser) =>
          `${browser.name}: ${workers.map((worker) => `${worker.name} [${worker.basket(browser.stem!)?.items.join(" ") ?? "none"}]`).join(" ")}`,
      )
      .join("; ");
  }

  #discover(): void {
    this.balancer.update(new Map(this.live.map((worker) => [worker.name, worker.address])));
    this.time.after(DISCOVERY_PERIOD_MS, () => this.#discover());
  }

  /** No ready worker is empty while another one has state, and nobody failed. */
  #watch(): void {
    for (const worker of this.workers.values()) {
      if (worker.failure !== undefined) this.violate(`${worker.name} failed: ${worker.failure.stack ?? worker.failure.message}`);
    }
    const { ready } = this;
    const empty = this.#options.backups ? [] : ready.filter((worker) => !worker.frozen && worker.sessions === 0);
    const known = this.browsers.filter((browser) => browser.answered.size > 0).length;
    const full = ready.some((worker) => worker.sessions > 0);
    // Without acknowledgements the first session may be answered for and still be under way (rule 9), but not from one look to the next.
    const suspects = this.#options.synchronous ? empty : empty.filter((worker) => this.#emptyBefore.has(worker));
    this.#emptyBefore = new Set(full && known > 0 ? empty : []);
    if (suspects.length > 0 && full && known > 0) {
      this.violate(`${suspects.map((worker) => worker.name).join(", ")} is ready and empty while others have state`);
    }
    this.time.after(INVARIANT_PERIOD_MS, () => this.#watch());
  }
}
