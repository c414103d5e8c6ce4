// One session attribute in both its forms: as it travels, and as the application sees it (rules 14 and 15).
import {
  convertToJava,
  JavaArray,
  JavaClass,
  JavaEnum,
  JavaObject,
  type JavaValue,
  toJava,
  toJavaScript,
} from "../../serialization/index.ts";

/**
 * What arrives stays undecoded until the application reads it, and goes out as it came until the application changes it.
 * What the application sets is converted at once, which checks it, and again when it may have been changed in place.
 */
export class ReplicatedAttribute {
  #java: JavaValue;
  #value: unknown;
  #decoded: boolean;

  private constructor(java: JavaValue, value: unknown, decoded: boolean) {
    this.#java = java;
    this.#value = value;
    this.#decoded = decoded;
  }

  static received(java: JavaValue): ReplicatedAttribute {
    return new ReplicatedAttribute(java, undefined, false);
  }

  /**
   * Numbers keep the Java type of `previous` where they fit. A value that holds `javaLong(5)` is read back as a copy with plain numbers,
   * here as on other workers. Throws UnsupportedValueError for what cannot travel.
   */
  static set(value: unknown, previous: ReplicatedAttribute | undefined): ReplicatedAttribute {
    const { java, exact } = convertToJava(value, previous === undefined ? null : previous.#java);
    return new ReplicatedAttribute(java, exact ? value : undefined, exact);
  }

  /** As it was received, set, or last found changed by `refresh`. */
  get java(): JavaValue {
    return this.#java;
  }

  /** The same object at each call. */
  get value(): unknown {
    if (!this.#decoded) {
      this.#value = toJavaScript(this.#java);
      this.#decoded = true;
    }
    return this.#value;
  }

  /** Whether somebody may hold an object of this value and change it in place. */
  get changeable(): boolean {
    const value = this.#value;
    return this.#decoded && typeof value === "object" && value !== null && !isInert(value);
  }

  /**
   * Looks for changes made in place; true: `java` is new. Throws UnsupportedValueError when the value has come to hold
   * something that cannot travel; `java` then stays as it was.
   */
  refresh(): boolean {
    if (!this.changeable) return false;
    const java = toJava(this.#value, this.#java);
    if (java === this.#java) return false;
    this.#java = java;
    return true;
  }
}

/** Nodes of classes outside the type table: applications carry them, and cannot change them. */
function isInert(value: object): boolean {
  return value instanceof JavaObject || value instanceof JavaArray || value instanceof JavaEnum || value instanceof JavaClass;
}
