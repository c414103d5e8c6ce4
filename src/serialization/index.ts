export { AnnotationInput } from "./annotation-input.ts";
export { AnnotationOutput } from "./annotation-output.ts";
export {
  describeValue,
  expectBoolean,
  expectNumber,
  expectString,
  javaArrayList,
  javaBoolean,
  javaByteArray,
  javaDouble,
  javaInteger,
  javaLong,
  javaObject,
  javaStringArray,
  unboxNumber,
} from "./boxed.ts";
export { ClassDescriptor, type FieldDescriptor } from "./class-descriptor.ts";
export { MalformedStreamError, StreamLimitError, UnexpectedShapeError, UnsupportedValueError, WriteAbortedError } from "./errors.ts";
export { JavaArray } from "./java-array.ts";
export { JavaClass } from "./java-class.ts";
export { JavaEnum } from "./java-enum.ts";
export { JavaObject } from "./java-object.ts";
export type { AnnotationItem, FieldValue, JavaValue } from "./java-value.ts";
export { defineClass, JAVA, TOMCAT } from "./known-classes.ts";
export { DEFAULT_STREAM_LIMITS, type StreamLimits } from "./limits.ts";
export { ObjectInputStream, type ObjectInputStreamOptions } from "./object-input-stream.ts";
export type { ObjectInput, ObjectOutput } from "./object-io.ts";
export { ObjectOutputStream, type ObjectOutputStreamOptions } from "./object-output-stream.ts";
export { peekClassName } from "./peek-class-name.ts";
export { SuidTable } from "./suid-table.ts";
export { convertToJava, toJava } from "./to-java.ts";
export { toJavaScript } from "./to-java-script.ts";
