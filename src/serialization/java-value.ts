// What a Java object stream holds, as inert data: nothing of it is ever executed.
import type { ClassDescriptor } from "./class-descriptor.ts";
import type { JavaArray } from "./java-array.ts";
import type { JavaClass } from "./java-class.ts";
import type { JavaEnum } from "./java-enum.ts";
import type { JavaObject } from "./java-object.ts";

/**
 * A value in object position. Strings are JavaScript strings (equal strings share a handle when written); every other
 * object is a node, and two places that hold the same node are one Java object. Nodes are not changed once they are read.
 * A ClassDescriptor in such a place is a java.io.ObjectStreamClass, which is written as its description and nothing else.
 */
export type JavaValue = null | string | JavaObject | JavaArray | JavaEnum | JavaClass | ClassDescriptor;

/**
 * A field: int, short, byte, char (its code unit), float, double are numbers; a long is a number when that is exact, else a
 * bigint; everything else is a JavaValue.
 */
export type FieldValue = number | bigint | boolean | JavaValue;

/** Custom data of one class (writeObject, writeExternal), in order: a Buffer is a run of block data. */
export type AnnotationItem = Buffer | JavaValue;
