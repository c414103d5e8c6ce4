// Reads class descriptors, the known ones by comparing bytes.
import type { ByteReader } from "../base/index.ts";
import { ClassDescriptor, type FieldDescriptor } from "./class-descriptor.ts";
import type { DescriptorPool } from "./descriptor-pool.ts";
import { MalformedStreamError, StreamLimitError } from "./errors.ts";
import type { HandleTable } from "./handle-table.ts";
import type { AnnotationItem } from "./java-value.ts";
import { readModifiedUtf8 } from "./modified-utf8.ts";
import { BASE_HANDLE, SC, TC } from "./protocol.ts";
import type { SuidTable } from "./suid-table.ts";

/** What the descriptor reader needs of the reader of values. */
export interface ContentReader {
  readAnnotation(depth: number): AnnotationItem[];
}

/** A descriptor as it stands in the stream, before its super class is known. */
interface OwnPart {
  readonly name: string;
  readonly suid: bigint;
  readonly flags: number;
  readonly fields: readonly FieldDescriptor[];
  readonly annotation: readonly AnnotationItem[];
  /** An interned descriptor with this own part. */
  readonly template: ClassDescriptor | undefined;
  readonly handle: number;
  readonly start: number;
  readonly end: number;
  /** References in it lead to strings in itself only. */
  readonly selfContained: boolean;
  readonly references: boolean;
}

const PRIMITIVES = new Set("BCDFIJSZ".split("").map((code) => code.charCodeAt(0)));
const OBJECT = "L".charCodeAt(0);
const ARRAY = "[".charCodeAt(0);
/** Placeholder of a descriptor whose super class is being read. */
export const UNFINISHED: unique symbol = Symbol("unfinished class descriptor");

export class DescriptorReader {
  readonly #reader: ByteReader;
  readonly #handles: HandleTable;
  readonly #pool: DescriptorPool;
  readonly #suids: SuidTable | undefined;
  readonly #maxDepth: number;

  constructor(reader: ByteReader, handles: HandleTable, pool: DescriptorPool, suids: SuidTable | undefined, maxDepth: number) {
    this.#reader = reader;
    this.#handles = handles;
    this.#pool = pool;
    this.#suids = suids;
    this.#maxDepth = maxDepth;
  }

  /** A descriptor with its ancestors; undefined for null. The type code is the next byte. */
  read(content: ContentReader, depth: number): ClassDescriptor | undefined {
    const code = this.#reader.u8();
    if (code === TC.REFERENCE) return this.#reference();
    if (code === TC.NULL) return undefined;
    let parts: OwnPart[] | undefined;
    let part = this.#ownPart(code, content, depth);
    let base: ClassDescriptor | undefined;
    for (;;) {
      const next = this.#reader.u8();
      if (next === TC.NULL) break;
      if (next === TC.REFERENCE) {
        base = this.#reference();
        break;
      }
      parts ??= [];
      parts.push(part);
      if (depth + parts.length > this.#maxDepth) throw new StreamLimitError("maxDepth", this.#maxDepth);
      part = this.#ownPart(next, content, depth);
    }
    let descriptor = this.#finish(part, base);
    while (parts !== undefined && parts.length > 0) descriptor = this.#finish(parts.pop()!, descriptor);
    return descriptor;
  }

  #reference(): ClassDescriptor {
    const offset = this.#reader.offset;
    const value = this.#handles.get(this.#reader.i32() - BASE_HANDLE, offset);
    if (value instanceof ClassDescriptor) return value;
    throw new MalformedStreamError("Reference to something that is not a class descriptor", offset);
  }

