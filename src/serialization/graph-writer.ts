// Writes values: objects, arrays, strings, enums, with back-references to what the stream holds already.
import type { ByteWriter } from "../base/index.ts";
import type { ClassDescriptor } from "./class-descriptor.ts";
import { copyBytes } from "./copy-bytes.ts";
import { StreamLimitError } from "./errors.ts";
import { JavaArray } from "./java-array.ts";
import { JavaClass } from "./java-class.ts";
import { JavaEnum } from "./java-enum.ts";
import { JavaObject } from "./java-object.ts";
import type { AnnotationItem, FieldValue, JavaValue } from "./java-value.ts";
import type { StreamLimits } from "./limits.ts";
import { modifiedUtf8Length, writeModifiedUtf8 } from "./modified-utf8.ts";
import { BASE_HANDLE, MAX_BLOCK_BYTES, TC } from "./protocol.ts";
import type { SuidTable } from "./suid-table.ts";

const MAX_SHORT_STRING_BYTES = 0xffff;
const MAX_SHORT_BLOCK_BYTES = 0xff;

const B = 66;
const C = 67;
const D = 68;
const F = 70;
const I = 73;
const J = 74;
const S = 83;
const Z = 90;

/** How a descriptor was written first, without its super class. Valid with any handle, or where it refers to itself, with one. */
interface WrittenForm {
  readonly bytes: Buffer;
  /** -1: any. */
  readonly handle: number;
  /** Type strings that take handles behind the descriptor's own. */
  readonly strings: readonly string[];
}

/** A memory of equal things, shared by all streams: it lives and dies with its descriptors. */
const writtenForms = new WeakMap<ClassDescriptor, WrittenForm>();

export class GraphWriter {
  readonly #writer: ByteWriter;
  readonly #maxDepth: number;
  readonly #suids: SuidTable | undefined;
  /** Strings by value, everything else by identity; the handle is the number at which it entered. */
  readonly #handles = new Map<string | object, number>();
  #nextHandle = BASE_HANDLE;

  constructor(writer: ByteWriter, limits: StreamLimits, suids: SuidTable | undefined) {
    this.#writer = writer;
    this.#maxDepth = limits.maxDepth;
    this.#suids = suids;
  }

  writeValue(value: JavaValue, depth: number): void {
    if (depth > this.#maxDepth) throw new StreamLimitError("maxDepth", this.#maxDepth);
    if (value === null) {
      this.#writer.u8(TC.NULL);
      return;
    }
    const handle = this.#handles.get(value);
    if (handle !== undefined) {
      this.#writer.u8(TC.REFERENCE).i32(handle);
      return;
    }
    if (typeof value === "string") this.#string(value);
    else if (value instanceof JavaObject) this.#object(value, depth);
    else if (value instanceof JavaArray) this.#array(value, depth);
    else if (value instanceof JavaEnum) this.#enum(value, depth);
    else if (value instanceof JavaClass) this.#class(value, depth);
    else this.#descriptor(value, depth);
  }

  /** TC_RESET, legal between top-level values only. */
  writeReset(): void {
    this.#writer.u8(TC.RESET);
    this.#forgetHandles();
  }

  /** TC_EXCEPTION: handles start anew before and behind the exception, as Java's do ("writeFatalException"). */
  writeException(exception: JavaObject): void {
    this.#forgetHandles();
    this.#writer.u8(TC.EXCEPTION);
    this.writeValue(exception, 0);
    this.#forgetHandles();
  }

  /** The primitives since the last object: most often a few bytes, in each session of a block. */
  writePrimitives(block: ByteWriter): void {
    if (block.length <= MAX_SHORT_BLOCK_BYTES) this.#writer.u8(TC.BLOCKDATA).u8(block.length).append(block);
    else this.writeBlock(block.view());
  }

  /** A run of block data, cut into records as Java's buffer does. */
  writeBlock(run: Buffer): void {
    const writer = this.#writer;
    for (let start = 0; start < run.length; start += MAX_BLOCK_BYTES) {
      const length = Math.min(run.length - start, MAX_BLOCK_BYTES);
      if (length <= MAX_SHORT_BLOCK_BYTES) writer.u8(TC.BLOCKDATA).u8(length);
      else writer.u8(TC.BLOCKDATALONG).i32(length);
      writer.bytes(run.length === length ? run : run.subarray(start, start + length));
    }
  }

  #forgetHandles(): void {
    this.#handles.clear();
    this.#nextHandle = BASE_HANDLE;
  }

