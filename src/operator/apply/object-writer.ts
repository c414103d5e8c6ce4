// Brings the API server's objects to what is desired: writes what differs, removes what is not wanted any more, and nothing else.
import { type CallOptions, isApiError, type KubeClient, type KubeObject, type ObjectRef } from "../../kube/index.ts";
import { INITIAL_BALANCERS, type KubernetesObject } from "../desired/index.ts";
import { FIELD_MANAGER, isControlledBy, withDigest } from "./applied-object.ts";
import { contains } from "./containment.ts";
import { resourceOf } from "./owned-kinds.ts";

/** Owns the number of balancers where the manifest does not say it, until an autoscaler or a person takes it over. */
const REPLICAS_MANAGER = `${FIELD_MANAGER}/initial-replicas`;

/** The objects that there are. */
export interface LiveObjects {
  find(kind: string, ref: ObjectRef, signal: AbortSignal): Promise<KubeObject | undefined>;
  /** All of this owner that are known without asking. */
  ownedBy(uid: string): readonly KubeObject[];
  /** Tells a newer state than may be known. */
  written(answer: KubeObject): void;
}

/** A desired object and what there is under its name. */
export interface Found {
  /** With its digest, as it is applied. */
  readonly applied: KubernetesObject;
  readonly live: KubeObject | undefined;
}

export interface Written {
  /** As the API server answered, in the order of writing. */
  readonly applied: readonly KubeObject[];
  readonly deleted: readonly KubeObject[];
}

type Client = Pick<KubeClient, "apply" | "delete">;

export async function findObjects(desired: readonly KubernetesObject[], live: LiveObjects, signal: AbortSignal): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (const object of desired) found.push({ applied: withDigest(object), live: await live.find(object.kind, object.metadata, signal) });
  return found;
}

/** Objects of others under names that we want: with one of them nothing is to be written at all, or pods would read what is not ours. */
export function clashesIn(found: readonly Found[], uid: string): readonly KubeObject[] {
  return found.flatMap(({ live }) => (live !== undefined && !isControlledBy(live, uid) ? [live] : []));
}

/** `uid`: of the owner. `found`: all that is wanted, without clashes. */
export async function writeObjects(
  client: Client,
  found: readonly Found[],
  live: LiveObjects,
  { uid, signal }: { readonly uid: string; readonly signal: AbortSignal },
): Promise<Written> {
  const applied: KubeObject[] = [];
  for (const one of found) {
    if (one.live !== undefined && contains(one.live, one.applied)) continue;
    const answer = await applyOne(client, one, { signal });
    live.written(answer);
    applied.push(answer);
  }
  return { applied, deleted: await prune(client, found, live, { uid, signal }) };
}

async function applyOne(client: Client, { applied, live }: Found, call: CallOptions): Promise<KubeObject> {
  const resource = resourceOf(applied.kind);
  // The first time without force: whoever made an object of this name since we looked owns fields of it, and keeps them.
  const apply = (object: KubernetesObject, force: boolean) =>
    client.apply<KubeObject>(resource, withUid(object, live), { ...call, fieldManager: FIELD_MANAGER, force });
  if (!leavesReplicas(applied)) return apply(applied, live !== undefined);
  const first = live ?? (await apply({ ...applied, spec: { ...applied.spec, replicas: INITIAL_BALANCERS } }, false));
  await keepReplicas(client, first, call);
  return apply(applied, true);
}

/** Not one that was made again under the name since. */
function withUid(object: KubernetesObject, live: KubeObject | undefined): KubeObject {
  const uid = live?.metadata.uid;
  return { ...object, metadata: { ...object.metadata, ...(uid !== undefined && { uid }) } } as KubeObject;
}

function leavesReplicas({ kind, spec }: KubernetesObject): boolean {
  return kind === "Deployment" && spec !== undefined && !("replicas" in spec);
}

/** A field that its only manager leaves out would go back to 1: another manager shares it before. */
async function keepReplicas(client: Client, live: KubeObject, call: CallOptions): Promise<void> {
  const { apiVersion, kind, metadata } = live;
  const { replicas } = (live as KubeObject & { readonly spec: { readonly replicas: number } }).spec;
  const object = { apiVersion, kind, metadata: { name: metadata.name, namespace: metadata.namespace }, spec: { replicas } };
  try {
    await client.apply(resourceOf(kind), object as KubeObject, { ...call, fieldManager: REPLICAS_MANAGER, force: false });
  } catch (error) {
    // Somebody else has set another number meanwhile, and holds it.
    if (!isApiError(error, "Conflict")) throw error;
  }
}

async function prune(
  client: Client,
  found: readonly Found[],
  live: LiveObjects,
  { uid, signal }: { readonly uid: string; readonly signal: AbortSignal },
): Promise<readonly KubeObject[]> {
  const wanted = new Set(found.map(({ applied: { kind, metadata } }) => `${kind}/${metadata.name}`));
  const deleted: KubeObject[] = [];
  for (const object of live.ownedBy(uid)) {
    const { kind, metadata } = object;
    if (wanted.has(`${kind}/${metadata.name}`) || metadata.deletionTimestamp !== undefined || !isControlledBy(object, uid)) continue;
    if (await client.delete(resourceOf(kind), metadata, { uid: metadata.uid, signal })) deleted.push(object);
  }
  return deleted;
}
