// An object from anywhere -> TomcatCluster with defaults, or every reason why not.
import { z } from "zod";
import { closestName } from "../base/index.ts";
import { laterField, laterValue } from "./later.ts";
import { ManifestError, type ManifestProblem } from "./manifest-error.ts";
import { describeFound, describeSchema, fieldsOf, type JsonSchema, schemaAt } from "./schema-words.ts";
import { type TomcatCluster, tomcatClusterSchema } from "./tomcat-cluster.ts";
import { TOMCAT_CLUSTER_RULES } from "./tomcat-cluster-rules.ts";

/** Fields of ObjectMeta (Kubernetes API reference), which the API server looks after. */
const METADATA_FIELDS = (
  "annotations creationTimestamp deletionGracePeriodSeconds deletionTimestamp finalizers generateName generation labels " +
  "managedFields name namespace ownerReferences resourceVersion selfLink uid"
).split(" ");
const MAX_PROBLEMS = 50;

const jsonSchema = z.toJSONSchema(tomcatClusterSchema, { io: "input" }) as JsonSchema;

/** Throws ManifestError with every problem. `source` names the manifest in it; default: its metadata.name. */
export function parseTomcatCluster(document: unknown, source: string = nameOf(document)): TomcatCluster {
  const problems: ManifestProblem[] = [];
  const result = tomcatClusterSchema.safeParse(document, { reportInput: true });
  if (!result.success) problems.push(...result.error.issues.map(toProblem));
  collectUnknownFields(jsonSchema, document, [], problems);
  if (result.success) problems.push(...brokenRules(result.data), ...brokenFilters(result.data));
  collectRepeatedEntries(jsonSchema, document, [], problems);
  if (problems.length > 0 || !result.success) throw new ManifestError(source, problems.slice(0, MAX_PROBLEMS));
  return result.data;
}

function nameOf(document: unknown): string {
  const name = isObject(document) && isObject(document.metadata) ? document.metadata.name : undefined;
  return typeof name === "string" ? name : "without a name";
}

function toProblem(issue: z.core.$ZodIssue): ManifestProblem {
  const { path, input } = issue;
  const schema = schemaAt(jsonSchema, path);
  const later = laterValue(path, input);
  if (later !== undefined) return { path, message: later };
  const expected = issue.code === "invalid_format" ? issue.message : `expected ${describeSchema(schema)}`;
  if (input === undefined) return { path, message: `it is missing, ${expected}` };
  const near = typeof input === "string" && schema?.enum ? closestName(input, schema.enum.map(String)) : undefined;
  return { path, message: `found ${describeFound(input)}, ${expected}${near === undefined ? "" : `; did you mean "${near}"?`}` };
}

function brokenRules(cluster: TomcatCluster): ManifestProblem[] {
  return TOMCAT_CLUSTER_RULES.flatMap(({ path, message, holds }) =>
    placesAt(cluster, path)
      .filter((place) => !holds(place.value))
      .map((place) => ({ path: place.path, message })),
  );
}

interface Place {
  readonly path: readonly PropertyKey[];
  readonly value: unknown;
}

/** What lies at a rule's path: one value, none where an optional field is unset, several where the path leads through lists. */
function placesAt(cluster: TomcatCluster, path: readonly string[]): readonly Place[] {
  return path.reduce<readonly Place[]>((places, step) => places.flatMap((place) => stepInto(place, step)), [{ path: [], value: cluster }]);
}

function stepInto({ path, value }: Place, step: string): readonly Place[] {
  if (step === "[]") return Array.isArray(value) ? value.map((entry, index) => ({ path: [...path, index], value: entry })) : [];
  const child = isObject(value) ? value[step] : undefined;
  return child === undefined ? [] : [{ path: [...path, step], value: child }];
}

function brokenFilters({ spec }: TomcatCluster): ManifestProblem[] {
  return (spec.replication.filter ?? []).flatMap((filter, index) => {
    const reason = filterProblem(filter);
    return reason === undefined ? [] : [{ path: ["spec", "replication", "filter", index], message: `found "${filter}", ${reason}` }];
  });
}

/** "${" would be taken for a placeholder in the workers' server.xml. */
function filterProblem(filter: string): string | undefined {
  if (filter.includes("${")) return 'which contains "${": write "\\$\\{" for these characters';
  try {
    new RegExp(filter);
    return undefined;
  } catch (error) {
    return `which is not a regular expression: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function collectUnknownFields(
  schema: JsonSchema | undefined,
  value: unknown,
  path: readonly PropertyKey[],
  problems: ManifestProblem[],
): void {
  if (Array.isArray(value)) {
    for (const [index, entry] of value.entries()) collectUnknownFields(schema?.items, entry, [...path, index], problems);
    return;
  }
  if (!isObject(value)) return;
  if (schema?.properties === undefined) {
    for (const [name, child] of Object.entries(value)) collectUnknownFields(schema?.additionalProperties, child, [...path, name], problems);
    return;
  }
  const isMetadata = path.length === 1 && path[0] === "metadata";
  const known = isMetadata ? METADATA_FIELDS : [...fieldsOf(schema), ...(path.length === 0 ? ["status"] : [])];
  for (const [name, child] of Object.entries(value)) {
    const childPath = [...path, name];
    if (known.includes(name)) collectUnknownFields(schema.properties[name], child, childPath, problems);
    else problems.push({ path: childPath, message: laterField(childPath) ?? unknownField(name, known) });
  }
}

function unknownField(name: string, known: readonly string[]): string {
  const near = closestName(name, known);
  return `unknown field${near === undefined ? "" : ` (did you mean "${near}"?)`}; known: ${known.join(", ")}`;
}

/** Entries of a list with the same keys, which the API server refuses too. */
function collectRepeatedEntries(
  schema: JsonSchema | undefined,
  value: unknown,
  path: readonly PropertyKey[],
  problems: ManifestProblem[],
): void {
  if (Array.isArray(value)) {
    const seen = new Map<string, number>();
    for (const [index, entry] of value.entries()) {
      const key = entryKey(schema, entry);
      const first = key === undefined ? undefined : seen.get(key);
      if (first !== undefined) problems.push({ path: [...path, index], message: `${key} stands in entry ${first} already` });
      else if (key !== undefined) seen.set(key, index);
      collectRepeatedEntries(schema?.items, entry, [...path, index], problems);
    }
  } else if (isObject(value)) {
    for (const [name, child] of Object.entries(value)) collectRepeatedEntries(schema?.properties?.[name], child, [...path, name], problems);
  }
}

function entryKey(schema: JsonSchema | undefined, entry: unknown): string | undefined {
  if (schema?.["x-kubernetes-list-type"] === "set") return describeFound(entry);
  const keys = schema?.["x-kubernetes-list-map-keys"];
  if (keys === undefined || !isObject(entry)) return undefined;
  return keys.map((key) => `${key} ${describeFound(entry[key] ?? schema?.items?.properties?.[key]?.default)}`).join(", ");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
