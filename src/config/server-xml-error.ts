// What is wrong with a server.xml: every problem at once, each with its place.
import { TomcatClusterError } from "../base/index.ts";
import type { Location } from "./server-config.ts";

export const SERVER_XML_PROBLEMS = [
  "MALFORMED_XML",
  "UNRESOLVED_PLACEHOLDER",
  "UNKNOWN_ELEMENT",
  "UNKNOWN_CLASS",
  "UNKNOWN_ATTRIBUTE",
  "INVALID_VALUE",
  "MISSING",
  "DUPLICATE",
  /** It says something else than what the file is merged with. */
  "CONFLICT",
  /** Tomcat has it, and a later version of this project will. */
  "NOT_SUPPORTED",
] as const;
export type ServerXmlProblemCode = (typeof SERVER_XML_PROBLEMS)[number];

export interface ServerXmlProblem {
  readonly code: ServerXmlProblemCode;
  /** Name of the element, "" when the text is no XML at all. */
  readonly element: string;
  readonly attribute?: string;
  /** One sentence without the place: what was found, what is known. */
  readonly message: string;
  readonly location: Location;
}

/** Something accepted that its author should know about. `debug` is for what every stock server.xml contains. */
export interface ServerXmlNote {
  readonly level: "debug" | "info" | "warn";
  readonly message: string;
  readonly location: Location;
}

export class ServerXmlError extends TomcatClusterError {
  readonly code = "INVALID_SERVER_XML";
  /** In the order of the file; never empty. */
  readonly problems: readonly ServerXmlProblem[];

  constructor(file: string, problems: readonly ServerXmlProblem[]) {
    const lines = problems.map(({ location, message }) => `${location.file}:${location.line}:${location.column}: ${message}`);
    super(lines.length === 1 ? lines[0]! : `"${file}" has ${lines.length} problems:\n${lines.join("\n")}`);
    this.problems = problems;
  }
}
