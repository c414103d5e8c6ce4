// One Java array as inert data.
import type { ClassDescriptor } from "./class-descriptor.ts";
import type { JavaValue } from "./java-value.ts";

/** Bytes of one element by the letter of a primitive array's type. */
const ELEMENT_BYTES: Readonly<Record<string, number>> = { B: 1, Z: 1, C: 2, S: 2, I: 4, F: 4, J: 8, D: 8 };

/** Bytes of one element of an array of that type; 0 for an array of objects. */
export function elementBytesOf(arrayType: string): number {
  return arrayType.length === 2 ? (ELEMENT_BYTES[arrayType[1]!] ?? 0) : 0;
}

const NO_BYTES: Buffer = Buffer.alloc(0);
const NO_ELEMENTS: readonly JavaValue[] = [];

export class JavaArray {
  /** Its name is the array's type: "[B", "[Ljava.lang.String;". */
  readonly descriptor: ClassDescriptor;
  /** An array of primitives, big-endian as on the wire; for "[B" the bytes themselves. Empty for an array of objects. */
  readonly bytes: Buffer;
  /** An array of objects. Empty for an array of primitives. */
  readonly elements: readonly JavaValue[];

  constructor(descriptor: ClassDescriptor, content: Buffer | readonly JavaValue[]) {
    this.descriptor = descriptor;
    if (Buffer.isBuffer(content)) {
      this.bytes = content;
      this.elements = NO_ELEMENTS;
    } else {
      this.bytes = NO_BYTES;
      this.elements = content as readonly JavaValue[];
    }
  }

  /** 0 for an array of objects. */
  get elementBytes(): number {
    return elementBytesOf(this.descriptor.name);
  }

  get className(): string {
    return this.descriptor.name;
  }
}
