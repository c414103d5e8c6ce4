// Which Java number, or text, a JavaScript value becomes, given what stood in its place.
import { javaDouble, javaInteger, javaLong } from "./boxed.ts";
import { JavaObject } from "./java-object.ts";
import { javaBigInteger, scalarOf } from "./java-scalars.ts";
import type { JavaValue } from "./java-value.ts";
import { JAVA } from "./known-classes.ts";

/** An application may have another copy of the package: it shares this symbol and nothing else with the worker. */
const JAVA_NUMBER = Symbol.for("tomcat-cluster.java-number");
const LONG_RANGE = 2n ** 63n;
const INT_RANGE = 2 ** 31;
const SHORT_RANGE = 2 ** 15;
const BYTE_RANGE = 2 ** 7;

/** Integer, Long or Double, whichever is the first that fits; a type that was there before stays while the value fits it. */
export function numberToJava(value: number, previous: JavaValue): JavaValue {
  if (previous instanceof JavaObject) {
    if (Object.is(scalarOf(previous), value)) return previous;
    const kept = keepType(value, previous.className);
    if (kept !== undefined) return kept;
  }
  if (fits(value, INT_RANGE)) return javaInteger(value);
  return Number.isSafeInteger(value) ? javaLong(value) : javaDouble(value);
}

function keepType(value: number, className: string): JavaObject | undefined {
  switch (className) {
    case "java.lang.Long":
      return Number.isSafeInteger(value) ? javaLong(value) : undefined;
    case "java.lang.Double":
      return javaDouble(value);
    case "java.lang.Float":
      return Object.is(Math.fround(value), value) ? new JavaObject(JAVA.float, [value]) : undefined;
    case "java.lang.Short":
      return fits(value, SHORT_RANGE) ? new JavaObject(JAVA.short, [value]) : undefined;
    case "java.lang.Byte":
      return fits(value, BYTE_RANGE) ? new JavaObject(JAVA.byte, [value]) : undefined;
    default:
      return undefined;
  }
}

function fits(value: number, range: number): boolean {
  return Number.isInteger(value) && value >= -range && value < range;
}

/** The number that `javaLong` or `javaDouble` of "tomcat-cluster/java-types" made; undefined for any other object. */
export function typedNumberToJava(candidate: object): JavaObject | undefined {
  const { [JAVA_NUMBER]: className, value } = candidate as { readonly [JAVA_NUMBER]?: unknown; readonly value?: unknown };
  if (className === JAVA.long.name && (typeof value === "number" || typeof value === "bigint")) return javaLong(value);
  if (className === JAVA.double.name && typeof value === "number") return javaDouble(value);
  return undefined;
}

/** BigInteger; a Long stays one while the value fits. */
export function bigintToJava(value: bigint, previous: JavaValue): JavaValue {
  if (scalarOf(previous) === value) return previous;
  const wasLong = previous instanceof JavaObject && previous.className === JAVA.long.name;
  return wasLong && value >= -LONG_RANGE && value < LONG_RANGE ? javaLong(value) : javaBigInteger(value);
}

/** String; a Character stays one while the text is one code unit. */
export function stringToJava(value: string, previous: JavaValue): JavaValue {
  if (!(previous instanceof JavaObject) || previous.className !== JAVA.character.name || value.length !== 1) return value;
  const unit = value.charCodeAt(0);
  return previous.fields[0] === unit ? previous : new JavaObject(JAVA.character, [unit]);
}
