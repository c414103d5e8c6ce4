// A client with a session: sends updates, remembers which were answered, and looks at every answer.

import { sessionIdHash } from "../../../src/container/index.ts";
import { routeOf, stemOf } from "../../../src/protocol/index.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import type { VirtualTime } from "../../support/virtual-time.ts";
import { type AppAnswer, type AppRequest, type Basket, NOT_KEPT } from "./application.ts";
import type { Outcome } from "./balancer-model.ts";
import type { Trace } from "./trace.ts";

export interface BrowserDeps {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly trace: Trace;
  readonly send: (request: AppRequest) => Promise<Outcome>;
  readonly violated: (rule: string) => void;
}

export interface BrowserOptions {
  readonly name: string;
  readonly leastThinkMs: number;
  readonly mostThinkMs: number;
  /** Whether answered updates may be missing: the scenario has broken more than one thing. */
  readonly mayLose: boolean;
}

const MOST_UPDATES = 60;

export class Browser {
  readonly name: string;
  /** As its cookie says. */
  sessionId: string | undefined;
  /** Numbers of the updates that were answered. */
  readonly answered = new Set<number>();
  /**
   * Those that were answered with 503 because nobody else had them. They stay where they were made and count there (rule 8), so that a worker
   * which was cut off may hold more updates than the others have answered meanwhile, and then its copy stays (rule 11).
   */
  readonly #refused = new Set<number>();
  requests = 0;
  failures = 0;
  readonly #deps: BrowserDeps;
  readonly #options: BrowserOptions;
  #version = 0;
  #running = 0;
  #stopped = false;
  #stopping: (() => void) | undefined;

  constructor(deps: BrowserDeps, options: BrowserOptions) {
    this.name = options.name;
    this.#deps = deps;
    this.#options = options;
  }

  get stem(): string | undefined {
    return this.sessionId === undefined ? undefined : stemOf(this.sessionId);
  }

  start(): void {
    this.#think();
  }

  /** No further requests; `idle` tells when the last one is over. */
  stop(): void {
    this.#stopped = true;
    this.#stopping?.();
  }

  get idle(): boolean {
    return this.#stopped && this.#running === 0;
  }

  /** One more look at the basket, with whatever worker has it. */
  async look(): Promise<void> {
    if (this.sessionId !== undefined) await this.#request("Read", 0);
  }

  /** What must not be the content of this session, or undefined. `before`: the updates that had been answered. */
  complaint(basket: Basket, before: ReadonlySet<number>): string | undefined {
    const seen = new Set(basket.items);
    if (seen.size !== basket.items.length) return `an update was applied twice: ${basket.items.join(" ")}`;
    if (basket.count !== basket.items.length) return `count ${basket.count} of ${basket.items.length} items: half an update`;
    for (const version of basket.items) if (version < 1 || version > this.#version) return `update ${version} was never made`;
    if (this.#options.mayLose) return undefined;
    const lost = [...before].filter((version) => !seen.has(version));
    const refused = basket.items.filter((version) => this.#refused.has(version)).length;
    return lost.length <= refused ? undefined : `lost the answered updates ${lost.join(" ")}; holds ${basket.items.join(" ")}`;
  }

  #think(): void {
    const { random, time } = this.#deps;
    const { leastThinkMs, mostThinkMs } = this.#options;
    const timer = time.after(random.between(leastThinkMs, mostThinkMs), () => {
      this.#stopping = undefined;
      if (!this.#stopped) void this.#click().then(() => this.#think());
    });
    this.#stopping = () => timer.cancel();
  }

  async #click(): Promise<void> {
    const { random } = this.#deps;
    const choice = random.fraction();
    if (this.sessionId === undefined || this.#version >= MOST_UPDATES)
      await this.#request(this.sessionId === undefined ? "Add" : "Read", ++this.#version);
    else if (choice < 0.62) await this.#request("Add", ++this.#version);
    else if (choice < 0.7) await Promise.all([this.#request("Add", ++this.#version), this.#request("Read", 0)]);
    else if (choice < 0.74) await Promise.all([this.#request("Add", ++this.#version), this.#request("Add", ++this.#version)]);
    else if (choice < 0.76) await Promise.all([this.#request("Rename", 0), this.#request("Read", 0)]);
    else if (choice < 0.77) await this.#request("Rename", 0);
    else await this.#request("Read", 0);
  }

  async #request(kind: AppRequest["kind"], version: number): Promise<void> {
    const before = new Set(this.answered);
    const sessionId = this.sessionId;
    this.requests++;
    this.#running++;
    const workMs = this.#deps.random.chance(0.3) ? this.#deps.random.between(1, 40) : 0;
    const outcome = await this.#deps.send({ kind, version, sessionId, workMs });
    this.#running--;
    if (outcome.kind === "Failed") {
      this.failures++;
      if (kind === "Add" && outcome.reason.includes(NOT_KEPT)) this.#refused.add(version);
      this.#deps.trace.note(this.name, () => `${kind} ${version} failed: ${outcome.reason}`);
      return;
    }
    this.#check(kind, version, sessionId, before, outcome.answer);
  }

  #check(kind: AppRequest["kind"], version: number, sessionId: string | undefined, before: ReadonlySet<number>, answer: AppAnswer): void {
    this.#deps.trace.note(this.name, () => {
      const id = answer.sessionId === undefined ? "none" : `${sessionIdHash(answer.sessionId)}.${routeOf(answer.sessionId)}`;
      return `${kind} ${version} answered by ${answer.worker}, session ${id}: ${answer.items.join(" ")}`;
    });
    const complaint = this.complaint(answer, before);
    if (complaint !== undefined) {
      const session = answer.sessionId === undefined ? "none" : sessionIdHash(answer.sessionId);
      this.#deps.violated(`${this.name}: ${answer.worker} answered from session ${session}, which ${complaint}`);
    }
    if (kind === "Add" && !answer.items.includes(version)) this.#deps.violated(`${this.name}: the answer to update ${version} lacks it`);
    if (kind === "Add") this.answered.add(version);
    // A parallel answer may have brought a newer id; a cookie of a request with an older one must not replace it.
    if (answer.sessionId !== undefined && (this.sessionId === sessionId || kind === "Rename")) this.sessionId = answer.sessionId;
  }
}
