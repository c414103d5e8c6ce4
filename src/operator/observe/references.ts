// What the manifest names and somebody else owns: read anew each time. ConfigMaps are watched; Secrets are not the operator's to watch.
import type { TomcatCluster } from "../../api/index.ts";
import { type KubeClient, type KubeObject, RESOURCES } from "../../kube/index.ts";
import {
  balancerReferences,
  type Reference,
  type ReferencedData,
  type ResolvedReferences,
  resolveReferences,
  workerReferences,
} from "../desired/index.ts";

export async function readReferences(
  client: Pick<KubeClient, "find">,
  cluster: TomcatCluster,
  namespace: string,
  signal: AbortSignal,
): Promise<ResolvedReferences> {
  const found = new Map<string, ReferencedData | undefined>();
  for (const { kind, name } of [...workerReferences(cluster), ...balancerReferences(cluster)]) {
    const key = keyOf({ kind, name });
    if (!found.has(key)) found.set(key, await client.find<KubeObject & ReferencedData>(RESOURCES[kind], { namespace, name }, { signal }));
  }
  return resolveReferences(cluster, (reference) => found.get(keyOf(reference)));
}

function keyOf({ kind, name }: Reference): string {
  return `${kind}/${name}`;
}
