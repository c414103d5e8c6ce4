// All workers: takes them from discovery, keeps their states, and offers every change as a new snapshot.
import type { Clock, Lifecycle, Logger, Random } from "../../base/index.ts";
import type { Forwarder } from "../forward/forwarder.ts";
import type { Snapshot, Standing } from "../selection/snapshot.ts";
import type { Discovery, WorkerDescription } from "./discovery/discovery.ts";
import { HealthCheck } from "./health-check.ts";
import { SessionsInUse } from "./sessions-in-use.ts";
import { Worker, WorkerTraffic } from "./worker.ts";
import { type HealthResult, type HealthThresholds, WorkerHealth, type WorkerState } from "./worker-states.ts";

export interface HealthCheckSettings extends HealthThresholds {
  readonly enabled: boolean;
  readonly path: string;
  readonly port: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

export interface WorkerRegistryOptions {
  readonly healthCheck: HealthCheckSettings;
  /** How long a worker that refused a connection is left alone, unless its health check sees it sooner. */
  readonly errorRetryMs: number;
  /** A worker that is no longer listed goes when it is unusable, or after this time. */
  readonly removeAfterMs: number;
  /** Time without any request after which a draining worker closes its connectors. */
  readonly quietMs: number;
}

export interface WorkerRegistryDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly discovery: Discovery;
  readonly createForwarder: (description: WorkerDescription) => Forwarder;
}

/** A session leaves in half the time: no worker takes its pause between two requests for its end before the balancer does. */
const IN_USE_SHARE = 2;
const EMPTY_SNAPSHOT: Snapshot<Worker> = { tiers: [], byRoute: new Map() };

/** Which workers may be asked at all, best first: those that answered last time before those of which little good is known. */
const TIERS: readonly ((worker: Worker) => boolean)[] = [
  (worker) => worker.state === "Serving",
  (worker) => worker.state === "Unknown",
  (worker) => worker.state === "Draining",
  // Everybody is in error: forced recovery asks them all, rather than nobody until their retry time is over (balancer.md 2.2).
  (worker) => worker.state === "Error",
  // Its health check may be what is broken. A worker that itself says "not ready" is left alone.
  (worker) => worker.state === "NotReady" && !worker.health.saidNotReady,
];

export class WorkerRegistry implements Lifecycle {
  readonly #deps: WorkerRegistryDeps;
  readonly #options: WorkerRegistryOptions;
  readonly #workers = new Map<string, Worker>();
  /** Counters outlive a worker's change of address. */
  readonly #traffic = new Map<string, WorkerTraffic>();
  #snapshot = EMPTY_SNAPSHOT;
  /** Hears which workers there are, after every change. Set once before `start`. */
  onWorkers: (names: ReadonlySet<string>) => void = () => undefined;

  constructor(deps: WorkerRegistryDeps, options: WorkerRegistryOptions) {
    this.#deps = deps;
    this.#options = options;
    deps.discovery.onWorkers = (workers) => this.#update(workers);
  }

  get snapshot(): Snapshot<Worker> {
    return this.#snapshot;
  }

  get workers(): IterableIterator<Worker> {
    return this.#workers.values();
  }

  get hasServing(): boolean {
    return this.#snapshot.tiers[0]?.[0]?.state === "Serving";
  }

  /** Whether discovery hears of the workers now; else those that it knew last are what there is. */
  get isDiscoveryUp(): boolean {
    return this.#deps.discovery.isUp;
  }

  start(): Promise<void> {
    return this.#deps.discovery.start();
  }

