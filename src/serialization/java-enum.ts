// A constant of a Java enum.
import type { ClassDescriptor } from "./class-descriptor.ts";

export class JavaEnum {
  readonly descriptor: ClassDescriptor;
  readonly constant: string;

  constructor(descriptor: ClassDescriptor, constant: string) {
    this.descriptor = descriptor;
    this.constant = constant;
  }

  get className(): string {
    return this.descriptor.name;
  }
}
