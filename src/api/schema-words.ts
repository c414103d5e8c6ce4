// Schemas and values in words, for messages to the author of a manifest.

/** The part of JSON Schema that zod makes of the manifest's schema. */
export interface JsonSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly additionalProperties?: JsonSchema;
  readonly maxProperties?: number;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-list-type"?: string;
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
}

const MAX_QUOTED = 80;

export function schemaAt(root: JsonSchema, path: readonly PropertyKey[]): JsonSchema | undefined {
  let schema: JsonSchema | undefined = root;
  for (const step of path)
    schema = typeof step === "number" ? schema?.items : (schema?.properties?.[String(step)] ?? schema?.additionalProperties);
  return schema;
}

export function fieldsOf(schema: JsonSchema | undefined): readonly string[] {
  return Object.keys(schema?.properties ?? {});
}

/** "a whole number from 0 to 100" */
export function describeSchema(schema: JsonSchema | undefined): string {
  if (schema === undefined) return "something else";
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.length === 1 ? JSON.stringify(schema.enum[0]) : `one of ${schema.enum.join(", ")}`;
  if (schema["x-kubernetes-int-or-string"] === true) return "a quantity such as 500m, 2 or 1Gi";
  switch (schema.type) {
    case "integer":
      return `a whole number from ${schema.minimum} to ${schema.maximum}`;
    case "number":
      return `a number above ${schema.exclusiveMinimum ?? schema.minimum} up to ${schema.maximum}`;
    case "boolean":
      return "true or false";
    case "string":
      return schema.maxLength === undefined ? "text" : `text of ${schema.minLength ?? 0} to ${schema.maxLength} characters`;
    case "array":
      return `a list of ${schema.minItems ?? 0} to ${schema.maxItems} entries`;
    default:
      if (schema.properties === undefined) return `an object of at most ${schema.maxProperties} fields`;
      return `an object with the fields ${fieldsOf(schema).join(", ")}`;
  }
}

export function describeFound(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length} entries`;
  if (typeof value === "object" && value !== null) return "an object";
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
}
