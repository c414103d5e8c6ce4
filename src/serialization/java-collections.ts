// The lists, maps and sets of java.util, whatever their serial form, as plain sequences.
import { JavaArray } from "./java-array.ts";
import { JavaObject } from "./java-object.ts";
import type { AnnotationItem, FieldValue, JavaValue } from "./java-value.ts";

/** `elements` of a Map are keys and values in turn. */
export interface JavaCollection {
  readonly kind: "List" | "Set" | "Map";
  readonly elements: readonly JavaValue[];
}

type Kind = JavaCollection["kind"];
type CollectionReader = (object: JavaObject) => JavaCollection | undefined;

/** Tags of java.util.CollSer: List.of, Set.of, Map.of, and lists that allow null. */
const COLL_SER_KINDS: readonly (Kind | undefined)[] = [undefined, "List", "Set", "Map", "List"];

/** Custom data of the class: primitives with the size at `sizeOffset`, then the elements. */
function counted(kind: Kind, sizeOffset: number, className?: string): CollectionReader {
  return (object) => fromCounted(kind, object.annotation(className), sizeOffset);
}

function fromCounted(kind: Kind, items: readonly AnnotationItem[], sizeOffset: number): JavaCollection | undefined {
  const [head, ...elements] = items;
  if (!Buffer.isBuffer(head) || head.length < sizeOffset + 4) return undefined;
  const size = head.readInt32BE(sizeOffset);
  if (elements.length !== (kind === "Map" ? size * 2 : size)) return undefined;
  return onlyValues(elements) ? { kind, elements } : undefined;
}

function onlyValues(items: readonly AnnotationItem[]): items is readonly JavaValue[] {
  return !items.some((item) => Buffer.isBuffer(item));
}

/** Nothing but elements in fields, as the Collections.singleton… have it. */
function inFields(kind: Kind, ...names: string[]): CollectionReader {
  return (object) => {
    const elements = names.map((name) => object.field(name));
    return elements.every(isValue) ? { kind, elements } : undefined;
  };
}

function isValue(value: FieldValue | undefined): value is JavaValue {
  return value === null || typeof value === "string" || typeof value === "object";
}

/** An array in a field; `countField` tells how much of it is in use. */
function inArray(arrayField: string, countField?: string): CollectionReader {
  return (object) => {
    const array = object.field(arrayField);
    if (!(array instanceof JavaArray) || array.elementBytes > 0) return undefined;
    const count = countField === undefined ? array.elements.length : object.field(countField);
    if (typeof count !== "number" || count < 0 || count > array.elements.length) return undefined;
    return { kind: "List", elements: array.elements.slice(0, count) };
  };
}

/** A view of another collection, which stands in a field. */
function viewOf(kind: Kind, field: string): CollectionReader {
  return (object) => {
    const inner = object.field(field);
    if (!(inner instanceof JavaObject) || VIEWS.has(inner.className)) return undefined;
    const content = collectionOf(inner);
    return content === undefined ? undefined : { kind, elements: content.elements };
  };
}

/** ConcurrentHashMap: keys and values up to a null key. */
function nullTerminated(object: JavaObject): JavaCollection | undefined {
  const items = object.annotation();
  const end = items.length - 2;
  if (end < 0 || end % 2 !== 0 || items[end] !== null || items[end + 1] !== null) return undefined;
  const elements = items.slice(0, end);
  return onlyValues(elements) ? { kind: "Map", elements } : undefined;
}

/** The comparator stands before the elements, or in a field: an order of its own does not survive as a JavaScript value. */
function sortedSet(object: JavaObject): JavaCollection | undefined {
  const [comparator, ...rest] = object.annotation();
  return comparator === null ? fromCounted("Set", rest, 0) : undefined;
}

function sortedMap(object: JavaObject): JavaCollection | undefined {
  return object.field("comparator") === null ? fromCounted("Map", object.annotation(), 0) : undefined;
}

function immutable(object: JavaObject): JavaCollection | undefined {
  const tag = object.field("tag");
  const kind = typeof tag === "number" ? COLL_SER_KINDS[tag & 0xff] : undefined;
  const [head, ...elements] = object.annotation();
  if (kind === undefined || !Buffer.isBuffer(head) || head.length !== 4 || head.readInt32BE(0) !== elements.length) return undefined;
  return onlyValues(elements) ? { kind, elements } : undefined;
}

function properties(object: JavaObject): JavaCollection | undefined {
  return object.field("defaults") === null ? fromCounted("Map", object.annotation("java.util.Hashtable"), 4) : undefined;
}

const readList = counted("List", 0);
const U = "java.util.";
const COLLECTIONS = "java.util.Collections$";

const VIEWS: ReadonlyMap<string, CollectionReader> = new Map([
  [`${COLLECTIONS}UnmodifiableCollection`, viewOf("List", "c")],
  [`${COLLECTIONS}UnmodifiableList`, viewOf("List", "list")],
  [`${COLLECTIONS}UnmodifiableRandomAccessList`, viewOf("List", "list")],
  [`${COLLECTIONS}UnmodifiableSet`, viewOf("Set", "c")],
  [`${COLLECTIONS}UnmodifiableMap`, viewOf("Map", "m")],
  [`${COLLECTIONS}SynchronizedCollection`, viewOf("List", "c")],
  [`${COLLECTIONS}SynchronizedList`, viewOf("List", "list")],
  [`${COLLECTIONS}SynchronizedRandomAccessList`, viewOf("List", "list")],
  [`${COLLECTIONS}SynchronizedSet`, viewOf("Set", "c")],
  [`${COLLECTIONS}SynchronizedMap`, viewOf("Map", "m")],
]);

const READERS: ReadonlyMap<string, CollectionReader> = new Map([
  [`${U}ArrayList`, readList],
  [`${U}LinkedList`, readList],
  [`${U}ArrayDeque`, readList],
  [`${U}concurrent.CopyOnWriteArrayList`, readList],
  [`${U}Vector`, inArray("elementData", "elementCount")],
  [`${U}Stack`, inArray("elementData", "elementCount")],
  [`${U}Arrays$ArrayList`, inArray("a")],
  [`${U}HashMap`, counted("Map", 4)],
  [`${U}LinkedHashMap`, counted("Map", 4, `${U}HashMap`)],
  [`${U}Hashtable`, counted("Map", 4)],
  [`${U}Properties`, properties],
  [`${U}TreeMap`, sortedMap],
  [`${U}concurrent.ConcurrentHashMap`, nullTerminated],
  [`${U}HashSet`, counted("Set", 8)],
  [`${U}LinkedHashSet`, counted("Set", 8, `${U}HashSet`)],
  [`${U}TreeSet`, sortedSet],
  [`${U}CollSer`, immutable],
  [`${COLLECTIONS}EmptyList`, inFields("List")],
  [`${COLLECTIONS}EmptySet`, inFields("Set")],
  [`${COLLECTIONS}EmptyMap`, inFields("Map")],
  [`${COLLECTIONS}SingletonList`, inFields("List", "element")],
  [`${COLLECTIONS}SingletonSet`, inFields("Set", "element")],
  [`${COLLECTIONS}SingletonMap`, inFields("Map", "k", "v")],
  ...VIEWS,
]);

/** The content of a collection of java.util; undefined for any other object and for one whose data does not fit its class. */
export function collectionOf(object: JavaObject): JavaCollection | undefined {
  return READERS.get(object.className)?.(object);
}
