// Workers' pods as a reconcile sees them.
import type { WorkerPod } from "../../src/operator/observe/worker-pods.ts";

/** "shop-<ordinal>", ready and of revision "r1"; `isReady: false` alone is one that never was ready. */
export function podOf(ordinal: number, changes: Partial<WorkerPod> = {}): WorkerPod {
  const name = `shop-${ordinal}`;
  const { isReady = true } = changes;
  const pod = { name, uid: name, ordinal, revision: "r1", isReady, hasServed: isReady, isTerminating: false };
  return { ...pod, address: `192.0.2.${ordinal}`, ...changes };
}
