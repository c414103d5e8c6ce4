// Reads class descriptors, those seen before by comparing bytes.
import type { ByteReader } from "../base/index.ts";
import { ClassDescriptor, type FieldDescriptor } from "./class-descriptor.ts";
import { descriptorPool } from "./descriptor-pool.ts";
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

/** Type code, length of the name, and no name: less is no field. */
const MIN_FIELD_BYTES = 3;
const PRIMITIVE_CODES: ReadonlySet<number> = new Set(Buffer.from("BCDFIJSZ"));
/** Far above what is written by hand; each level costs memory in all below it. */
const MAX_HIERARCHY = 32;
const OBJECT_CODE = 76;
const ARRAY_CODE = 91;
/** Stands in the handle table for a descriptor whose super class is being read. */
const UNFINISHED: unique symbol = Symbol("unfinished class descriptor");

export class DescriptorReader {
  readonly #reader: ByteReader;
  readonly #handles: HandleTable;
  readonly #suids: SuidTable | undefined;
  readonly #maxDepth: number;

  constructor(reader: ByteReader, handles: HandleTable, suids: SuidTable | undefined, maxDepth: number) {
    this.#reader = reader;
    this.#handles = handles;
    this.#suids = suids;
    this.#maxDepth = maxDepth;
  }

  /** The descriptor that begins at the reader, with its ancestors; undefined for null. */
  read(content: ContentReader, depth: number): ClassDescriptor | undefined {
    const reader = this.#reader;
    const code = reader.u8();
    if (code === TC.NULL) return undefined;
    if (code === TC.REFERENCE) return this.#reference();
    if (code === TC.PROXYCLASSDESC) throw new MalformedStreamError("Dynamic proxy classes are refused: one stands", reader.offset - 1);
    if (code !== TC.CLASSDESC) throw new MalformedStreamError(`Wanted a class descriptor, found type code ${code}`, reader.offset - 1);
    if (depth > this.#maxDepth) throw new StreamLimitError("maxDepth", this.#maxDepth);
    const handle = this.#handles.add(UNFINISHED);
    const template = descriptorPool.match(reader.buffer, reader.offset, handle);
    if (template === undefined) return this.#parse(handle, content, depth);
    reader.offset += template.bytes.length;
    for (const text of template.strings) this.#handles.add(text);
    const known = template.descriptor;
    const superDescriptor = this.read(content, depth + 1);
    return this.#finish(
      handle,
      superDescriptor === known.superDescriptor
        ? known
        : this.#intern(known.name, known.suid, known.flags, known.fields, superDescriptor, known.annotation),
    );
  }

  #intern(
    name: string,
    suid: bigint,
    flags: number,
    fields: readonly FieldDescriptor[],
    superDescriptor: ClassDescriptor | undefined,
    annotation: readonly AnnotationItem[],
  ): ClassDescriptor {
    if (superDescriptor !== undefined && superDescriptor.hierarchy.length >= MAX_HIERARCHY) {
      throw new MalformedStreamError(`Class "${name}" has more than ${MAX_HIERARCHY} ancestors: refused`, this.#reader.offset);
    }
    return descriptorPool.intern(new ClassDescriptor(name, suid, flags, fields, superDescriptor, annotation));
  }

  #finish(handle: number, descriptor: ClassDescriptor): ClassDescriptor {
    this.#handles.set(handle, descriptor);
    this.#suids?.learn(descriptor);
    return descriptor;
  }

  #reference(): ClassDescriptor {
    const offset = this.#reader.offset;
    const value = this.#handles.get(this.#reader.i32() - BASE_HANDLE, offset);
    if (value instanceof ClassDescriptor) return value;
    throw new MalformedStreamError("Reference to something that is not a finished class descriptor", offset);
  }

  #parse(handle: number, content: ContentReader, depth: number): ClassDescriptor {
    const reader = this.#reader;
    const start = reader.offset;
    const name = readModifiedUtf8(reader, reader.u16());
    const suid = reader.i64();
    const flags = checkFlags(reader.u8(), reader.offset - 1);
    const { fields, strings, references, selfContained } = this.#fields(handle);
    const annotation = content.readAnnotation(depth + 1);
    const ownBytes = reader.buffer.subarray(start, reader.offset);
    const superDescriptor = this.read(content, depth + 1);
    const descriptor = this.#intern(name, suid, flags, fields, superDescriptor, annotation);
    if (selfContained && annotation.length === 0) descriptorPool.learn(descriptor, ownBytes, references ? handle : -1, strings);
    return this.#finish(handle, descriptor);
  }

  #fields(handle: number) {
    const reader = this.#reader;
    const count = reader.u16();
    if (count * MIN_FIELD_BYTES > reader.remaining)
      throw new MalformedStreamError(`${count} fields do not fit: wrong count`, reader.offset);
    this.#handles.charge(count);
    const fields: FieldDescriptor[] = [];
    const strings: string[] = [];
    let references = false;
    let selfContained = true;
    for (let index = 0; index < count; index++) {
      const typeCode = reader.u8();
      const name = readModifiedUtf8(reader, reader.u16());
      if (PRIMITIVE_CODES.has(typeCode)) {
        if (references || strings.length > 0) throw new MalformedStreamError("Primitive field behind an object field", reader.offset);
        fields.push({ name, signature: String.fromCharCode(typeCode), typeCode });
        continue;
      }
      const typeOffset = reader.offset;
      const signature = this.#typeString();
      const arrayOrObject = typeCode === OBJECT_CODE || typeCode === ARRAY_CODE;
      if (!arrayOrObject || signature.charCodeAt(0) !== typeCode) throw new MalformedStreamError("Wrong type of a field", reader.offset);
      if (reader.buffer[typeOffset] === TC.REFERENCE) {
        references = true;
        selfContained &&= reader.buffer.readInt32BE(typeOffset + 1) - BASE_HANDLE > handle;
      } else {
        strings.push(signature);
      }
      fields.push({ name, signature, typeCode });
    }
    return { fields, strings, references, selfContained };
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

function checkFlags(flags: number, offset: number): number {
  const both = SC.SERIALIZABLE | SC.EXTERNALIZABLE;
  if ((flags & both) === both) throw new MalformedStreamError("Class is both Serializable and Externalizable", offset);
  if ((flags & SC.EXTERNALIZABLE) !== 0 && (flags & SC.BLOCK_DATA) === 0) {
    throw new MalformedStreamError("Externalizable class of stream protocol 1, which cannot be delimited,", offset);
  }
  return flags;
}
