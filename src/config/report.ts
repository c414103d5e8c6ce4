// Collects problems and notes while a server.xml is read, so that its author sees all of them in one run.
import type { Location } from "./server-config.ts";
import { ServerXmlError, type ServerXmlNote, type ServerXmlProblem, type ServerXmlProblemCode } from "./server-xml-error.ts";

/** More would only repeat one mistake. */
const MAX_PROBLEMS = 50;

/** What a problem or a note is about. */
export interface Subject {
  readonly name: string;
  readonly location: Location;
}

export class Report {
  readonly #file: string;
  readonly #problems: ServerXmlProblem[] = [];
  readonly #notes: ServerXmlNote[] = [];

  constructor(file: string) {
    this.#file = file;
  }

  /** `message` follows the element's name and continues the sentence. */
  problem(code: ServerXmlProblemCode, element: Subject, message: string): void {
    this.#add({ code, element: element.name, message: `<${element.name}>: ${message}`, location: element.location });
  }

  attributeProblem(code: ServerXmlProblemCode, element: Subject, attribute: Subject, message: string): void {
    this.#add({
      code,
      element: element.name,
      attribute: attribute.name,
      message: `<${element.name} ${attribute.name}>: ${message}`,
      location: attribute.location,
    });
  }

  note(level: ServerXmlNote["level"], element: Subject, message: string, attribute?: Subject): void {
    const subject = attribute === undefined ? `<${element.name}>` : `<${element.name} ${attribute.name}>`;
    this.#notes.push({ level, message: `${subject}: ${message}`, location: attribute?.location ?? element.location });
  }

  get notes(): readonly ServerXmlNote[] {
    return [...this.#notes].sort(byPlace);
  }

  throwIfProblems(): void {
    if (this.#problems.length > 0) throw new ServerXmlError(this.#file, [...this.#problems].sort(byPlace));
  }

  #add(problem: ServerXmlProblem): void {
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push(problem);
  }
}

function byPlace(left: { readonly location: Location }, right: { readonly location: Location }): number {
  return left.location.line - right.location.line || left.location.column - right.location.column;
}
