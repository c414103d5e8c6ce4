// An element of server.xml after its names have been resolved in the registry and its attributes typed.
import type { AttributeValue, Location } from "./server-config.ts";

export interface CheckedElementFields {
  readonly name: string;
  /** "" for elements without a class. */
  readonly className: string;
  /** What has an effect in this version, defaults filled in. */
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** Where those stand that the file itself gives, also with a value that is refused. */
  readonly given: ReadonlyMap<string, Location>;
  readonly children: readonly CheckedElement[];
  /** Names of child elements that stand in the file but were refused. */
  readonly refused: ReadonlySet<string>;
  /** The text directly inside. */
  readonly content: string;
  readonly location: Location;
}

export class CheckedElement {
  readonly #fields: CheckedElementFields;

  constructor(fields: CheckedElementFields) {
    this.#fields = fields;
  }

  get name(): string {
    return this.#fields.name;
  }

  get className(): string {
    return this.#fields.className;
  }

  get attributes(): Readonly<Record<string, AttributeValue>> {
    return this.#fields.attributes;
  }

  get given(): ReadonlyMap<string, Location> {
    return this.#fields.given;
  }

  get refused(): ReadonlySet<string> {
    return this.#fields.refused;
  }

  get content(): string {
    return this.#fields.content;
  }

  get location(): Location {
    return this.#fields.location;
  }

  all(name: string): readonly CheckedElement[] {
    return this.#fields.children.filter((child) => child.name === name);
  }

  first(name: string): CheckedElement | undefined {
    return this.#fields.children.find((child) => child.name === name);
  }

  /** Undefined when the attribute is absent or empty. */
  optionalText(name: string): string | undefined {
    const value = this.attributes[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  }

  optionalInteger(name: string): number | undefined {
    const value = this.attributes[name];
    return typeof value === "number" ? value : undefined;
  }

  optionalBoolean(name: string): boolean | undefined {
    const value = this.attributes[name];
    return typeof value === "boolean" ? value : undefined;
  }

  /** For attributes that are required or have a default: the check has refused a file without them. */
  text(name: string): string {
    const value = this.attributes[name];
    return typeof value === "string" ? value : this.#fail(name);
  }

  integer(name: string): number {
    return this.optionalInteger(name) ?? this.#fail(name);
  }

  boolean(name: string): boolean {
    return this.optionalBoolean(name) ?? this.#fail(name);
  }

  #fail(name: string): never {
    throw new TypeError(`The registry has no required or defaulted attribute "${name}" of this type for <${this.name}> ${this.className}`);
  }
}
