// The metrics of one process: a prom-client registry that components take by constructor. Bind labels once, never per event.
import { collectDefaultMetrics, Registry } from "prom-client";

export { Counter, Gauge, Histogram, Registry } from "prom-client";

/** A registry with the usual process_* and nodejs_* metrics, for a process; unit tests take a bare `new Registry()`. */
export function createProcessRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}
