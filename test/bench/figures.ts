// A table of figures beside their budgets.

export interface Figure {
  readonly name: string;
  readonly seen: string;
  readonly budget: string;
  readonly held: boolean;
}

export function atMost(name: string, value: number, budget: number, unit = ""): Figure {
  return { name, seen: `${value.toFixed(2)}${unit}`, budget: `≤ ${budget.toFixed(2)}${unit}`, held: value <= budget };
}

export function whether(name: string, held: boolean, seen: string, budget: string): Figure {
  return { name, seen, budget, held };
}

export function figuresTable(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, seen, budget, held }) => `| ${name} | ${seen} | ${budget} | ${held ? "yes" : "no"} |`);
  return ["| figure | seen | budget | held |", "|---|---|---|---|", ...rows].join("\n");
}

/** The upper one of the two in the middle. */
export function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)]!;
}
