// JSON Schema as zod writes it -> structural schema of a CRD (Kubernetes: "Specifying a structural schema").

/** One node of either; only the fields that this conversion looks at. */
export interface SchemaNode {
  readonly [keyword: string]: unknown;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly additionalProperties?: SchemaNode;
  readonly required?: readonly string[];
  readonly description?: string;
}

const PRESERVE = "x-kubernetes-preserve-unknown-fields";
const INT_OR_STRING = "x-kubernetes-int-or-string";

/**
 * Objects list their fields or are maps, never both; free-form parts say only that they are; a quantity is an int-or-string with the
 * limits of its text, which a structural schema may say beside it. Defaults are complete.
 */
export function structuralSchema(node: SchemaNode): SchemaNode {
  if (node[PRESERVE] === true) return { ...described(node), type: "object", maxProperties: node.maxProperties, [PRESERVE]: true };
  if (node[INT_OR_STRING] === true) return { ...described(node), ...textLimits(node), [INT_OR_STRING]: true };
  const { properties, items, additionalProperties, $schema: _, ...rest } = node;
  return {
    ...rest,
    ...(rest.default !== undefined && { default: withDefaultsInside(node, rest.default) }),
    ...(items && { items: structuralSchema(items) }),
    ...(properties
      ? { properties: Object.fromEntries(Object.entries(properties).map(([name, child]) => [name, structuralSchema(child)])) }
      : additionalProperties && { additionalProperties: structuralSchema(additionalProperties) }),
  };
}

/** The API server checks its rules against a default as it is written, without the defaults of the fields inside. */
function withDefaultsInside({ properties }: SchemaNode, value: unknown): unknown {
  if (properties === undefined || !isObject(value)) return value;
  const fields = Object.entries(properties).map(([name, child]) => {
    const field = value[name] ?? child.default;
    return [name, field === undefined ? undefined : withDefaultsInside(child, field)] as const;
  });
  return Object.fromEntries(fields.filter(([, field]) => field !== undefined));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function described({ description, default: fallback }: SchemaNode): SchemaNode {
  return { ...(description !== undefined && { description }), ...(fallback !== undefined && { default: fallback }) };
}

function textLimits(node: SchemaNode): SchemaNode {
  const alternatives = Array.isArray(node.anyOf) ? (node.anyOf as readonly SchemaNode[]) : [];
  const text = alternatives.find(({ type }) => type === "string");
  return { maxLength: text?.maxLength, pattern: text?.pattern };
}

/** The same schema with rules of CEL at their places; "[]" stands for the entries of a list. Throws when there is no such place. */
export function withValidations(
  root: SchemaNode,
  rules: readonly { readonly path: readonly string[]; readonly cel: string; readonly message: string }[],
): SchemaNode {
  return rules.reduce((schema, { path, cel, message }) => withValidation(schema, path, { rule: cel, message }), root);
}

function withValidation(node: SchemaNode | undefined, path: readonly string[], validation: object): SchemaNode {
  const [step, ...rest] = path;
  if (node === undefined) throw new TypeError(`The schema has no such place: …${path.join(".")}`);
  if (step === undefined) {
    const present = node["x-kubernetes-validations"] as readonly object[] | undefined;
    return { ...node, "x-kubernetes-validations": [...(present ?? []), validation] };
  }
  if (step === "[]") return { ...node, items: withValidation(node.items, rest, validation) };
  return { ...node, properties: { ...node.properties, [step]: withValidation(node.properties?.[step], rest, validation) } };
}
