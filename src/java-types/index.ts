// Java types that JavaScript numbers do not have, for attributes that a Tomcat reads: the package's "tomcat-cluster/java-types".

/** By this a worker knows such a number, whichever copy of the package made it. */
const JAVA_NUMBER = Symbol.for("tomcat-cluster.java-number");

/** A number with its Java type; what an application reads back is the plain number again. */
export interface JavaNumber {
  readonly [JAVA_NUMBER]: "java.lang.Long" | "java.lang.Double";
  readonly value: number | bigint;
}

/**
 * A java.lang.Long, also where the number would fit an Integer: `setAttribute("id", javaLong(5))`, or inside lists, maps and objects.
 * The attribute keeps that type when a plain number is set later. Throws RangeError for what is no exact integer of 64 bits.
 */
export function javaLong(value: number | bigint): JavaNumber {
  const exact = typeof value === "bigint" ? BigInt.asIntN(64, value) === value : Number.isSafeInteger(value);
  if (!exact) throw new RangeError(`${value} is not a java.lang.Long: it takes safe integers, and bigints of 64 bits`);
  return { [JAVA_NUMBER]: "java.lang.Long", value };
}

/** A java.lang.Double, also for a whole number. */
export function javaDouble(value: number): JavaNumber {
  return { [JAVA_NUMBER]: "java.lang.Double", value };
}
