// What pods are made of that no manifest says and that versions of the operator may say differently, by revision.
import { NODE_FLAGS } from "../../base/index.ts";

/** A later difference that is no value of these is a further field: what it is in revision 1 is how pods have been until then. */
export interface Defaults {
  /** User and group of the containers: numbers, since an application's image may have root as its user, which "restricted" refuses. */
  readonly user: number;
  /** Of the memory limit, for V8's heap. The rest is for buffers, code and threads. */
  readonly heapShare: number;
  readonly nodeFlags: readonly string[];
  readonly startupProbe: ProbeTimes;
  readonly readinessProbe: ProbeTimes;
  /** Blocked for a minute is not dead. */
  readonly livenessProbe: ProbeTimes;
}

interface ProbeTimes {
  readonly periodSeconds: number;
  readonly timeoutSeconds?: number;
  readonly failureThreshold: number;
}

/**
 * From revision 1. An entry that clusters run is never changed, nor is anything else that changes their pods: those of every cluster would
 * be replaced when the operator is upgraded. A change is a further entry, which new clusters get, and others when updatePolicy.image is Automatic.
 */
export const DEFAULTS: readonly Defaults[] = [
  {
    user: 65_532,
    heapShare: 0.7,
    nodeFlags: NODE_FLAGS,
    startupProbe: { periodSeconds: 1, failureThreshold: 120 },
    readinessProbe: { periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 2 },
    livenessProbe: { periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
  },
];
