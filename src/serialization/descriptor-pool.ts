// One ClassDescriptor object for each class description seen, and a short cut past parsing the same bytes again.
import type { ClassDescriptor } from "./class-descriptor.ts";

/** How one descriptor looked on the wire: its bytes behind the name up to its end-block-data, without the super class. */
export interface DescriptorTemplate {
  readonly descriptor: ClassDescriptor;
  readonly bytes: Buffer;
  /** The descriptor's own handle, when the bytes hold references and are therefore valid at that place only; else -1. */
  readonly handle: number;
  /** Type strings that take handles behind the descriptor's own. */
  readonly strings: readonly string[];
}

const MAX_CLASSES = 1024;
const MAX_VARIANTS = 8;
const MAX_TEMPLATE_BYTES = 4096;
const SHORT_TEMPLATE = 48;

interface Entry {
  readonly descriptors: ClassDescriptor[];
  readonly templates: DescriptorTemplate[];
}

/**
 * A bounded memory of equal things: what it holds changes speed and memory, never a result. Once it is full of classes that
 * a peer made up, further ones are parsed each time; those defined at start are always in.
 */
export class DescriptorPool {
  readonly #entries = new Map<string, Entry>();

  /** The pooled descriptor of equal content, or the candidate itself. */
  intern(candidate: ClassDescriptor): ClassDescriptor {
    let entry = this.#entries.get(candidate.name);
    if (entry === undefined) {
      if (this.#entries.size >= MAX_CLASSES) return candidate;
      entry = { descriptors: [], templates: [] };
      this.#entries.set(candidate.name, entry);
    }
    for (const known of entry.descriptors) if (sameContent(known, candidate)) return known;
    if (candidate.annotation.length === 0 && entry.descriptors.length < MAX_VARIANTS) entry.descriptors.push(candidate);
    return candidate;
  }

  /** Remembers how an interned descriptor was written. `bytes` is copied. */
  learn(descriptor: ClassDescriptor, bytes: Buffer, handle: number, strings: readonly string[]): void {
    const entry = this.#entries.get(descriptor.name);
    if (entry === undefined || !entry.descriptors.includes(descriptor)) return;
    if (entry.templates.length >= MAX_VARIANTS || bytes.length > MAX_TEMPLATE_BYTES) return;
    const copy = Buffer.allocUnsafeSlow(bytes.length);
    bytes.copy(copy);
    entry.templates.push({ descriptor, bytes: copy, handle, strings });
  }

  /** The template of the named class that the bytes at `offset` begin with, valid for a descriptor with this handle. */
  match(name: string, bytes: Buffer, offset: number, handle: number): DescriptorTemplate | undefined {
    const templates = this.#entries.get(name)?.templates;
    if (templates === undefined) return undefined;
    for (const template of templates) {
      if ((template.handle === -1 || template.handle === handle) && startsWith(bytes, offset, template.bytes)) return template;
    }
    return undefined;
  }
}

function startsWith(bytes: Buffer, offset: number, prefix: Buffer): boolean {
  const end = offset + prefix.length;
  if (end > bytes.length) return false;
  if (prefix.length > SHORT_TEMPLATE) return prefix.compare(bytes, offset, end) === 0;
  for (let index = 0; index < prefix.length; index++) if (bytes[offset + index] !== prefix[index]) return false;
  return true;
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
