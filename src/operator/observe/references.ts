// What the manifest names and somebody else owns: read anew each time. ConfigMaps are watched; Secrets are not the operator's to watch.
import { hash } from "node:crypto";
import type { TomcatCluster } from "../../api/index.ts";
import { type KubeClient, type KubeObject, RESOURCES } from "../../kube/index.ts";
import { balancerReferences, type OwnServerXml, type Reference, type ReferenceDigests, workerReferences } from "../desired/index.ts";

interface Data extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

export interface FoundReferences {
  readonly digests: ReferenceDigests;
  /** The server.xml that the manifest names; undefined where it names none, or where there is none. */
  readonly serverXml: OwnServerXml | undefined;
  /** A sentence, where the named server.xml is not there. */
  readonly missing: string | undefined;
}

const DIGITS = 16;

export async function readReferences(
  client: Pick<KubeClient, "find">,
  cluster: TomcatCluster,
  namespace: string,
  signal: AbortSignal,
): Promise<FoundReferences> {
  const [workers, balancers] = [workerReferences(cluster), balancerReferences(cluster)];
  const found = new Map<string, Data | undefined>();
  for (const { kind, name } of [...workers, ...balancers]) {
    const key = `${kind}/${name}`;
    if (!found.has(key)) found.set(key, await client.find<Data>(RESOURCES[kind], { namespace, name }, { signal }));
  }
  const digestOf = (references: readonly Reference[]) =>
    references.length === 0 ? "" : digest(references.map(({ kind, name }) => [kind, name, content(found.get(`${kind}/${name}`))]));
  return { digests: { workers: digestOf(workers), balancers: digestOf(balancers) }, ...serverXmlIn(cluster, found) };
}

function serverXmlIn({ spec }: TomcatCluster, found: ReadonlyMap<string, Data | undefined>) {
  const named = spec.configuration.serverXml?.configMapKeyRef;
  if (named === undefined) return { serverXml: undefined, missing: undefined };
  const file = `ConfigMap ${named.name}, key ${named.key}`;
  const text = found.get(`ConfigMap/${named.name}`)?.data?.[named.key];
  return text === undefined ? { serverXml: undefined, missing: `${file}: not found` } : { serverXml: { file, text }, missing: undefined };
}

/** Without metadata: a label more rolls nobody. */
function content(object: Data | undefined): unknown {
  return object === undefined ? null : [sorted(object.data), sorted(object.binaryData)];
}

function sorted(data: Readonly<Record<string, string>> = {}): unknown {
  return Object.keys(data)
    .toSorted()
    .map((name) => [name, data[name]]);
}

function digest(value: unknown): string {
  return hash("sha256", JSON.stringify(value)).slice(0, DIGITS);
}
