// One Java object as inert data: its class, the fields of every class of its hierarchy, and their custom data.
import type { ClassDescriptor } from "./class-descriptor.ts";
import { UnexpectedShapeError } from "./errors.ts";
import { JavaArray } from "./java-array.ts";
import type { AnnotationItem, FieldValue } from "./java-value.ts";

const NOTHING: readonly AnnotationItem[] = [];

export class JavaObject {
  readonly descriptor: ClassDescriptor;
  /** Fields of the whole hierarchy, the topmost class first, in stream order. Empty for an Externalizable. */
  readonly fields: readonly FieldValue[];
  /** Custom data by level of `descriptor.hierarchy`; undefined when no class wrote any. An Externalizable's is at its own level. */
  readonly annotations: readonly (readonly AnnotationItem[] | undefined)[] | undefined;

  constructor(
    descriptor: ClassDescriptor,
    fields: readonly FieldValue[],
    annotations?: readonly (readonly AnnotationItem[] | undefined)[],
  ) {
    this.descriptor = descriptor;
    this.fields = fields;
    this.annotations = annotations;
  }

  get className(): string {
    return this.descriptor.name;
  }

  /** The field of that name, the most derived class first; undefined when no class of the hierarchy has one. */
  field(name: string): FieldValue | undefined {
    return this.fields[this.descriptor.indexOf(name)];
  }

  /** Custom data of the named class of the hierarchy, by default of the object's own class. Read it with AnnotationInput. */
  annotation(className: string = this.descriptor.name): readonly AnnotationItem[] {
    const level = this.descriptor.hierarchy.findIndex((descriptor) => descriptor.name === className);
    return this.annotations?.[level] ?? NOTHING;
  }

  /** A numeric field; a long beyond 2^53 is rounded. Throws UnexpectedShapeError when there is no such field. */
  number(name: string): number {
    const value = this.field(name);
    if (typeof value === "number") return value;
    if (typeof value === "bigint") return Number(value);
    throw this.#mismatch(name, "number", value);
  }

  /** Throws UnexpectedShapeError when there is no such field. */
  boolean(name: string): boolean {
    const value = this.field(name);
    if (typeof value === "boolean") return value;
    throw this.#mismatch(name, "boolean", value);
  }

  /** Throws UnexpectedShapeError when there is no such field. */
  string(name: string): string | null {
    const value = this.field(name);
    if (typeof value === "string" || value === null) return value;
    throw this.#mismatch(name, "String", value);
  }

  /** A byte[] field: the node's own bytes, which must not be changed. Throws UnexpectedShapeError when there is no such field. */
  bytes(name: string): Buffer | null {
    const value = this.field(name);
    if (value === null) return null;
    if (value instanceof JavaArray && value.descriptor.name === "[B") return value.bytes;
    throw this.#mismatch(name, "byte[]", value);
  }

  #mismatch(name: string, expected: string, found: FieldValue | undefined): UnexpectedShapeError {
    const type = found === undefined ? "none" : found === null ? "null" : typeof found === "object" ? found.className : typeof found;
    return new UnexpectedShapeError(`a field "${name}" of type ${expected} in class "${this.className}"`, type);
  }
}
