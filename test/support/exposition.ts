// Reads Prometheus's text format, version 0.0.4, as strictly as promtool does, and throws at what it would not accept.

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: readonly Sample[];
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;
const TYPES = new Set(["counter", "gauge", "histogram", "summary", "untyped"]);
const SUFFIXES: Readonly<Record<string, readonly string[]>> = { histogram: ["_bucket", "_sum", "_count"], summary: ["", "_sum", "_count"] };

/** By name. Each has HELP and TYPE before its samples, and no sample comes twice. */
export function parseExposition(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith("\n")) throw new Error("The last line has no end");
  const families = new Map<string, Family & { readonly samples: Sample[] }>();
  const seen = new Set<string>();
  let help: [name: string, text: string] | undefined;
  let family: (Family & { readonly samples: Sample[] }) | undefined;
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const [, keyword, name, rest] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (keyword === "HELP") help = [name!, rest!];
    else if (keyword === "TYPE") {
      if (help?.[0] !== name || families.has(name!) || !TYPES.has(rest!)) throw new Error(`Misplaced: ${line}`);
      family = { name: name!, help: help![1], type: rest!, samples: [] };
      families.set(name!, family);
    } else {
      const sample = parseSample(line);
      const suffixes = SUFFIXES[family?.type ?? ""] ?? [""];
      if (!suffixes.some((suffix) => sample.name === `${family?.name}${suffix}`)) throw new Error(`Outside of its family: ${line}`);
      const key = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).toSorted())}`;
      if (seen.has(key)) throw new Error(`Twice: ${line}`);
      seen.add(key);
      family!.samples.push(sample);
    }
  }
  for (const { name, type, samples } of families.values()) if (type === "histogram") checkBuckets(name, samples);
  return families;
}

/** The sum of a family's samples with these labels; throws when there is none. */
export function sampleValue(families: ReadonlyMap<string, Family>, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const samples = [...families.values()].flatMap((family) => family.samples).filter((sample) => sample.name === name);
  const fitting = samples.filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value));
  if (fitting.length === 0) throw new Error(`No sample of ${name}${JSON.stringify(labels)}`);
  return fitting.reduce((sum, { value }) => sum + value, 0);
}

function parseSample(line: string): Sample {
  const [, name, labelText = "", valueText] = SAMPLE.exec(line) ?? [];
  if (name === undefined) throw new Error(`Not a sample: ${line}`);
  const labels: Record<string, string> = {};
  for (LABEL.lastIndex = 0; LABEL.lastIndex < labelText.length; ) {
    const match = LABEL.exec(labelText);
    if (match === null) throw new Error(`Labels cannot be read: ${line}`);
    labels[match[1]!] = match[2]!;
  }
  const value = valueText === "+Inf" ? Number.POSITIVE_INFINITY : valueText === "Nan" ? Number.NaN : Number(valueText);
  if (Number.isNaN(value) && valueText !== "Nan" && valueText !== "NaN") throw new Error(`Not a number: ${line}`);
  return { name, labels, value };
}

/** Counts grow with the bound, and the last bucket has them all. */
function checkBuckets(name: string, samples: readonly Sample[]): void {
  const series = Map.groupBy(samples, ({ labels: { le: _bound, ...others } }) => JSON.stringify(Object.entries(others).toSorted()));
  for (const [labels, ofSeries] of series) {
    const buckets = ofSeries.filter((sample) => sample.name === `${name}_bucket`);
    const counts = buckets.map(({ value }) => value);
    const count = ofSeries.find((sample) => sample.name === `${name}_count`)?.value;
    const grows = counts.every((value, index) => index === 0 || value >= counts[index - 1]!);
    if (!grows || buckets.at(-1)?.labels.le !== "+Inf" || counts.at(-1) !== count)
      throw new Error(`Buckets of ${name} ${labels} are wrong`);
  }
}
