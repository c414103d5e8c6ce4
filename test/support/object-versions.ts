// What stands in an API server at a moment: whoever writes needlessly shows in the difference of two moments.
import { type KubeObject, RESOURCES } from "../../src/kube/index.ts";
import { TOMCAT_CLUSTERS, USUAL_KINDS } from "../../src/operator/apply/owned-kinds.ts";
import type { KubeTestClient } from "./kube-test-client.ts";

/** By "Service shop-workers": its uid and version. */
export type ObjectVersions = ReadonlyMap<string, string>;

const KINDS = { ...USUAL_KINDS, Secret: RESOURCES.Secret, TomcatCluster: TOMCAT_CLUSTERS };

/** Of all objects that an operator makes, and of TomcatClusters. */
export async function objectVersions({ client }: KubeTestClient, namespace: string): Promise<ObjectVersions> {
  const lists = await Promise.all(Object.values(KINDS).map((of) => client.list<KubeObject>(of, { namespace })));
  return new Map(lists.flat().map(({ kind, metadata }) => [`${kind} ${metadata.name}`, `${metadata.uid} ${metadata.resourceVersion}`]));
}

/** Names of what is new, other, or gone, sorted. */
export function changed(before: ObjectVersions, after: ObjectVersions): readonly string[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter((name) => before.get(name) !== after.get(name)).toSorted();
}
