// server.xml as text -> ServerConfig, in five steps: read, replace and type, check between elements, build.
import { buildServer } from "./build-server.ts";
import { checkServerXml } from "./check-server-xml.ts";
import { DNS_NAME_VARIABLE } from "./membership-rules.ts";
import type { PlaceholderSources } from "./placeholders.ts";
import { readXml } from "./read-xml.ts";
import { Report } from "./report.ts";
import type { ServerConfig } from "./server-config.ts";
import type { ServerXmlNote } from "./server-xml-error.ts";
import { checkRules } from "./server-xml-rules.ts";
import type { XmlElement } from "./xml-element.ts";

export interface ServerXmlSources extends PlaceholderSources {
  /** Name of the file in errors and locations. */
  readonly file: string;
}

export interface ParsedServerXml {
  readonly config: ServerConfig;
  /** In the order of the file; for the log. */
  readonly notes: readonly ServerXmlNote[];
}

/**
 * Pure: the environment and the reading of `${file:…}` come in with `sources`. Throws ServerXmlError with every problem found,
 * or with the first one when the text is not well-formed XML.
 */
export function parseServerXml(text: string, sources: ServerXmlSources): ParsedServerXml {
  return parseServerXmlTree(readXml(text, sources.file), sources);
}

/** The same from a tree, whose elements and attributes know where they came from. */
export function parseServerXmlTree(root: XmlElement, sources: ServerXmlSources): ParsedServerXml {
  const report = new Report(sources.file);
  const server = checkServerXml(root, sources, report);
  if (server !== undefined) checkRules(server, sources, report);
  report.throwIfProblems();
  return { config: buildServer(server!, sources.environment[DNS_NAME_VARIABLE]), notes: report.notes };
}
