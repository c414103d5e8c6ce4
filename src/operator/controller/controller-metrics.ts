// controller_runtime_* and workqueue_*: the names and labels that controller-runtime gives its metrics, so that dashboards fit (spec E).
import { type Clock, Counter, Gauge, Histogram, type Registry } from "../../base/index.ts";

const SECONDS_BUCKETS = [
  ...[0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2],
  ...[2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60],
];
/** From 10 ns by tens. */
const QUEUE_BUCKETS = Array.from({ length: 12 }, (_, power) => 10 ** (power - 8));

export type ReconcileOutcome = "success" | "error" | "requeue_after";

/** What a work queue tells about its time; read when the metrics are. */
export interface QueueTimes {
  readonly depth: number;
  /** Monotonic milliseconds at which the keys that are worked on were taken. */
  readonly startsMs: Iterable<number>;
}

/** One set a process: the names may stand in a registry once. Controllers are told apart by their names. */
export class ControllerMetrics {
  readonly reconciles: Counter<"controller" | "result">;
  readonly errors: Counter<"controller">;
  readonly terminalErrors: Counter<"controller">;
  readonly panics: Counter<"controller">;
  readonly timeouts: Counter<"controller">;
  readonly seconds: Histogram<"controller">;
  readonly maxConcurrent: Gauge<"controller">;
  readonly active: Gauge<"controller">;
  readonly #adds: Counter<"name" | "controller">;
  readonly #retries: Counter<"name" | "controller">;
  readonly #queueSeconds: Histogram<"name" | "controller">;
  readonly #workSeconds: Histogram<"name" | "controller">;
  readonly #queues = new Map<string, () => QueueTimes>();

  constructor(registry: Registry, clock: Clock) {
    const registers = [registry];
    const forController = (name: string, help: string) => ({
      name: `controller_runtime_${name}`,
      help,
      labelNames: ["controller"] as const,
      registers,
    });
    this.reconciles = new Counter({
      name: "controller_runtime_reconcile_total",
      help: "Total number of reconciliations per controller",
      labelNames: ["controller", "result"],
      registers,
    });
    this.errors = new Counter(forController("reconcile_errors_total", "Total number of reconciliation errors per controller"));
    this.terminalErrors = new Counter(
      forController("terminal_reconcile_errors_total", "Total number of terminal reconciliation errors per controller"),
    );
    this.panics = new Counter(forController("reconcile_panics_total", "Total number of reconciliation panics per controller"));
    this.timeouts = new Counter(forController("reconcile_timeouts_total", "Total number of reconciliation timeouts per controller"));
    this.seconds = new Histogram({
      ...forController("reconcile_time_seconds", "Length of time per reconciliation per controller"),
      buckets: SECONDS_BUCKETS,
    });
    this.maxConcurrent = new Gauge(forController("max_concurrent_reconciles", "Maximum number of concurrent reconciles per controller"));
    this.active = new Gauge(forController("active_workers", "Number of currently used workers per controller"));

    const forQueue = (name: string, help: string) => ({
      name: `workqueue_${name}`,
      help,
      labelNames: ["name", "controller"] as const,
      registers,
    });
    this.#adds = new Counter(forQueue("adds_total", "Total number of adds handled by workqueue"));
    this.#retries = new Counter(forQueue("retries_total", "Total number of retries handled by workqueue"));
    this.#queueSeconds = new Histogram({
      ...forQueue("queue_duration_seconds", "How long in seconds an item stays in workqueue before being requested"),
      buckets: QUEUE_BUCKETS,
    });
    this.#workSeconds = new Histogram({
      ...forQueue("work_duration_seconds", "How long in seconds processing an item from workqueue takes."),
      buckets: QUEUE_BUCKETS,
    });
    const queues = this.#queues;
    const collected = (name: string, help: string, value: (times: QueueTimes) => number) =>
      new Gauge({
        ...forQueue(name, help),
        collect() {
          for (const [queue, times] of queues) this.set({ name: queue, controller: queue }, value(times()));
        },
      });
    const ages = ({ startsMs }: QueueTimes) => Array.from(startsMs, (startMs) => (clock.monotonic() - startMs) / 1000);
    collected("depth", "Current depth of workqueue", ({ depth }) => depth);
    collected("unfinished_work_seconds", "How many seconds of work is in progress and not yet in work_duration.", (times) =>
      ages(times).reduce((sum, age) => sum + age, 0),
    );
    collected("longest_running_processor_seconds", "How many seconds the longest running processor has been running.", (times) =>
      Math.max(0, ...ages(times)),
    );
  }

  /** The counters of one queue, with their labels bound. */
  queue(name: string, times: () => QueueTimes) {
    this.#queues.set(name, times);
    const labels = { name, controller: name };
    return {
      adds: this.#adds.labels(labels),
      retries: this.#retries.labels(labels),
      queueSeconds: this.#queueSeconds.labels(labels),
      workSeconds: this.#workSeconds.labels(labels),
    };
  }
}
