// EndpointSlices -> workers. Pure. What the fields mean: the API's reference of discovery.k8s.io/v1.
import type { AddressFamily } from "../../../base/index.ts";
import type { KubeObject } from "../../../kube-watch/index.ts";
import { MAX_WORKERS, WORKER_NAME, type WorkerDescription } from "./discovery.ts";

/** The fields that are looked at; any of them may be absent. */
export interface EndpointSlice extends KubeObject {
  readonly addressType?: string;
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[] | null;
  readonly endpoints?: readonly Endpoint[] | null;
}

interface Endpoint {
  /** All of them lead to the same; the first is to be used. */
  readonly addresses?: readonly string[];
  /** `ready` is never looked at: it is false of a pod that ends, and true of any pod where a Service publishes those that are not. */
  readonly conditions?: { readonly serving?: boolean; readonly terminating?: boolean };
  readonly targetRef?: { readonly kind?: string; readonly name?: string };
}

export interface EndpointChoice {
  /** Undefined: whichever a worker has; IPv4 of both. */
  readonly family: AddressFamily | undefined;
  /** Name of the port in the slices. */
  readonly portName: string;
}

export interface FoundWorkers {
  /** A name occurs once. */
  readonly workers: readonly WorkerDescription[];
  /** Pods whose names can be no routes. */
  readonly unusableNames: readonly string[];
}

/** All slices of one Service together: which pod is in which slice means nothing. */
export function findWorkers(slices: readonly EndpointSlice[], { family, portName }: EndpointChoice): FoundWorkers {
  if (family !== undefined) return findOfFamily(slices, { family, portName });
  const [four, six] = [findOfFamily(slices, { family: 4, portName }), findOfFamily(slices, { family: 6, portName })];
  const names = new Set(four.workers.map(({ name }) => name));
  return {
    workers: [...four.workers, ...six.workers.filter(({ name }) => !names.has(name))].slice(0, MAX_WORKERS),
    unusableNames: [...new Set([...four.unusableNames, ...six.unusableNames])],
  };
}

function findOfFamily(slices: readonly EndpointSlice[], { family, portName }: EndpointChoice): FoundWorkers {
  const workers = new Map<string, WorkerDescription>();
  const unusableNames: string[] = [];
  for (const { addressType, ports, endpoints } of slices) {
    const port = ports?.find(({ name }) => name === portName)?.port;
    if (addressType !== `IPv${family}` || port === undefined) continue;
    for (const endpoint of endpoints ?? []) {
      const name = podName(endpoint);
      const address = endpoint.addresses?.[0];
      // Absent means serving.
      if (name === undefined || address === undefined || endpoint.conditions?.serving === false) continue;
      if (!WORKER_NAME.test(name)) {
        unusableNames.push(name);
        continue;
      }
      const leaving = endpoint.conditions?.terminating === true;
      const found = { name, route: name, address, port, weight: 1, leaving, managementPort: undefined };
      const known = workers.get(name);
      if (known) workers.set(name, oneOf(known, found));
      else if (workers.size < MAX_WORKERS) workers.set(name, found);
    }
  }
  return { workers: [...workers.values()], unusableNames };
}

function podName({ targetRef }: Endpoint): string | undefined {
  return targetRef?.kind === "Pod" ? targetRef.name : undefined;
}

/**
 * A pod stands in two slices while it moves from one to the other, and one of them may tell an older state. Who begins to end does not stop
 * ending; at two places there are two pods, one after the other, and the one that ends is the older. Else any, but always the same.
 */
function oneOf(one: WorkerDescription, other: WorkerDescription): WorkerDescription {
  const isSamePlace = one.address === other.address && one.port === other.port;
  if (isSamePlace) return one.leaving ? one : other;
  if (one.leaving !== other.leaving) return one.leaving ? other : one;
  return `${one.address} ${one.port}` < `${other.address} ${other.port}` ? one : other;
}
