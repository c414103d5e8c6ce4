// A Java class as a value (java.lang.Class).
import type { ClassDescriptor } from "./class-descriptor.ts";

export class JavaClass {
  /** Of the class that is the value. */
  readonly descriptor: ClassDescriptor;

  constructor(descriptor: ClassDescriptor) {
    this.descriptor = descriptor;
  }

  get className(): string {
    return "java.lang.Class";
  }
}