  async stop(): Promise<void> {
    await this.#deps.discovery.stop();
    for (const worker of [...this.#workers.values()]) this.#remove(worker, "The balancer stops");
  }

  /** It refused a connection that was asked for at `sentMs`: nobody else gets it for a while, unless it has answered since. */
  requestRefused(worker: Worker, error: Error, sentMs: number): void {
    worker.traffic.refused++;
    if (this.#workers.get(worker.name) !== worker) return;
    const before = worker.state;
    worker.lastError = error.message;
    if (!worker.health.recordRefusedRequest() && !worker.health.hasAnsweredSince(sentMs)) this.#leaveAlone(worker);
    this.#stateMayHaveChanged(worker, before);
  }

  /**
   * An answer came from a worker that had failed: a client whose answer comes after all must not be sent elsewhere with its next
   * request (rule 17). `wasUsable`: the worker was, when it got the request.
   */
  answeredAfterFailure(worker: Worker, { wasUsable }: { readonly wasUsable: boolean }): void {
    const before = worker.state;
    worker.errorTimer?.cancel();
    worker.errorSinceMs = undefined;
    if (wasUsable) worker.health.answeredLate();
    this.#stateMayHaveChanged(worker, before);
  }

  /** Something hints that its state has changed: a lost connection, an answer with Connection: close. */
  checkSoon(worker: Worker): void {
    worker.healthCheck?.checkSoon();
  }

  #update(descriptions: readonly WorkerDescription[]): void {
    const listed = new Set<string>();
    let changed = false;
    for (const description of descriptions) {
      listed.add(description.name);
      const known = this.#workers.get(description.name);
      if (known && known.address === description.address && known.port === description.port && known.route === description.route) {
        known.unlistedTimer?.cancel();
        known.unlistedTimer = undefined;
        changed ||= known.weight !== description.weight;
        known.weight = description.weight;
        const before = known.state;
        known.leaving = description.leaving;
        this.#stateMayHaveChanged(known, before);
        continue;
      }
      if (known) this.#remove(known, "It has another address");
      this.#add(description);
      changed = true;
    }
    for (const worker of [...this.#workers.values()]) {
      if (listed.has(worker.name)) continue;
      worker.unlistedTimer ??= this.#deps.clock.setTimeout(() => {
        this.#removeUnlisted(worker);
        this.#rebuild();
      }, this.#options.removeAfterMs);
      changed = this.#removeIfGone(worker) || changed;
    }
    if (changed) this.#rebuild();
  }

  #add(description: WorkerDescription): void {
    const { clock, random, logger } = this.#deps;
    const { healthCheck } = this.#options;
    const traffic = this.#traffic.get(description.name) ?? new WorkerTraffic();
    this.#traffic.set(description.name, traffic);
    const worker = new Worker(
      description,
      this.#deps.createForwarder(description),
      new WorkerHealth(healthCheck, healthCheck.enabled),
      traffic,
    );
    this.#workers.set(worker.name, worker);
    logger.info({ worker: worker.name, address: worker.address, port: worker.port }, "Worker found");
    this.#stateMayHaveChanged(worker, worker.health.state);
    if (!healthCheck.enabled) return;
    const options = { ...healthCheck, address: worker.address, port: description.managementPort ?? healthCheck.port };
    worker.healthCheck = new HealthCheck({ clock, random }, options, (result, startedMs, error) =>
      this.#healthChecked(worker, result, startedMs, error),
    );
    worker.healthCheck.start();
  }

  #leaveAlone(worker: Worker): void {
    const sinceMs = this.#deps.clock.monotonic();
    worker.errorSinceMs = sinceMs;
    worker.errorTimer?.cancel();
    worker.errorTimer = this.#deps.clock.setTimeout(() => {
      if (worker.errorSinceMs !== sinceMs) return;
      worker.errorSinceMs = undefined;
      this.#stateMayHaveChanged(worker, "Error");
    }, this.#options.errorRetryMs);
  }

  #healthChecked(worker: Worker, result: HealthResult, startedMs: number, error: Error | undefined): void {
    const before = worker.state;
    worker.traffic.healthChecked(result);
    worker.health.record(result, startedMs);
    if (error) worker.lastError = error.message;
    // A check that was asked before the connection was refused says nothing about what came after.
    if (result === "Ready" && worker.errorSinceMs !== undefined && startedMs > worker.errorSinceMs) worker.errorSinceMs = undefined;
    this.#stateMayHaveChanged(worker, before);
  }

  #stateMayHaveChanged(worker: Worker, before: WorkerState): void {
    if (this.#workers.get(worker.name) !== worker) return;
    const { state } = worker;
    if (state === "Draining") worker.sessionsInUse ??= new SessionsInUse(this.#deps.clock, this.#options.quietMs / IN_USE_SHARE);
    else if (state !== "Error") worker.sessionsInUse = undefined;
    if (state !== before) {
      const level = state === "Error" || state === "NotReady" ? "warn" : "info";
      this.#deps.logger[level]({ worker: worker.name, state, before, reason: worker.lastError }, "Worker changed its state");
    }
    if (state === "Serving") worker.lastError = undefined;
    if (this.#removeIfGone(worker) || state !== before) this.#rebuild();
  }

  /** Rule 2: not being listed alone removes nobody who still answers, for a while. */
  #removeIfGone(worker: Worker): boolean {
    if (worker.unlistedTimer === undefined) return false;
    const unusable = worker.state === "NotReady" || worker.state === "Error" || worker.healthCheck === undefined;
    if (unusable) this.#removeUnlisted(worker);
    return unusable;
  }

  #removeUnlisted(worker: Worker): void {
    this.#remove(worker, "Discovery no longer lists it");
    this.#traffic.delete(worker.name);
  }

  #remove(worker: Worker, reason: string): void {
    this.#workers.delete(worker.name);
    worker.healthCheck?.stop();
    worker.errorTimer?.cancel();
    worker.unlistedTimer?.cancel();
    worker.forwarder.close();
    this.#deps.logger.info({ worker: worker.name, address: worker.address, reason }, "Worker removed");
  }

  #rebuild(): void {
    const tiers = TIERS.map((belongs) => [...this.#workers.values()].filter(belongs)).filter((members) => members.length > 0);
    const byRoute = new Map<string, Standing<Worker>>();
    for (const worker of this.#workers.values()) {
      const tier = tiers.findIndex((members) => members.includes(worker));
      byRoute.set(worker.route, { candidate: worker, tier, draining: worker.state === "Draining" });
    }
    this.#snapshot = { tiers, byRoute };
    this.onWorkers(new Set(this.#workers.keys()));
  }
}
