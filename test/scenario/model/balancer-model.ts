// A balancer without sockets: the real selection and health rules, and rule 19 about repeats.

import { ByRequests } from "../../../src/balancer/selection/by-requests.ts";
import { selectWorker } from "../../../src/balancer/selection/select-worker.ts";
import type { Candidate, Snapshot, Standing } from "../../../src/balancer/selection/snapshot.ts";
import { SessionsInUse } from "../../../src/balancer/workers/sessions-in-use.ts";
import { type HealthResult, WorkerHealth, type WorkerState } from "../../../src/balancer/workers/worker-states.ts";
import type { Timer } from "../../../src/base/index.ts";
import { stemOf } from "../../../src/protocol/index.ts";
import type { MemorySockets } from "../../support/memory-sockets.ts";
import type { SeededRandom } from "../../support/seeded-random.ts";
import { ProcessClock, type VirtualTime } from "../../support/virtual-time.ts";
import type { AppAnswer, AppRequest } from "./application.ts";
import type { RuleSwitches } from "./rule-switches.ts";
import type { Trace } from "./trace.ts";
import type { WorkerProcess } from "./worker-process.ts";

export interface BalancerDeps {
  readonly time: VirtualTime;
  readonly network: MemorySockets;
  readonly random: SeededRandom;
  readonly trace: Trace;
  readonly off: RuleSwitches;
  /** The process at an address, also a dead one's successor. */
  readonly processAt: (address: string) => WorkerProcess | undefined;
}

/** `Failed`: 500, 502, 503 or 504. */
export type Outcome = { readonly kind: "Answered"; readonly answer: AppAnswer } | { readonly kind: "Failed"; readonly reason: string };

type AttemptResult =
  | { readonly kind: "Answer"; readonly answer: AppAnswer }
  /** An answer too: 500. */
  | { readonly kind: "Threw"; readonly message: string }
  | { readonly kind: "Refused" | "Lost" | "Unresponsive" };

export const BALANCER_ADDRESS = "10.0.9.1";
const HEALTH_PERIOD_MS = 1000;
const HEALTH_TIMEOUT_MS = 1000;
const CONNECT_TIMEOUT_MS = 1000;
const ERROR_RETRY_MS = 2000;
const UNRESPONSIVE_MS = 10_000;
const ANSWER_MS = 60_000;
const SWEEP_MS = 500;
const FRESH_MS = 1000;
const IDLE_MS = 15_000;
const QUIET_MS = 2000;

class ModelWorker implements Candidate {
  readonly name: string;
  readonly route: string;
  readonly weight = 1;
  readonly address: string;
  readonly health = new WorkerHealth({ fall: 2, rise: 1 }, true);
  sessionsInUse: SessionsInUse | undefined;
  errorUntilMs = 0;
  listed = true;
  /** The process that idle connections lead to, and when one was used last. */
  connectedTo: WorkerProcess | undefined;
  usedMs = Number.NEGATIVE_INFINITY;

  constructor(name: string, address: string) {
    this.name = name;
    this.route = name;
    this.address = address;
  }

  stateAt(nowMs: number): WorkerState {
    return nowMs < this.errorUntilMs ? "Error" : this.health.state;
  }
}

/** In the order of WorkerRegistry. */
const TIERS: readonly ((state: WorkerState, worker: ModelWorker) => boolean)[] = [
  (state) => state === "Serving",
  (state) => state === "Unknown",
  (state) => state === "Draining",
  (state) => state === "Error",
  (state, worker) => state === "NotReady" && !worker.health.saidNotReady,
];

export class BalancerModel {
  readonly #deps: BalancerDeps;
  readonly #workers = new Map<string, ModelWorker>();
  readonly #method = new ByRequests();
  readonly #clock: ProcessClock;
  readonly #abandon = new Set<(process: WorkerProcess) => void>();

  constructor(deps: BalancerDeps) {
    this.#deps = deps;
    this.#clock = new ProcessClock(deps.time);
  }

