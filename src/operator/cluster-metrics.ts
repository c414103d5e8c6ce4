// tomcatcluster_*: what the operator knows of its clusters: from their statuses when the metrics are read, and from what it hears between.
import type { ConditionType, TomcatClusterStatus } from "../api/index.ts";
import { type Clock, Gauge, Histogram, type Registry } from "../base/index.ts";
import { keyOf } from "../kube/index.ts";
import { INSTANCE_LABEL } from "./desired/index.ts";
import type { TomcatClusterObject } from "./observe/observer.ts";
import type { Pod } from "./observe/worker-pods.ts";
import type { NoAnswer, WorkerView } from "./observe/worker-view.ts";
import { distinctViews } from "./status/conditions.ts";

const STATUSES = ["True", "False", "Unknown"] as const;
const DRAIN_SECONDS = [1, 2, 5, 10, 15, 20, 30, 45, 60, 120, 300, 600];
const SESSIONS = [0, 10, 100, 1000, 10_000, 100_000];

/** What the ready workers of a cluster have told last. */
interface Told {
  readonly views: number;
  /** By worker: the sessions that it serves. */
  readonly sessions: ReadonlyMap<string, number>;
}

type Labels = Readonly<Record<"namespace" | "name", string>>;

/** One set a process: the names may stand in a registry once. */
export class ClusterMetrics {
  readonly #clock: Clock;
  readonly #drains: Histogram<"namespace" | "name">;
  readonly #sessions: Histogram<"namespace" | "name">;
  /** By the cluster's key. */
  readonly #told = new Map<string, Told>();

  /** `clusters`: all that there are now. */
  constructor(deps: { readonly registry: Registry; readonly clock: Clock }, clusters: () => Iterable<TomcatClusterObject>) {
    this.#clock = deps.clock;
    const registers = [deps.registry];
    this.#drains = new Histogram({
      name: "tomcatcluster_drain_duration_seconds",
      help: "From when a worker is told to leave until it is gone",
      labelNames: ["namespace", "name"],
      buckets: DRAIN_SECONDS,
      registers,
    });
    this.#sessions = new Histogram({
      name: "tomcatcluster_sessions_at_drain",
      help: "Sessions that a worker served when it was told to leave, as it said last",
      labelNames: ["namespace", "name"],
      buckets: SESSIONS,
      registers,
    });
    type Each = (metric: Gauge<string>, labels: Labels, object: TomcatClusterObject, status: TomcatClusterStatus) => void;
    const gauge = (name: string, help: string, labelNames: readonly string[], each: Each) =>
      new Gauge<string>({
        name: `tomcatcluster_${name}`,
        help,
        labelNames: ["namespace", "name", ...labelNames],
        registers,
        collect() {
          this.reset();
          for (const object of clusters()) each(this, labelsOf(object), object, object.status ?? {});
        },
      });
    gauge("info", "1, with the image of balancers and workers", ["image", "defaults_revision"], (metric, labels, _object, status) =>
      metric.set({ ...labels, image: status.image ?? "", defaults_revision: String(status.defaultsRevision ?? "") }, 1),
    );
    gauge(
      "status_condition",
      "1 for the status that a condition has, 0 for the others",
      ["type", "status"],
      (metric, labels, _, status) => {
        for (const condition of status.conditions ?? [])
          for (const one of STATUSES) metric.set({ ...labels, type: condition.type, status: one }, one === condition.status ? 1 : 0);
      },
    );
    gauge("workers", "Workers by state: desired, ready, updated, draining", ["state"], (metric, labels, { spec }, status) => {
      const { readyReplicas = 0, updatedReplicas = 0, members = [] } = status;
      metric.set({ ...labels, state: "desired" }, (spec as { replicas?: number } | undefined)?.replicas ?? 0);
      metric.set({ ...labels, state: "ready" }, readyReplicas);
      metric.set({ ...labels, state: "updated" }, updatedReplicas);
      metric.set({ ...labels, state: "draining" }, members.filter(({ state }) => state === "Draining").length);
    });
    gauge("membership_views", "Different views that ready workers have of their group; 1: they agree", [], (metric, labels, object) => {
      const told = this.#told.get(keyOf(object.metadata));
      if (told !== undefined) metric.set({ ...labels }, told.views);
    });
    gauge("paused", "1 while changes to the cluster wait", [], (metric, labels, _object, { conditions = [] }) => {
      const paused: ConditionType = "Paused";
      metric.set({ ...labels }, conditions.some(({ type, status }) => type === paused && status === "True") ? 1 : 0);
    });
  }

  /** What the ready workers of a cluster say now. */
  told(key: string, answers: readonly (WorkerView | NoAnswer)[]): void {
    const views = answers.filter((answer) => "sessions" in answer);
    const sessions = new Map(views.map(({ worker, sessions: served }) => [worker, served]));
    this.#told.set(key, { views: distinctViews(answers).size, sessions });
  }

  /** A worker's pod changed. */
  changed(pod: Pod, before: Pod): void {
    if (pod.metadata.deletionTimestamp === undefined || before.metadata.deletionTimestamp !== undefined) return;
    const cluster = clusterOf(pod);
    const sessions = cluster && this.#told.get(keyOf(cluster))?.sessions.get(pod.metadata.name);
    if (cluster && sessions !== undefined) this.#sessions.observe(cluster, sessions);
  }

  /** A worker's pod is gone. */
  gone({ metadata, ...pod }: Pod): void {
    const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = metadata;
    const cluster = clusterOf({ ...pod, metadata });
    if (cluster === undefined || deletionTimestamp === undefined) return;
    // The time stamp is the end of its grace, after which it is killed: what is later is our not having looked.
    const restSeconds = (Date.parse(deletionTimestamp) - this.#clock.now()) / 1000;
    const seconds = deletionGracePeriodSeconds - restSeconds;
    this.#drains.observe(cluster, Math.min(deletionGracePeriodSeconds, Math.max(0, seconds)));
  }

  /** The cluster is gone. */
  forget(key: string): void {
    this.#told.delete(key);
  }
}

function labelsOf({ metadata }: TomcatClusterObject): Labels {
  return { namespace: metadata.namespace ?? "", name: metadata.name };
}

function clusterOf({ metadata }: Pod): Labels | undefined {
  const name = metadata.labels?.[INSTANCE_LABEL];
  return name === undefined ? undefined : { namespace: metadata.namespace ?? "", name };
}