  #register(value: string | object): void {
    this.#handles.set(value, this.#nextHandle++);
  }

  #string(text: string): void {
    this.#register(text);
    const length = modifiedUtf8Length(text);
    if (length <= MAX_SHORT_STRING_BYTES) this.#writer.u8(TC.STRING).u16(length);
    else this.#writer.u8(TC.LONGSTRING).safeI64(length);
    writeModifiedUtf8(this.#writer, text, length);
  }

  #object(value: JavaObject, depth: number): void {
    this.#writer.u8(TC.OBJECT);
    const descriptor = value.descriptor;
    this.#descriptor(descriptor, depth);
    this.#register(value);
    const hierarchy = descriptor.hierarchy;
    if (descriptor.externalizable) {
      this.#annotation(value.annotations?.[hierarchy.length - 1], depth);
      return;
    }
    const values = value.fields;
    for (let level = 0; level < hierarchy.length; level++) {
      const owner = hierarchy[level]!;
      this.#fields(owner, values, depth);
      if (owner.hasWriteMethod) this.#annotation(value.annotations?.[level], depth);
    }
  }

  #fields(owner: ClassDescriptor, values: readonly FieldValue[], depth: number): void {
    const writer = this.#writer;
    const fields = owner.fields;
    for (let index = 0; index < fields.length; index++) {
      const value = values[owner.firstField + index];
      switch (fields[index]!.typeCode) {
        case I:
          writer.i32(value as number);
          break;
        case J:
          if (typeof value === "bigint") writer.i64(value);
          else writer.safeI64(value as number);
          break;
        case Z:
          writer.u8(value === true ? 1 : 0);
          break;
        case B:
          writer.u8((value as number) & 0xff);
          break;
        case C:
        case S:
          writer.u16(value as number);
          break;
        case F:
          writer.f32(value as number);
          break;
        case D:
          writer.f64(value as number);
          break;
        default:
          this.writeValue(value as JavaValue, depth + 1);
      }
    }
  }

  #annotation(items: readonly AnnotationItem[] | undefined, depth: number): void {
    if (items !== undefined) {
      for (let index = 0; index < items.length; index++) {
        const item = items[index]!;
        if (Buffer.isBuffer(item)) this.writeBlock(item);
        else this.writeValue(item, depth + 1);
      }
    }
    this.#writer.u8(TC.ENDBLOCKDATA);
  }

  #array(value: JavaArray, depth: number): void {
    const writer = this.#writer.u8(TC.ARRAY);
    this.#descriptor(value.descriptor, depth);
    this.#register(value);
    const elementBytes = value.elementBytes;
    if (elementBytes > 0) {
      writer.i32(value.bytes.length / elementBytes).bytes(value.bytes);
      return;
    }
    const elements = value.elements;
    writer.i32(elements.length);
    for (let index = 0; index < elements.length; index++) this.writeValue(elements[index]!, depth + 1);
  }

  #enum(value: JavaEnum, depth: number): void {
    this.#writer.u8(TC.ENUM);
    this.#descriptor(value.descriptor, depth);
    this.#register(value);
    this.writeValue(value.constant, depth + 1);
  }

  #class(value: JavaClass, depth: number): void {
    this.#writer.u8(TC.CLASS);
    this.#descriptor(value.descriptor, depth);
    this.#register(value);
  }

  #descriptor(descriptor: ClassDescriptor, depth: number): void {
    let level: ClassDescriptor | undefined = descriptor;
    while (level !== undefined) {
      const handle = this.#handles.get(level);
      if (handle !== undefined) {
        this.#writer.u8(TC.REFERENCE).i32(handle);
        return;
      }
      this.#ownPart(level, depth);
      level = level.superDescriptor;
    }
    this.#writer.u8(TC.NULL);
  }

  #anyWritten(strings: readonly string[]): boolean {
    for (const text of strings) if (this.#handles.has(text)) return true;
    return false;
  }

  #ownPart(descriptor: ClassDescriptor, depth: number): void {
    const writer = this.#writer;
    const handle = this.#nextHandle - BASE_HANDLE;
    const suid = this.#suids?.get(descriptor.name) ?? descriptor.suid;
    const form = suid === descriptor.suid ? writtenForms.get(descriptor) : undefined;
    if (form !== undefined && (form.handle === -1 || form.handle === handle) && !this.#anyWritten(form.strings)) {
      writer.bytes(form.bytes);
      this.#register(descriptor);
      for (const text of form.strings) this.#register(text);
      return;
    }
    const start = writer.length;
    const nameLength = modifiedUtf8Length(descriptor.name);
    writer.u8(TC.CLASSDESC).u16(nameLength);
    writeModifiedUtf8(writer, descriptor.name, nameLength);
    writer.i64(suid);
    this.#register(descriptor);
    writer.u8(descriptor.flags).u16(descriptor.fields.length);
    const strings: string[] = [];
    let selfContained = true;
    for (const field of descriptor.fields) {
      const fieldNameLength = modifiedUtf8Length(field.name);
      writer.u8(field.typeCode).u16(fieldNameLength);
      writeModifiedUtf8(writer, field.name, fieldNameLength);
      if (field.signature.length === 1) continue;
      const known = this.#handles.get(field.signature);
      if (known === undefined) strings.push(field.signature);
      else selfContained &&= known - BASE_HANDLE > handle;
      this.writeValue(field.signature, depth);
    }
    this.#annotation(descriptor.annotation, depth);
    if (form !== undefined || !selfContained || descriptor.annotation.length > 0 || suid !== descriptor.suid) return;
    const bytes = copyBytes(writer.view(), start, writer.length - start);
    writtenForms.set(descriptor, { bytes, handle: strings.length < descriptor.objectFieldCount ? handle : -1, strings });
  }
}
