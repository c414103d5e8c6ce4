// What a manifest names and somebody else owns: ConfigMaps and Secrets whose changes roll the pods.
import type { TomcatClusterManifest } from "../../api/index.ts";

export interface Reference {
  readonly kind: "ConfigMap" | "Secret";
  readonly name: string;
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
