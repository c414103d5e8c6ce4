// tomcatcluster_*: what the operator knows of its clusters, read from their statuses when the metrics are.
import type { ConditionType, TomcatClusterStatus } from "../api/index.ts";
import { Gauge, type Registry } from "../base/index.ts";
import type { TomcatClusterObject } from "./observe/observer.ts";

const STATUSES = ["True", "False", "Unknown"] as const;

/** `clusters`: all that there are now. */
export function registerClusterMetrics(registry: Registry, clusters: () => Iterable<TomcatClusterObject>): void {
  const registers = [registry];
  const each = (visit: (status: TomcatClusterStatus, labels: { namespace: string; name: string }, object: TomcatClusterObject) => void) => {
    for (const object of clusters()) {
      const { namespace = "", name } = object.metadata;
      visit(object.status ?? {}, { namespace, name }, object);
    }
  };
  new Gauge({
    name: "tomcatcluster_status_condition",
    help: "1 for the status that a condition has, 0 for the others",
    labelNames: ["namespace", "name", "type", "status"],
    registers,
    collect() {
      this.reset();
      each(({ conditions = [] }, labels) => {
        for (const { type, status } of conditions)
          for (const one of STATUSES) this.set({ ...labels, type, status: one }, one === status ? 1 : 0);
      });
    },
  });
  new Gauge({
    name: "tomcatcluster_workers",
    help: "Workers by state: desired, ready, updated, draining",
    labelNames: ["namespace", "name", "state"],
    registers,
    collect() {
      this.reset();
      each(({ readyReplicas = 0, updatedReplicas = 0, members = [] }, labels, { spec }) => {
        this.set({ ...labels, state: "desired" }, (spec as { replicas?: number } | undefined)?.replicas ?? 0);
        this.set({ ...labels, state: "ready" }, readyReplicas);
        this.set({ ...labels, state: "updated" }, updatedReplicas);
        this.set({ ...labels, state: "draining" }, members.filter(({ state }) => state === "Draining").length);
      });
    },
  });
  new Gauge({
    name: "tomcatcluster_paused",
    help: "1 while changes to the cluster wait",
    labelNames: ["namespace", "name"],
    registers,
    collect() {
      this.reset();
      const paused: ConditionType = "Paused";
      each(({ conditions = [] }, labels) =>
        this.set(labels, conditions.some(({ type, status }) => type === paused && status === "True") ? 1 : 0),
      );
    },
  });
}
