// The metrics of one process: a prom-client registry that components take by constructor. Bind labels once, never per event.
import { collectDefaultMetrics, Registry } from "prom-client";

export { Counter, Gauge, Histogram, Registry } from "prom-client";

/** The registry's metric of that name, made where there is none: several parts of one process count in one. */
export function sharedMetric<Metric extends object>(registry: Registry, name: string, make: () => Metric): Metric {
  return (registry.getSingleMetric(name) as Metric | undefined) ?? make();
}

/** A registry with the usual process_* and nodejs_* metrics, for a process; unit tests take a bare `new Registry()`. */
export function createProcessRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}
