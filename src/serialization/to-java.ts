// JavaScript values to Java objects: the type table of rule 15.

import { UnsupportedValueError } from "./errors.ts";
import type { JavaValue } from "./java-value.ts";

/**
 * The Java form of a value. Numbers, and what else has several Java forms, keep the type that they have in `previous`, the
 * value that stood in the same place; what has not changed at all comes back as the same node. JavaValue nodes pass through.
 * The result shares nothing with the value. Throws UnsupportedValueError, naming the path inside the value.
 */
export function toJava(value: unknown, previous?: JavaValue): JavaValue {
  if (typeof value === "string") return value;
  throw new UnsupportedValueError("", `${typeof value}${previous === undefined ? "" : " "}`);
}
