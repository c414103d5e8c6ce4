// Reads values: objects, arrays, strings, enums, with their back-references.
import { type ByteReader, ByteWriter } from "../base/index.ts";
import type { ClassDescriptor } from "./class-descriptor.ts";
import { copyBytes } from "./copy-bytes.ts";
import { DescriptorReader } from "./descriptor-reader.ts";
import { MalformedStreamError, StreamLimitError, WriteAbortedError } from "./errors.ts";
import { HandleTable } from "./handle-table.ts";
import { elementBytesOf, JavaArray } from "./java-array.ts";
import { JavaClass } from "./java-class.ts";
import { JavaEnum } from "./java-enum.ts";
import { JavaObject } from "./java-object.ts";
import type { AnnotationItem, FieldValue, JavaValue } from "./java-value.ts";
import { PLACES_OF_A_HANDLE, type StreamLimits } from "./limits.ts";
import { decodeModifiedUtf8, readModifiedUtf8, skipBytes } from "./modified-utf8.ts";
import { BASE_HANDLE, SC, TC } from "./protocol.ts";
import type { SuidTable } from "./suid-table.ts";

/** Lists of so many fields have room for no more: one that grows has room for 17, in each Integer of each session. */
const FEW_FIELDS = 4;
const NO_FIELDS: readonly FieldValue[] = [];

const B = 66;
const C = 67;
const D = 68;
const F = 70;
const I = 73;
const J = 74;
const S = 83;
const Z = 90;

export class GraphReader {
  readonly #reader: ByteReader;
  readonly #handles: HandleTable;
  readonly #descriptors: DescriptorReader;
  readonly #maxDepth: number;

  constructor(reader: ByteReader, limits: StreamLimits, suids: SuidTable | undefined) {
    this.#reader = reader;
    this.#handles = new HandleTable(limits.maxHandles);
    this.#maxDepth = limits.maxDepth;
    this.#descriptors = new DescriptorReader(reader, this.#handles, suids, limits.maxDepth);
  }

  /** TC_RESET, legal between top-level values only. */
  reset(): void {
    this.#handles.clear();
  }

  /** The next value. Depth is the number of values around it. */
  readValue(depth: number): JavaValue {
    const reader = this.#reader;
    if (depth > this.#maxDepth) throw new StreamLimitError("maxDepth", this.#maxDepth);
    const code = reader.u8();
    switch (code) {
      case TC.NULL:
        return null;
      case TC.REFERENCE:
        return this.#reference();
      case TC.STRING: {
        const text = readModifiedUtf8(reader, reader.u16());
        this.#handles.add(text);
        return text;
      }
      case TC.OBJECT:
        return this.#object(depth);
      case TC.ARRAY:
        return this.#array(depth);
      case TC.LONGSTRING:
        return this.#longString();
      case TC.ENUM:
        return this.#enum(depth);
      case TC.CLASS: {
        const value = new JavaClass(this.#descriptor(depth));
        this.#handles.add(value);
        return value;
      }
      case TC.CLASSDESC:
      case TC.PROXYCLASSDESC:
        reader.offset--;
        return this.#descriptor(depth);
      case TC.EXCEPTION:
        return this.#exception(depth);
      default:
        throw new MalformedStreamError(`Wanted an object, found type code ${code}`, reader.offset - 1);
    }
  }

  /** Custom data up to and with its end-block-data; adjoining records become one run. */
  readAnnotation(depth: number): AnnotationItem[] {
    const reader = this.#reader;
    const items: AnnotationItem[] = [];
    for (;;) {
      const code = reader.u8();
      if (code === TC.ENDBLOCKDATA) return items;
      if (items.length % PLACES_OF_A_HANDLE === PLACES_OF_A_HANDLE - 1) this.#handles.charge(1);
      if (code !== TC.BLOCKDATA && code !== TC.BLOCKDATALONG) {
        reader.offset--;
        items.push(this.readValue(depth + 1));
        continue;
      }
      const recordStart = reader.offset - 1;
      const length = code === TC.BLOCKDATA ? reader.u8() : reader.i32();
      const start = reader.offset;
      skipBytes(reader, length);
      const next = reader.remaining > 0 ? reader.buffer[reader.offset] : undefined;
      if (next === TC.BLOCKDATA || next === TC.BLOCKDATALONG) {
        reader.offset = recordStart;
        this.#handles.charge(1);
        const run = this.#wholeRun();
        if (run.length > 0) items.push(run);
      } else if (length > 0) {
        this.#handles.charge(1);
        items.push(copyBytes(reader.buffer, start, length));
      }
    }
  }

  /** Records are gathered as they come: kept apart, each byte of a hostile stream would cost a hundred. */
  #wholeRun(): Buffer {
    const reader = this.#reader;
    const run = new ByteWriter();
    let code = reader.u8();
    while (code === TC.BLOCKDATA || code === TC.BLOCKDATALONG) {
      run.bytes(reader.bytes(code === TC.BLOCKDATA ? reader.u8() : reader.i32()));
      code = reader.u8();
    }
    reader.offset--;
    return copyBytes(run.view(), 0, run.length);
  }

  #descriptor(depth: number): ClassDescriptor {
    const offset = this.#reader.offset;
    const descriptor = this.#descriptors.read(this, depth);
    if (descriptor === undefined) throw new MalformedStreamError("Null in place of a class descriptor", offset);
    return descriptor;
  }

