// docs/server-xml.md, made of the registry.
import { type AttributeDescription, describeServerXml } from "../../src/config/index.ts";

const HEAD = `# server.xml

Every attribute of server.xml that has an effect in this version. Elements, class names and attributes are Apache Tomcat's; whatever else its server.xml may hold is
ignored with a line in the log that says why, or refused with its place in the file. \`\${NAME}\` in a value is the environment's NAME, \`\${file:PATH}\` the content of a file.
This page is made of \`src/config/registry\` by \`npm run fix:golden\`. "Rule" is the number under which tests and sources speak of what the attribute is for.
`;

const OURS = `
## Attributes of our own

Apache Tomcat 6 and later do not know these: it would log a warning and go on without them, so none is ever written into the configuration of a Tomcat. A DefaultContext
in a Host holds what its applications have in common, the place of Tomcat's \`conf/context.xml\`.
`;

const DIFFERENT = `
## Attributes of Tomcat that mean something else here
`;

const SAME = `
## Attributes as in Tomcat
`;

/** By element, an attribute a row. */
export function serverXmlPage(rows: readonly AttributeDescription[] = describeServerXml()): string {
  const ours = rows.filter((row) => row.ours);
  const different = rows.filter((row) => !row.ours && row.tomcat !== undefined);
  const same = rows.filter((row) => !row.ours && row.tomcat === undefined);
  const ruled = ["element", "attribute", "default", "value", "what it is for"];
  return [
    HEAD,
    OURS,
    table([...ruled, "rule"], ours, (row) => [...cellsOf(row), ruleOf(row)]),
    DIFFERENT,
    table([...ruled, "in Tomcat", "rule"], different, (row) => [...cellsOf(row), row.tomcat!, ruleOf(row)]),
    SAME,
    table(ruled, same, cellsOf),
  ].join("\n");
}

/** Several classes may stand behind one element. */
function elementOf({ element, className }: AttributeDescription): string {
  const simpleName = className.slice(className.lastIndexOf(".") + 1);
  return ["Manager", "Valve", "Interceptor", "Membership"].includes(element) ? `${element} ${simpleName}` : element;
}

function cellsOf(row: AttributeDescription): readonly string[] {
  const defaultText = row.default === undefined ? "" : `\`${row.default}\``;
  return [elementOf(row), `\`${row.attribute}\``, defaultText, row.values, row.description];
}

function ruleOf({ rule }: AttributeDescription): string {
  return rule === undefined ? "" : String(rule);
}

function table(
  titles: readonly string[],
  rows: readonly AttributeDescription[],
  cells: (row: AttributeDescription) => readonly string[],
): string {
  const lines = [titles, titles.map(() => "---"), ...rows.map(cells)];
  return `${lines.map((line) => `| ${line.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`).join("\n")}\n`;
}
