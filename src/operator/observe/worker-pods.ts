// The workers' pods and their StatefulSet, as far as decisions depend on them.
import type { KubeObject } from "../../kube/index.ts";

export interface Pod extends KubeObject {
  readonly spec?: object;
  readonly status?: {
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly started?: boolean; readonly restartCount?: number }[];
  };
}

export interface StatefulSet extends KubeObject {
  readonly spec: { readonly replicas?: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly updateRevision?: string;
  };
}

export interface Deployment extends KubeObject {
  readonly spec: { readonly replicas?: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
  };
}

/** One worker's pod. */
export interface WorkerPod {
  readonly name: string;
  readonly uid: string;
  readonly ordinal: number;
  /** Of the pod template that it was made of; undefined: the StatefulSet's controller has not said. */
  readonly revision: string | undefined;
  readonly isReady: boolean;
  readonly isTerminating: boolean;
  readonly address: string | undefined;
}

/** What the StatefulSet's controller has got to. */
export interface WorkerSet {
  /** Pods that it makes, 0 to this less one. */
  readonly replicas: number;
  /** Revision of the template as it is now; undefined while its controller has not looked at it yet. */
  readonly updateRevision: string | undefined;
}

const REVISION_LABEL = "controller-revision-hash";

export function workerPod(pod: Pod): WorkerPod {
  const { name, uid = "", labels = {}, deletionTimestamp } = pod.metadata;
  return {
    name,
    uid,
    ordinal: Number(name.slice(name.lastIndexOf("-") + 1)),
    revision: labels[REVISION_LABEL],
    isReady: (pod.status?.conditions ?? []).some(({ type, status }) => type === "Ready" && status === "True"),
    isTerminating: deletionTimestamp !== undefined,
    address: pod.status?.podIP,
  };
}

export function workerSet({ metadata, spec, status = {} }: StatefulSet): WorkerSet {
  const isSeen = (status.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  return { replicas: spec.replicas ?? 1, updateRevision: isSeen ? status.updateRevision : undefined };
}
