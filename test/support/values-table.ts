// The table of a chart's values: keys, defaults, and the comments above them.
import { isMap, isScalar, type Pair, parseDocument, stringify, type YAMLMap } from "yaml";

export interface ChartValue {
  /** "metrics.service.enabled" */
  readonly key: string;
  /** As YAML in one line. */
  readonly default: string;
  /** Empty where the name says it. */
  readonly comment: string;
}

/** A map is a value of its own where no line in it has a comment. */
export function chartValues(text: string): readonly ChartValue[] {
  const { contents, errors, commentBefore } = parseDocument(text);
  if (errors.length > 0) throw errors[0]!;
  const root = contents as YAMLMap;
  root.commentBefore ??= commentBefore;
  return valuesOf(root, "");
}

export function valuesTable(text: string): string {
  const rows = chartValues(text).map((value) => `| \`${value.key}\` | \`${value.default.replaceAll("|", "\\|")}\` | ${value.comment} |`);
  return ["| value | default | |", "|---|---|---|", ...rows].join("\n");
}

function valuesOf(map: YAMLMap, prefix: string): readonly ChartValue[] {
  return map.items.flatMap((pair, index) => {
    const key = `${prefix}${(pair.key as { value: string }).value}`;
    const { value } = pair;
    // The parser gives the comment above a map's first key to the map.
    const comment = (index === 0 ? map.commentBefore : commentOf(pair)) ?? "";
    if (isMap(value) && hasComments(value)) return valuesOf(value, `${key}.`);
    const inOneLine = stringify(value, { collectionStyle: "flow", lineWidth: 0 }).trim();
    return [{ key, default: inOneLine, comment: comment.trim().replaceAll(/\n\s*/g, " ") }];
  });
}

function commentOf({ key }: Pair): string | undefined {
  return isScalar(key) ? (key.commentBefore ?? undefined) : undefined;
}

function hasComments(map: YAMLMap): boolean {
  return map.items.some((pair, index) => {
    const comment = index === 0 ? map.commentBefore : commentOf(pair);
    return comment !== undefined && comment !== null ? true : isMap(pair.value) && hasComments(pair.value);
  });
}
