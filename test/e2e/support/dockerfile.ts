// What a Dockerfile says of the containers of its image, for an image that is made without Docker: said once.
import { readFileSync } from "node:fs";
import type { ImageConfig } from "./docker-archive.ts";

/** Of the last stage: USER, WORKDIR, ENTRYPOINT as a list, ENV and LABEL with one NAME="VALUE" each. Throws where one is written otherwise. */
export function dockerfileConfig(file: string): ImageConfig {
  const text = readFileSync(file, "utf8");
  const lines = text.slice(text.lastIndexOf("\nFROM ")).split("\n");
  const all = (instruction: string) =>
    lines.filter((line) => line.startsWith(`${instruction} `)).map((line) => line.slice(instruction.length + 1));
  const one = (instruction: string) => {
    const [value, ...further] = all(instruction);
    if (value === undefined || further.length > 0) throw new Error(`${file}: the last stage has not one ${instruction}`);
    return value;
  };
  const pairs = (instruction: string) =>
    all(instruction).map((value) => {
      const [, name, quoted] = /^([\w.]+)=(".*")$/.exec(value) ?? [];
      if (name === undefined || quoted === undefined) throw new Error(`${file}: ${instruction} ${value} is not NAME="VALUE"`);
      return [name, JSON.parse(quoted) as string] as const;
    });
  return {
    User: one("USER"),
    WorkingDir: one("WORKDIR"),
    Entrypoint: JSON.parse(one("ENTRYPOINT")) as string[],
    Env: pairs("ENV").map((pair) => pair.join("=")),
    Labels: Object.fromEntries(pairs("LABEL")),
  };
}
