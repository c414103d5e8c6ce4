// ConfigMaps and Secrets from files, as one applies them or "kubectl get -o yaml" prints them.
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { TomcatClusterError } from "../base/index.ts";

/** Thrown for a file that has something else in it. */
export class ReferencedFileError extends TomcatClusterError {
  readonly code = "REFERENCED_FILE";
}

const texts = z.record(z.string(), z.string()).nullish();

const object = z.object({
  kind: z.enum(["ConfigMap", "Secret"]),
  metadata: z.object({ name: z.string(), namespace: z.string().optional() }),
  data: texts,
  binaryData: texts,
  /** Of a Secret, as one writes it: the API server turns it into data. */
  stringData: texts,
});

const list = z.object({ kind: z.literal("List"), items: z.array(object) });

export interface ReferencedObject {
  readonly kind: "ConfigMap" | "Secret";
  readonly name: string;
  /** Undefined: that of whoever names it. */
  readonly namespace: string | undefined;
  readonly data: Readonly<Record<string, string>>;
  readonly binaryData: Readonly<Record<string, string>>;
}

/** `file`: its name, for errors. Throws ReferencedFileError. */
export function parseReferencedFile(text: string, file: string): readonly ReferencedObject[] {
  const documents = parseAllDocuments(text);
  const [error] = documents.flatMap(({ errors }) => errors);
  if (error) throw new ReferencedFileError(`"${file}" is no YAML: ${error.message.split("\n", 1)[0]}`);
  const values = documents.map((document) => document.toJS({ maxAliasCount: 100 }) as unknown).filter((value) => value !== null);
  return values.flatMap((value) => {
    const parsed = z.union([object, list]).safeParse(value);
    if (!parsed.success) throw new ReferencedFileError(`"${file}" has something in it that is neither a ConfigMap nor a Secret`);
    return (parsed.data.kind === "List" ? parsed.data.items : [parsed.data]).map(referenced);
  });
}

function referenced({ kind, metadata, data, binaryData, stringData }: z.output<typeof object>): ReferencedObject {
  const encoded = Object.entries(stringData ?? {}).map(([name, text]) => [name, Buffer.from(text).toString("base64")]);
  const { name, namespace } = metadata;
  return { kind, name, namespace, data: { ...data, ...Object.fromEntries(encoded) }, binaryData: binaryData ?? {} };
}
