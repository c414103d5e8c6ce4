// What a manifest names and somebody else owns: ConfigMaps and Secrets whose changes roll the pods.
import { hash } from "node:crypto";
import type { TomcatClusterManifest } from "../../api/index.ts";
import type { OwnServerXml, ReferenceDigests } from "./desired-inputs.ts";

export interface Reference {
  readonly kind: "ConfigMap" | "Secret";
  readonly name: string;
}

/** Of a ConfigMap or Secret, as the API has it. */
export interface ReferencedData {
  readonly data?: Readonly<Record<string, string>> | undefined;
  readonly binaryData?: Readonly<Record<string, string>> | undefined;
}

export interface ResolvedReferences {
  readonly digests: ReferenceDigests;
  /** The server.xml that the manifest names; undefined where it names none, or where there is none. */
  readonly serverXml: OwnServerXml | undefined;
  /** A sentence, where the named server.xml is not there. */
  readonly missing: string | undefined;
}

const DIGITS = 16;

/** `find`: what a reference names, or undefined where there is nothing. */
export function resolveReferences(
  cluster: Pick<TomcatClusterManifest, "spec">,
  find: (reference: Reference) => ReferencedData | undefined,
): ResolvedReferences {
  const digestOf = (references: readonly Reference[]) =>
    references.length === 0 ? "" : digest(references.map((one) => [one.kind, one.name, content(find(one))]));
  const digests = { workers: digestOf(workerReferences(cluster)), balancers: digestOf(balancerReferences(cluster)) };
  const named = cluster.spec?.configuration?.serverXml?.configMapKeyRef;
  if (named === undefined) return { digests, serverXml: undefined, missing: undefined };
  const file = `ConfigMap ${named.name}, key ${named.key}`;
  const text = find({ kind: "ConfigMap", name: named.name })?.data?.[named.key];
  return text === undefined
    ? { digests, serverXml: undefined, missing: `${file}: not found` }
    : { digests, serverXml: { file, text }, missing: undefined };
}

/** Without metadata: a label more rolls nobody. */
function content(object: ReferencedData | undefined): unknown {
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

type Spec = NonNullable<TomcatClusterManifest["spec"]>;

/** Read by workers, by kind and name, each once. */
export function workerReferences({ spec = {} }: Pick<TomcatClusterManifest, "spec">): readonly Reference[] {
  const serverXml = spec.configuration?.serverXml?.configMapKeyRef.name;
  const applications = (spec.applications ?? []).map(({ source }) => source?.configMap?.name);
  return distinct([...[serverXml, ...applications].flatMap((name) => reference("ConfigMap", name)), ...templateReferences(spec.template)]);
}

/** Read by balancers. */
export function balancerReferences({ spec = {} }: Pick<TomcatClusterManifest, "spec">): readonly Reference[] {
  return distinct(templateReferences(spec.balancer?.template));
}

function templateReferences({ env = [], volumes = [] }: Spec["template"] = {}): readonly Reference[] {
  return [
    ...env.flatMap(({ valueFrom }) => [
      ...reference("ConfigMap", valueFrom?.configMapKeyRef?.name),
      ...reference("Secret", valueFrom?.secretKeyRef?.name),
    ]),
    ...volumes.flatMap(({ configMap, secret }) => [...reference("ConfigMap", configMap?.name), ...reference("Secret", secret?.secretName)]),
  ];
}

function reference(kind: Reference["kind"], name: string | undefined): readonly Reference[] {
  return name === undefined ? [] : [{ kind, name }];
}

function distinct(references: readonly Reference[]): readonly Reference[] {
  const byText = new Map(references.map((one) => [`${one.kind}/${one.name}`, one]));
  return [...byText.keys()].toSorted().map((text) => byText.get(text)!);
}
