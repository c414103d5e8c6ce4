// Streams written by a real Java (test/fixtures/serialization/JavaValues.java), by name.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const FILE = join(import.meta.dirname, "..", "fixtures", "serialization", "java-values.txt");

export const javaStreams: ReadonlyMap<string, Buffer> = new Map(
  readFileSync(FILE, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [name, hex] = line.split(" ");
      return [name ?? "", Buffer.from(hex ?? "", "hex")];
    }),
);

export function javaStream(name: string): Buffer {
  const bytes = javaStreams.get(name);
  if (bytes === undefined) throw new Error(`There is no stream "${name}" in ${FILE}`);
  return bytes;
}