  #finish(part: OwnPart, superDescriptor: ClassDescriptor | undefined): ClassDescriptor {
    let descriptor = part.template;
    if (descriptor === undefined || descriptor.superDescriptor !== superDescriptor) {
      const { name, suid, flags, fields, annotation } = part;
      const candidate = new ClassDescriptor(name, suid, flags, fields, superDescriptor, annotation);
      descriptor = this.#pool.intern(candidate);
      if (part.selfContained && annotation.length === 0) {
        const strings = this.#handles.stringsFrom(part.handle + 1, ownStrings(part));
        const bytes = this.#reader.buffer.subarray(part.start, part.end);
        this.#pool.learn(descriptor, bytes, part.references ? part.handle : -1, strings);
      }
    }
    this.#handles.set(part.handle, descriptor);
    this.#suids?.learn(descriptor);
    return descriptor;
  }

  #ownPart(code: number, content: ContentReader, depth: number): OwnPart {
    const reader = this.#reader;
    if (code === TC.PROXYCLASSDESC) throw new MalformedStreamError("Dynamic proxy classes are refused: one stands", reader.offset - 1);
    if (code !== TC.CLASSDESC) throw new MalformedStreamError(`Wanted a class descriptor, found type code ${code}`, reader.offset - 1);
    const name = readModifiedUtf8(reader, reader.u16());
    const start = reader.offset;
    const handle = this.#handles.add(UNFINISHED);
    const template = this.#pool.match(name, reader.buffer, start, handle);
    if (template !== undefined) {
      reader.bytes(template.bytes.length);
      for (const text of template.strings) this.#handles.add(text);
      const { suid, flags, fields, annotation } = template.descriptor;
      const known = template.descriptor;
      return { name, suid, flags, fields, annotation, template: known, handle, start, end: start, selfContained: false, references: false };
    }
    const suid = reader.i64();
    const flags = checkFlags(reader.u8(), reader.offset - 1);
    const count = reader.u16();
    if (count * 3 > reader.remaining) throw new MalformedStreamError(`${count} fields do not fit: wrong field count`, reader.offset);
    const fields: FieldDescriptor[] = [];
    let references = false;
    let selfContained = true;
    let objects = false;
    for (let index = 0; index < count; index++) {
      const typeCode = reader.u8();
      const fieldName = readModifiedUtf8(reader, reader.u16());
      if (PRIMITIVES.has(typeCode)) {
        if (objects) throw new MalformedStreamError("A primitive field follows an object field: illegal order", reader.offset);
        fields.push({ name: fieldName, signature: String.fromCharCode(typeCode), typeCode });
        continue;
      }
      if (typeCode !== OBJECT && typeCode !== ARRAY) throw new MalformedStreamError(`Unknown field type ${typeCode}`, reader.offset);
      objects = true;
      const handleBefore = this.#handles.size;
      const signature = this.#typeString();
      if (signature.charCodeAt(0) !== typeCode) throw new MalformedStreamError("Field type and signature differ", reader.offset);
      if (this.#handles.size === handleBefore) {
        references = true;
        selfContained &&= this.#handles.indexOfString(signature) > handle;
      }
      fields.push({ name: fieldName, signature, typeCode });
    }
    const annotation = content.readAnnotation(depth + 1);
    return { name, suid, flags, fields, annotation, template: undefined, handle, start, end: reader.offset, selfContained, references };
  }

  #typeString(): string {
    const reader = this.#reader;
    const code = reader.u8();
    if (code === TC.STRING) {
      const text = readModifiedUtf8(reader, reader.u16());
      this.#handles.add(text);
      return text;
    }
    const offset = reader.offset;
    if (code !== TC.REFERENCE) throw new MalformedStreamError(`Wanted a type string, found type code ${code}`, offset - 1);
    const text = this.#handles.get(reader.i32() - BASE_HANDLE, offset);
    if (typeof text !== "string") throw new MalformedStreamError("Reference to something that is not a type string", offset);
    return text;
  }
}

function ownStrings(part: OwnPart): number {
  return new Set(part.fields.filter((field) => field.typeCode === OBJECT || field.typeCode === ARRAY).map((field) => field.signature)).size;
}

function checkFlags(flags: number, offset: number): number {
  const both = SC.SERIALIZABLE | SC.EXTERNALIZABLE;
  if ((flags & both) === both) throw new MalformedStreamError("Class is both Serializable and Externalizable", offset);
  if ((flags & SC.EXTERNALIZABLE) !== 0 && (flags & SC.BLOCK_DATA) === 0) {
    throw new MalformedStreamError("Externalizable class of stream protocol 1, which cannot be delimited", offset);
  }
  return flags;
}
