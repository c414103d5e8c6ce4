// A manifest as YAML (or JSON, which is YAML) text -> TomcatCluster; problems carry line and column.
import { type Document, isMap, isNode, isSeq, LineCounter, type Node, parseAllDocuments } from "yaml";
import { ManifestError, type ManifestProblem } from "./manifest-error.ts";
import { parseTomcatCluster } from "./parse-tomcat-cluster.ts";
import type { TomcatCluster } from "./tomcat-cluster.ts";

const MAX_CHARACTERS = 3 * 1024 * 1024;
/** How often aliases may repeat what an anchor names: a few lines of YAML could stand for gigabytes. */
const MAX_ALIASES = 100;

/** One document, one TomcatCluster. Throws ManifestError. `file` names the text in it. */
export function parseManifest(text: string, file: string): TomcatCluster {
  if (text.length > MAX_CHARACTERS)
    throw new ManifestError(file, [{ path: [], message: `it is longer than ${MAX_CHARACTERS} characters` }]);
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const [document, second] = "empty" in documents ? [] : documents;
  const syntaxProblems = ("empty" in documents ? [] : documents).flatMap(({ errors }) =>
    errors.map((error) => ({ path: [], message: error.message, position: position(lines, error.pos[0]) })),
  );
  if (syntaxProblems.length > 0) throw new ManifestError(file, syntaxProblems);
  if (document === undefined) throw new ManifestError(file, [{ path: [], message: "it is empty" }]);
  if (second !== undefined) {
    const place = position(lines, second.range[0]);
    throw new ManifestError(file, [{ path: [], message: "it has a second document: give one TomcatCluster a file", position: place }]);
  }
  try {
    return parseTomcatCluster(toValue(document, file), file);
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    throw new ManifestError(
      file,
      error.problems.map((problem) => withPosition(problem, document, lines)),
    );
  }
}

function toValue(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    throw new ManifestError(file, [{ path: [], message: error instanceof Error ? error.message : String(error) }]);
  }
}

/** Of the field itself, or of the nearest one around it where the field is missing. */
function withPosition(problem: ManifestProblem, document: Document, lines: LineCounter): ManifestProblem {
  let node: unknown = document.contents;
  let offset = isNode(node) ? node.range?.[0] : undefined;
  for (const step of problem.path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isNode(key) && "value" in key && String(key.value) === String(step));
      if (pair === undefined) break;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      offset = (isNode(node) ? node.range?.[0] : undefined) ?? offset;
    } else break;
  }
  return offset === undefined ? problem : { ...problem, position: position(lines, offset) };
}

function position(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}