  #reference(): NonNullable<JavaValue> {
    const offset = this.#reader.offset;
    const value = this.#handles.get(this.#reader.i32() - BASE_HANDLE, offset);
    if (typeof value === "symbol") throw new MalformedStreamError("Reference to a class descriptor that is not finished", offset);
    return value;
  }

  #object(depth: number): JavaObject {
    const start = this.#reader.offset;
    const descriptor = this.#descriptor(depth);
    if ((descriptor.flags & SC.ENUM) !== 0) throw new MalformedStreamError("Enum constant written as an object", start);
    const hierarchy = descriptor.hierarchy;
    if (descriptor.surcharge > 0) this.#handles.charge(descriptor.surcharge);
    if (descriptor.externalizable) {
      const annotations = new Array<readonly AnnotationItem[] | undefined>(hierarchy.length);
      const value = new JavaObject(descriptor, NO_FIELDS, annotations);
      this.#handles.add(value);
      annotations[hierarchy.length - 1] = this.readAnnotation(depth);
      return value;
    }
    const fields: FieldValue[] = descriptor.fieldCount <= FEW_FIELDS ? new Array<FieldValue>(descriptor.fieldCount) : [];
    const annotations = descriptor.annotated ? new Array<readonly AnnotationItem[] | undefined>(hierarchy.length) : undefined;
    const value = new JavaObject(descriptor, fields, annotations);
    this.#handles.add(value);
    for (let level = 0; level < hierarchy.length; level++) {
      const owner = hierarchy[level]!;
      this.#fields(owner, fields, depth);
      if (annotations !== undefined && owner.hasWriteMethod) annotations[level] = this.readAnnotation(depth);
    }
    return value;
  }

  #fields(owner: ClassDescriptor, values: FieldValue[], depth: number): void {
    const reader = this.#reader;
    const fields = owner.fields;
    for (let index = 0; index < fields.length; index++) {
      const at = owner.firstField + index;
      switch (fields[index]!.typeCode) {
        case I:
          values[at] = reader.i32();
          break;
        case J:
          values[at] = this.#long();
          break;
        case Z:
          values[at] = reader.u8() !== 0;
          break;
        case B:
          values[at] = (reader.u8() << 24) >> 24;
          break;
        case C:
          values[at] = reader.u16();
          break;
        case S:
          values[at] = (reader.u16() << 16) >> 16;
          break;
        case F:
          values[at] = reader.f32();
          break;
        case D:
          values[at] = reader.f64();
          break;
        default:
          values[at] = this.readValue(depth + 1);
      }
    }
  }

  #long(): number | bigint {
    const value = this.#reader.i64Number();
    if (Number.isSafeInteger(value)) return value;
    this.#reader.offset -= 8;
    return this.#reader.i64();
  }

  #array(depth: number): JavaArray {
    const reader = this.#reader;
    const offset = reader.offset;
    const descriptor = this.#descriptor(depth);
    const name = descriptor.name;
    if (name.charCodeAt(0) !== 91) throw new MalformedStreamError(`Array of class "${name}", which is not an array class,`, offset);
    const handle = this.#handles.add(descriptor);
    const length = reader.i32();
    const elementBytes = elementBytesOf(name);
    if (length < 0 || length * Math.max(elementBytes, 1) > reader.remaining) {
      throw new MalformedStreamError(
        `Array of ${length} elements does not fit into ${reader.remaining} bytes: wrong length`,
        reader.offset,
      );
    }
    if (elementBytes > 0) {
      const array = new JavaArray(descriptor, copyBytes(reader.buffer, reader.offset, length * elementBytes));
      skipBytes(reader, length * elementBytes);
      this.#handles.set(handle, array);
      return array;
    }
    this.#handles.charge(Math.floor(length / PLACES_OF_A_HANDLE));
    const elements: JavaValue[] = [];
    const array = new JavaArray(descriptor, elements);
    this.#handles.set(handle, array);
    for (let index = 0; index < length; index++) elements.push(this.readValue(depth + 1));
    return array;
  }

  #longString(): string {
    const reader = this.#reader;
    const length = reader.i64Number();
    if (length < 0 || length > reader.remaining) {
      throw new MalformedStreamError(`String of ${length} bytes does not fit into ${reader.remaining}: wrong length`, reader.offset);
    }
    const start = reader.offset;
    skipBytes(reader, length);
    const text = decodeModifiedUtf8(reader.buffer, start, length);
    this.#handles.add(text);
    return text;
  }

  #enum(depth: number): JavaEnum {
    const offset = this.#reader.offset;
    const descriptor = this.#descriptor(depth);
    if ((descriptor.flags & SC.ENUM) === 0)
      throw new MalformedStreamError(`Class "${descriptor.name}" is not an enum, but stands as one`, offset);
    const handle = this.#handles.add(descriptor);
    const constant = this.readValue(depth + 1);
    if (typeof constant !== "string") throw new MalformedStreamError("Enum constant without a name", this.#reader.offset);
    const value = new JavaEnum(descriptor, constant);
    this.#handles.set(handle, value);
    return value;
  }

  /** The sender's handles start anew before and behind its exception ("writeFatalException"). */
  #exception(depth: number): never {
    this.#handles.clear();
    const exception = this.readValue(depth + 1);
    this.#handles.clear();
    const className = exception === null || typeof exception === "string" ? "unknown exception" : exception.className;
    throw new WriteAbortedError(className, exception);
  }
}
