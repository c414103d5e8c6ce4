export {
  Controller,
  type ControllerOptions,
  type Reconcile,
  type ReconcileResult,
  TerminalReconcileError,
} from "./controller.ts";
export { ControllerMetrics } from "./controller-metrics.ts";
export { LeaderElector, type LeaderElectorOptions, LeadershipLostError } from "./leader-elector.ts";
export { WorkQueue, type WorkQueueOptions } from "./work-queue.ts";
