// The workers' pods, their StatefulSet, and the balancers' Deployment, as far as decisions depend on them.
import type { KubeObject } from "../../kube/index.ts";
import type { Component } from "../desired/index.ts";
import type { BalancerFacts } from "../status/find-state.ts";

export interface Pod extends KubeObject {
  readonly spec?: object;
  readonly status?: {
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly lastTransitionTime?: string | null }[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

interface ContainerStatus {
  readonly name: string;
  /** Without `running`, there is no process. */
  readonly state?: { readonly running?: { readonly startedAt?: string | null } };
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
  /** Its process is or was ready: there may be sessions that nobody else has, also while it is not ready. */
  readonly hasServed: boolean;
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
/** The container of the workers' process. */
const CONTAINER: Component = "worker";

export function workerPod(pod: Pod): WorkerPod {
  const { name, uid = "", labels = {}, deletionTimestamp } = pod.metadata;
  return {
    name,
    uid,
    ordinal: Number(name.slice(name.lastIndexOf("-") + 1)),
    revision: labels[REVISION_LABEL],
    isReady: readyCondition(pod)?.status === "True",
    hasServed: hasServed(pod),
    isTerminating: deletionTimestamp !== undefined,
    address: pod.status?.podIP,
  };
}

function readyCondition({ status }: Pod) {
  return status?.conditions?.find(({ type }) => type === "Ready");
}

/**
 * Of the process that runs now: one that ended took its sessions with it. It has been ready if the pod turned unready after it began; a pod
 * that never was ready has been unready since before its first process: a kubelet writes the status before it starts a container. Times are
 * whole seconds in UTC, written alike.
 */
function hasServed(pod: Pod): boolean {
  const ready = readyCondition(pod);
  if (ready === undefined || ready.status === "True") return ready !== undefined;
  const startedAt = pod.status?.containerStatuses?.find(({ name }) => name === CONTAINER)?.state?.running?.startedAt;
  return typeof startedAt === "string" && startedAt < (ready.lastTransitionTime ?? "");
}

export function workerSet({ metadata, spec, status = {} }: StatefulSet): WorkerSet {
  const isSeen = (status.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  return { replicas: spec.replicas ?? 1, updateRevision: isSeen ? status.updateRevision : undefined };
}

export function balancerFacts({ metadata, spec, status = {} }: Deployment): BalancerFacts {
  const wanted = spec.replicas ?? 1;
  const isSeen = (status.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  return { wanted, available: status.availableReplicas ?? 0, isUpdated: isSeen && (status.updatedReplicas ?? 0) >= wanted };
}
