// The description of a Java class as it travels in a stream.
import type { AnnotationItem } from "./java-value.ts";
import { PLACES_OF_A_HANDLE } from "./limits.ts";
import { SC } from "./protocol.ts";

export interface FieldDescriptor {
  readonly name: string;
  /** "I", "J", "Z", "B", "S", "C", "F", "D", or the signature of an object or array: "Ljava/lang/String;", "[B". */
  readonly signature: string;
  /** First character code of the signature: what decides how the field is read. */
  readonly typeCode: number;
}

const USUAL_LEVELS = 4;
const NO_ANNOTATION: readonly AnnotationItem[] = [];

/** Immutable. Descriptors of equal content are one object where they were interned; compare by name, not identity. */
export class ClassDescriptor {
  readonly name: string;
  readonly suid: bigint;
  readonly flags: number;
  /** Own fields in stream order: primitives by name, then objects by name. */
  readonly fields: readonly FieldDescriptor[];
  readonly superDescriptor: ClassDescriptor | undefined;
  /** Written by annotateClass of the sender; empty in practice. */
  readonly annotation: readonly AnnotationItem[];
  /** This class and its ancestors, the topmost first: the order of their data in the stream. */
  readonly hierarchy: readonly ClassDescriptor[];
  /** Where the own fields start in the flat list of an object's fields. */
  readonly firstField: number;
  /** Fields of the whole hierarchy. */
  readonly fieldCount: number;
  /** Own fields that hold objects or arrays. */
  readonly objectFieldCount: number;
  readonly externalizable: boolean;
  readonly hasWriteMethod: boolean;
  /** A class of the hierarchy has custom data. */
  readonly annotated: boolean;
  /** What an object of the class takes in memory beyond a usual one, counted in handles: deep hierarchies and many small fields. */
  readonly surcharge: number;
  /** Made on first use: most classes of a stream are never asked. */
  #indexes: ReadonlyMap<string, number> | undefined;

  constructor(
    name: string,
    suid: bigint,
    flags: number,
    fields: readonly FieldDescriptor[],
    superDescriptor?: ClassDescriptor,
    annotation: readonly AnnotationItem[] = NO_ANNOTATION,
  ) {
    this.name = name;
    this.suid = suid;
    this.flags = flags;
    this.fields = fields;
    this.superDescriptor = superDescriptor;
    this.annotation = annotation;
    this.hierarchy = superDescriptor === undefined ? [this] : [...superDescriptor.hierarchy, this];
    this.firstField = superDescriptor?.fieldCount ?? 0;
    this.fieldCount = this.firstField + fields.length;
    this.objectFieldCount = fields.filter((field) => field.signature.length > 1).length;
    this.externalizable = (flags & SC.EXTERNALIZABLE) !== 0;
    this.hasWriteMethod = (flags & SC.WRITE_METHOD) !== 0;
    this.surcharge = (this.hierarchy.length > USUAL_LEVELS ? this.hierarchy.length : 0) + Math.floor(this.fieldCount / PLACES_OF_A_HANDLE);
    this.annotated = this.hasWriteMethod || superDescriptor?.annotated === true;
  }

  /** Of the Java object that a descriptor is where it stands as a value; the class that it describes is `name`. */
  get className(): string {
    return "java.io.ObjectStreamClass";
  }

  /** Position of a field in an object's flat list; a class hides fields of the same name in its ancestors. -1: no such field. */
  indexOf(fieldName: string): number {
    this.#indexes ??= indexFields(this.hierarchy);
    return this.#indexes.get(fieldName) ?? -1;
  }

  /** Whether this class or an ancestor has that name. */
  isA(className: string): boolean {
    for (const level of this.hierarchy) if (level.name === className) return true;
    return false;
  }
}

function indexFields(hierarchy: readonly ClassDescriptor[]): ReadonlyMap<string, number> {
  const indexes = new Map<string, number>();
  for (const level of hierarchy) level.fields.forEach((field, index) => void indexes.set(field.name, level.firstField + index));
  return indexes;
}
