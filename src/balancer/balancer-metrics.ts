// The balancer's metrics: plain numbers while requests run, told to Prometheus when it asks (names: balancer.md 6).
import { Counter, Gauge, Histogram, type Registry } from "../base/index.ts";
import { STICKY_RESULTS, type StickyResult } from "./selection/select-worker.ts";
import type { Worker } from "./workers/worker.ts";
import { WORKER_STATES } from "./workers/worker-states.ts";

/** Why a request was sent again. `Idle`: on a fresh connection to the same worker, which had closed the idle one. */
export const RETRY_REASONS = ["Refused", "Lost", "Idle", "Unresponsive"] as const;
export type RetryReason = (typeof RETRY_REASONS)[number];

/** How a request ended that got no answer of a worker's, or not all of it. */
export const OWN_OUTCOMES = [
  "ClientGone",
  "Cut",
  "NoWorker",
  "WorkerLost",
  "BadAnswer",
  "AnswerTimeout",
  "BodyTimeout",
  "Unsendable",
  "Stopping",
] as const;
export type OwnOutcome = (typeof OWN_OUTCOMES)[number];

const PREFIX = "tomcatcluster_balancer_";
const SECONDS_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export interface BalancerMetricsSources {
  readonly workers: () => Iterable<Worker>;
  readonly requestsInFlight: () => number;
  readonly clientConnections: () => number;
  readonly isDiscoveryUp: () => boolean;
}

export class BalancerMetrics {
  readonly sticky: Record<StickyResult, number> = zeros(STICKY_RESULTS);
  readonly retries: Record<RetryReason, number> = zeros(RETRY_REASONS);
  readonly outcomes: Record<OwnOutcome, number> = zeros(OWN_OUTCOMES);
  /** Requests that the gate refused, by its reasons, a fixed list. */
  readonly refused = new Map<string, number>();
  readonly #seconds: Histogram<"worker">;
  readonly #observers = new Map<string, (seconds: number) => void>();

  constructor(registry: Registry, sources: BalancerMetricsSources) {
    const registers = [registry];
    this.#seconds = new Histogram({
      name: `${PREFIX}request_seconds`,
      help: "Time from the head of a request to the end of its answer",
      labelNames: ["worker"],
      buckets: SECONDS_BUCKETS,
      registers,
    });
    const counter = <L extends string>(name: string, help: string, labelNames: readonly L[], collect: (counter: Counter<L>) => void) =>
      new Counter<L>({
        name: PREFIX + name,
        help,
        labelNames,
        registers,
        collect() {
          this.reset();
          collect(this);
        },
      });
    const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[], collect: (gauge: Gauge<L>) => void) =>
      new Gauge<L>({
        name: PREFIX + name,
        help,
        labelNames,
        registers,
        collect() {
          this.reset();
          collect(this);
        },
      });
    const { workers } = sources;
    counter("requests_total", "Answers of workers that were passed on", ["worker", "code"], (metric) => {
      for (const { name, traffic } of workers())
        for (const [code, count] of traffic.answers) metric.inc({ worker: name, code: String(code) }, count);
    });
    counter("elected_total", "Requests given to a worker, repeats included", ["worker"], (metric) => {
      for (const { name, traffic } of workers()) metric.inc({ worker: name }, traffic.elected);
    });
    counter("connections_refused_total", "Connections that a worker refused", ["worker"], (metric) => {
      for (const { name, traffic } of workers()) metric.inc({ worker: name }, traffic.refused);
    });
    counter("connections_lost_total", "Connections that ended before the answer did", ["worker"], (metric) => {
      for (const { name, traffic } of workers()) metric.inc({ worker: name }, traffic.lost);
    });
    counter("bytes_in_total", "Bytes of request bodies, from clients to a worker", ["worker"], (metric) => {
      for (const { name, traffic } of workers()) metric.inc({ worker: name }, traffic.requestBodyBytes);
    });
    counter("bytes_out_total", "Bytes of response bodies, from a worker to clients", ["worker"], (metric) => {
      for (const { name, traffic } of workers()) metric.inc({ worker: name }, traffic.responseBodyBytes);
    });
    counter("sticky_total", "Choices of a worker by what the session id said", ["result"], (metric) => {
      for (const result of STICKY_RESULTS) metric.inc({ result: result.toLowerCase() }, this.sticky[result]);
    });
    counter("retries_total", "Requests sent again", ["reason"], (metric) => {
      for (const reason of RETRY_REASONS) metric.inc({ reason: reason.toLowerCase() }, this.retries[reason]);
    });
    counter("failed_total", "Requests that ended without the whole answer of a worker", ["outcome"], (metric) => {
      for (const outcome of OWN_OUTCOMES) metric.inc({ outcome }, this.outcomes[outcome]);
    });
    counter("refused_total", "Requests that were not forwarded because of what they are", ["reason"], (metric) => {
      for (const [reason, count] of this.refused) metric.inc({ reason }, count);
    });
    counter("healthcheck_total", "Health checks by what they found", ["worker", "result"], (metric) => {
      for (const { name, traffic } of workers())
        for (const [result, count] of traffic.healthChecks) metric.inc({ worker: name, result: result.toLowerCase() }, count);
    });
    gauge("inflight", "Requests that a worker is answering", ["worker"], (metric) => {
      for (const { name, traffic } of workers()) metric.set({ worker: name }, traffic.inFlight);
    });
    gauge("worker_up", "1 while a worker takes requests", ["worker"], (metric) => {
      for (const { name, state } of workers()) metric.set({ worker: name }, state === "Serving" ? 1 : 0);
    });
    gauge("worker_state", "1 for the state that a worker is in", ["worker", "state"], (metric) => {
      for (const worker of workers())
        for (const state of WORKER_STATES) metric.set({ worker: worker.name, state }, worker.state === state ? 1 : 0);
    });
    gauge("pool_connections", "Connections to a worker", ["worker", "state"], (metric) => {
      for (const { name, forwarder } of workers()) {
        metric.set({ worker: name, state: "idle" }, forwarder.idleConnections);
        metric.set({ worker: name, state: "active" }, forwarder.activeConnections);
      }
    });
    gauge("requests_in_flight", "Requests of clients that are not yet answered", [], (metric) => metric.set(sources.requestsInFlight()));
    gauge("client_connections", "Connections of clients", [], (metric) => metric.set(sources.clientConnections()));
    gauge("discovery_up", "1 while DNS or the API server tells where workers are, 0 while those known last are used", [], (metric) =>
      metric.set(sources.isDiscoveryUp() ? 1 : 0),
    );
  }

  answered(worker: Worker, seconds: number): void {
    let observe = this.#observers.get(worker.name);
    if (!observe) {
      observe = this.#seconds.labels(worker.name).observe;
      this.#observers.set(worker.name, observe);
    }
    observe(seconds);
  }

  /** Forgets workers that are not among these. */
  retain(names: ReadonlySet<string>): void {
    for (const name of this.#observers.keys()) {
      if (names.has(name)) continue;
      this.#observers.delete(name);
      this.#seconds.remove(name);
    }
  }

  gateRefused(reason: string): void {
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
  }
}

function zeros<K extends string>(keys: readonly K[]): Record<K, number> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;
}