  /** Discovery: what there is now, by name. */
  update(listed: ReadonlyMap<string, string>): void {
    for (const [name, address] of listed) {
      if (this.#workers.get(name)?.address === address) continue;
      const worker = new ModelWorker(name, address);
      this.#workers.set(name, worker);
      this.#checkHealth(worker);
    }
    for (const [name, worker] of this.#workers) {
      worker.listed = listed.has(name);
      if (!worker.listed && worker.stateAt(this.#nowMs) !== "Serving") this.#workers.delete(name);
    }
  }

  /** A process died: connections to it end. */
  processDied(process: WorkerProcess): void {
    for (const tell of [...this.#abandon]) tell(process);
  }

  async send(request: AppRequest): Promise<Outcome> {
    const tried: ModelWorker[] = [];
    const idempotent = request.kind === "Read" || this.#deps.off.carefulRepeats === true;
    let sessionIds = request.sessionId === undefined ? [] : [request.sessionId];
    for (let repeated = false; ; ) {
      const selection = selectWorker(this.#snapshot(), { sessionIds, tried, force: false, isInUse }, this.#method);
      if (selection === undefined) return { kind: "Failed", reason: "503 no worker" };
      if (selection.sessionId !== undefined) sessionIds = [selection.sessionId];
      const worker = this.#deps.off.oneTarget && selection.sticky === "Changed" ? this.#anybody(tried) : selection.candidate;
      const sentMs = this.#nowMs;
      const result = await this.#attempt(worker, request, idempotent);
      if (result.kind === "Answer") return { kind: "Answered", answer: result.answer };
      if (result.kind === "Threw") return { kind: "Failed", reason: `500 ${result.message}` };
      this.#deps.trace.note("balancer", () => `${request.kind} ${request.version} at ${worker.name}: ${result.kind}`);
      if (result.kind === "Refused") {
        if (!worker.health.recordRefusedRequest() && !worker.health.hasAnsweredSince(sentMs))
          worker.errorUntilMs = this.#nowMs + ERROR_RETRY_MS;
      } else {
        if (!idempotent || repeated) return { kind: "Failed", reason: `${worker.name}: ${result.kind}` };
        repeated = true;
      }
      tried.push(worker);
    }
  }

  get #nowMs(): number {
    return this.#deps.time.nowMs;
  }

  #anybody(tried: readonly ModelWorker[]): ModelWorker {
    return this.#deps.random.pick([...this.#workers.values()].filter((worker) => !tried.includes(worker)));
  }

  #snapshot(): Snapshot<ModelWorker> {
    const workers = [...this.#workers.values()];
    const states = new Map(workers.map((worker) => [worker, worker.stateAt(this.#nowMs)]));
    for (const [worker, state] of states) {
      if (state === "Draining") worker.sessionsInUse ??= new SessionsInUse(this.#clock, QUIET_MS);
      else if (state !== "Error") worker.sessionsInUse = undefined;
    }
    const tiers = TIERS.map((belongs) => workers.filter((worker) => belongs(states.get(worker)!, worker))).filter(
      (tier) => tier.length > 0,
    );
    const byRoute = new Map<string, Standing<ModelWorker>>(
      workers.map((worker) => [
        worker.route,
        { candidate: worker, tier: tiers.findIndex((tier) => tier.includes(worker)), draining: states.get(worker) === "Draining" },
      ]),
    );
    return { tiers, byRoute };
  }

  async #attempt(worker: ModelWorker, request: AppRequest, idempotent: boolean): Promise<AttemptResult> {
    const uses = worker.sessionsInUse;
    const stem = request.sessionId === undefined ? undefined : stemOf(request.sessionId);
    if (stem !== undefined) uses?.requestBegan(stem);
    const result = await this.#exchange(worker, request, idempotent);
    if (stem !== undefined) uses?.requestEnded(stem);
    return result;
  }

  #exchange(worker: ModelWorker, request: AppRequest, idempotent: boolean): Promise<AttemptResult> {
    const { time, network } = this.#deps;
    return new Promise((resolve) => {
      let sweep: Timer | undefined;
      let target: WorkerProcess | undefined;
      let over = false;
      const wasUsable = worker.health.state !== "NotReady";
      let gone = false;
      // What has not arrived is lost with the connection; what has, the worker reads, and learns then that nobody waits for the answer.
      const resetConnection = () => {
        if (!this.#reaches(worker)) return;
        target?.host.tell(() => {
          gone = true;
        });
      };
      const end = (result: AttemptResult) => {
        if (over) return;
        over = true;
        if (result.kind === "Unresponsive") time.after(network.delay(BALANCER_ADDRESS, worker.address), resetConnection);
        sweep?.cancel();
        this.#abandon.delete(died);
        if (result.kind === "Answer") {
          worker.health.answered(this.#nowMs);
          worker.errorUntilMs = 0;
          if (wasUsable && worker.health.answeredLate()) this.#deps.trace.note("balancer", () => `${worker.name} answers again`);
          worker.usedMs = this.#nowMs;
          worker.connectedTo = target;
        }
        resolve(result);
      };
      const died = (process: WorkerProcess) => {
        if (process === target && network.absenceAt(process.address) === "Refuses") time.after(1, () => end({ kind: "Lost" }));
      };
      this.#abandon.add(died);
      const startedMs = this.#nowMs;
      const look = () => {
        const silentMs = worker.health.silentSinceMs;
        const unresponsive = silentMs !== undefined && this.#nowMs - silentMs >= UNRESPONSIVE_MS;
        if (unresponsive || this.#nowMs - startedMs >= ANSWER_MS) end({ kind: "Unresponsive" });
        else sweep = time.after(SWEEP_MS, look);
      };
      sweep = time.after(SWEEP_MS, look);
      const deliver = () => {
        if (over) return;
        const process = this.#deps.processAt(worker.address);
        if (!this.#reaches(worker)) {
          const reusable = this.#nowMs - worker.usedMs < (idempotent ? IDLE_MS : FRESH_MS) && worker.connectedTo?.alive === true;
          // On an open connection the bytes wait for the network; a new connection is given up.
          if (reusable) time.after(SWEEP_MS, () => this.#later(worker, deliver));
          else time.after(CONNECT_TIMEOUT_MS, () => end({ kind: "Refused" }));
        } else if (process?.serves) {
          target = process;
          process.host.tell(() => {
            process
              .handle(request, () => gone)
              .then(
                (answer) => this.#answer(worker, () => end({ kind: "Answer", answer })),
                (error: Error) => this.#answer(worker, () => end({ kind: "Threw", message: error.message })),
              );
          });
        } else if (process?.alive || network.absenceAt(worker.address) === "Refuses") end({ kind: "Refused" });
        else time.after(CONNECT_TIMEOUT_MS, () => end({ kind: "Refused" }));
      };
      time.after(network.delay(BALANCER_ADDRESS, worker.address), deliver);
    });
  }

  #answer(worker: ModelWorker, arrived: () => void): void {
    this.#deps.time.after(this.#deps.network.delay(worker.address, BALANCER_ADDRESS), () => this.#later(worker, arrived));
  }

  /** As soon as the worker can be reached. */
  #later(worker: ModelWorker, task: () => void): void {
    if (this.#reaches(worker)) task();
    else this.#deps.time.after(SWEEP_MS, () => this.#later(worker, task));
  }

  #reaches(worker: ModelWorker): boolean {
    const { network } = this.#deps;
    return network.reaches(BALANCER_ADDRESS, worker.address) && network.reaches(worker.address, BALANCER_ADDRESS);
  }

  #checkHealth(worker: ModelWorker): void {
    if (this.#workers.get(worker.name) !== worker) return;
    const { time, network, random } = this.#deps;
    const startedMs = this.#nowMs;
    let over = false;
    const record = (result: HealthResult) => {
      if (over) return;
      over = true;
      const before = worker.health.state;
      worker.health.record(result, startedMs);
      if (worker.health.state !== before) this.#deps.trace.note("balancer", () => `${worker.name} is ${worker.health.state}`);
      if (result === "Ready" && startedMs > worker.errorUntilMs - ERROR_RETRY_MS) worker.errorUntilMs = 0;
      time.after(HEALTH_PERIOD_MS * (0.9 + random.fraction() / 5), () => this.#checkHealth(worker));
    };
    time.after(HEALTH_TIMEOUT_MS, () => record("Silent"));
    time.after(network.delay(BALANCER_ADDRESS, worker.address), () => {
      if (!this.#reaches(worker)) return;
      const process = this.#deps.processAt(worker.address);
      if (process === undefined || !process.alive) {
        if (network.absenceAt(worker.address) === "Refuses") record("Refused");
        return;
      }
      process.host.tell(() => {
        const { state } = process;
        record(state === "Ready" ? "Ready" : state === "Draining" ? "Draining" : "NotReady");
      });
    });
  }
}

function isInUse(worker: ModelWorker, stem: string): boolean {
  return worker.sessionsInUse?.isInUse(stem) ?? false;
}
