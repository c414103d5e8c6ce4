// One ClassDescriptor object for each class description seen, and a short cut past parsing the same bytes again.
import type { ClassDescriptor } from "./class-descriptor.ts";
import { copyBytes } from "./copy-bytes.ts";

/** How one descriptor looks on the wire: from its name's length to its end-block-data, without the super class. */
export interface DescriptorTemplate {
  readonly descriptor: ClassDescriptor;
  readonly bytes: Buffer;
  /** The descriptor's own handle, when the bytes hold references and are therefore valid at that place only; else -1. */
  readonly handle: number;
  /** Type strings that take handles behind the descriptor's own, in their order. */
  readonly strings: readonly string[];
}

const MAX_CLASSES = 1024;
const MAX_VARIANTS = 8;
const MAX_BUCKET = 32;
const MAX_TEMPLATE_BYTES = 4096;
/** Memory of all that is kept, as estimated: some eight thousand usual classes. */
const MAX_BYTES = 16_777_216;
/** What a field, a class or a template takes beside its texts or bytes. */
const ENTRY_BYTES = 200;
/** Up to here a loop beats a call into the engine. */
const SHORT_TEMPLATE = 48;

/**
 * A bounded memory of equal things: what it holds changes speed and memory, never a result. Once it is full of classes that
 * a peer made up, further ones are parsed each time; those defined at start are always in.
 */
export class DescriptorPool {
  readonly #descriptors = new Map<string, ClassDescriptor[]>();
  readonly #templates = new Map<number, DescriptorTemplate[]>();
  #free = MAX_BYTES;

  /** The pooled descriptor of equal content, or the candidate itself. */
  intern(candidate: ClassDescriptor): ClassDescriptor {
    const variants = this.#descriptors.get(candidate.name);
    if (variants === undefined) {
      if (this.#descriptors.size < MAX_CLASSES && this.#keep(candidate)) this.#descriptors.set(candidate.name, [candidate]);
      return candidate;
    }
    for (const known of variants) if (sameContent(known, candidate)) return known;
    if (variants.length < MAX_VARIANTS && this.#keep(candidate)) variants.push(candidate);
    return candidate;
  }

  /** One whose ancestor is not kept would not be found again, and would hold that ancestor in memory. */
  #keep(candidate: ClassDescriptor): boolean {
    const { superDescriptor, annotation } = candidate;
    if (annotation.length > 0 || (superDescriptor !== undefined && !this.#holds(superDescriptor))) return false;
    return this.#take(memoryOf(candidate));
  }

  #holds(descriptor: ClassDescriptor): boolean {
    return this.#descriptors.get(descriptor.name)?.includes(descriptor) === true;
  }

  #take(bytes: number): boolean {
    if (bytes > this.#free) return false;
    this.#free -= bytes;
    return true;
  }

  /** Remembers how a descriptor was written, if it is interned. `bytes` is copied. */
  learn(descriptor: ClassDescriptor, bytes: Buffer, handle: number, strings: readonly string[]): void {
    if (bytes.length > MAX_TEMPLATE_BYTES || !this.#holds(descriptor)) return;
    const key = bucketOf(bytes, 0);
    let bucket = this.#templates.get(key);
    if (bucket === undefined) {
      bucket = [];
      this.#templates.set(key, bucket);
    }
    if (bucket.length >= MAX_BUCKET || bucket.filter((template) => template.descriptor === descriptor).length >= MAX_VARIANTS) return;
    if (!this.#take(bytes.length + ENTRY_BYTES)) return;
    bucket.push({ descriptor, bytes: copyBytes(bytes, 0, bytes.length), handle, strings });
  }

  /** The template that the bytes at `offset` begin with, valid for a descriptor with this handle. */
  match(bytes: Buffer, offset: number, handle: number): DescriptorTemplate | undefined {
    const templates = this.#templates.get(bucketOf(bytes, offset));
    if (templates === undefined) return undefined;
    for (const template of templates) {
      if ((template.handle === -1 || template.handle === handle) && startsWith(bytes, offset, template.bytes)) return template;
    }
    return undefined;
  }
}

/** Length and last byte of the name tell most classes apart. */
function bucketOf(bytes: Buffer, offset: number): number {
  const nameLength = (bytes[offset]! << 8) | bytes[offset + 1]!;
  return (nameLength << 8) | (bytes[offset + 1 + nameLength] ?? 0);
}

function startsWith(bytes: Buffer, offset: number, prefix: Buffer): boolean {
  const end = offset + prefix.length;
  if (end > bytes.length) return false;
  if (prefix.length > SHORT_TEMPLATE) return prefix.compare(bytes, offset, end) === 0;
  for (let index = 0; index < prefix.length; index++) if (bytes[offset + index] !== prefix[index]) return false;
  return true;
}

function memoryOf(descriptor: ClassDescriptor): number {
  let bytes = ENTRY_BYTES + descriptor.name.length;
  for (const field of descriptor.fields) bytes += ENTRY_BYTES + field.name.length + field.signature.length;
  return bytes;
}

function sameContent(one: ClassDescriptor, other: ClassDescriptor): boolean {
  if (one.suid !== other.suid || one.flags !== other.flags || one.fields.length !== other.fields.length) return false;
  if (one.superDescriptor !== other.superDescriptor || one.annotation.length + other.annotation.length > 0) return false;
  for (let index = 0; index < one.fields.length; index++) {
    const field = one.fields[index]!;
    const counterpart = other.fields[index]!;
    if (field.name !== counterpart.name || field.signature !== counterpart.signature) return false;
  }
  return true;
}

/** Shared by all streams of the process. */
export const descriptorPool: DescriptorPool = new DescriptorPool();
