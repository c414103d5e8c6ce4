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
/** `views` is the number of views around the object. */
type CollectionReader = (object: JavaObject, views: number) => JavaCollection | undefined;

/** A view of a view is usual, a view of itself is a peer's malice. */
const MAX_VIEWS = 4;

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
  return (object, views) => {
    const content = inside(object, field, views);
    if (content === undefined || (content.kind === "Map") !== (kind === "Map")) return undefined;
    return { kind, elements: content.elements };
  };
}

/** A set whose elements are the keys of a map, which stands in a field. */
function keysOf(field: string): CollectionReader {
  return (object, views) => {
    const content = inside(object, field, views);
    return content?.kind === "Map" ? { kind: "Set", elements: content.elements.filter((_, index) => index % 2 === 0) } : undefined;
  };
}

function inside(object: JavaObject, field: string, views: number): JavaCollection | undefined {
  const inner = object.field(field);
  return inner instanceof JavaObject && views < MAX_VIEWS ? READERS.get(inner.className)?.(inner, views + 1) : undefined;
}

/** ConcurrentHashMap and ConcurrentSkipListMap: keys and values up to a null key, which may have a null value. */
function nullTerminated(object: JavaObject, nulls: 1 | 2): JavaCollection | undefined {
  const items = object.annotation();
  const end = items.length - nulls;
  if (end < 0 || end % 2 !== 0 || items[end] !== null || items.at(-1) !== null) return undefined;
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

function skipListMap(object: JavaObject): JavaCollection | undefined {
  return object.field("comparator") === null ? nullTerminated(object, 1) : undefined;
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

/** What `Collections.unmodifiable…`, `synchronized…` and `checked…` make, by the end of its class name. */
const WRAPPERS: Readonly<Record<string, CollectionReader>> = {
  Collection: viewOf("List", "c"),
  List: viewOf("List", "list"),
  RandomAccessList: viewOf("List", "list"),
  Set: viewOf("Set", "c"),
  SortedSet: viewOf("Set", "c"),
  NavigableSet: viewOf("Set", "c"),
  Map: viewOf("Map", "m"),
  SortedMap: viewOf("Map", "m"),
  NavigableMap: viewOf("Map", "m"),
};

function wrappers(prefix: string): (readonly [string, CollectionReader])[] {
  return Object.entries(WRAPPERS).map(([name, reader]) => [`${COLLECTIONS}${prefix}${name}`, reader]);
}

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
  [`${U}IdentityHashMap`, counted("Map", 0)],
  [`${U}concurrent.ConcurrentHashMap`, (object) => nullTerminated(object, 2)],
  [`${U}concurrent.ConcurrentSkipListMap`, skipListMap],
  [`${U}HashSet`, counted("Set", 8)],
  [`${U}LinkedHashSet`, counted("Set", 8, `${U}HashSet`)],
  [`${U}TreeSet`, sortedSet],
  [`${U}concurrent.CopyOnWriteArraySet`, viewOf("Set", "al")],
  [`${U}concurrent.ConcurrentSkipListSet`, keysOf("m")],
  [`${U}concurrent.ConcurrentHashMap$KeySetView`, keysOf("map")],
  [`${COLLECTIONS}SetFromMap`, keysOf("m")],
  [`${U}CollSer`, immutable],
  [`${COLLECTIONS}EmptyList`, inFields("List")],
  [`${COLLECTIONS}EmptySet`, inFields("Set")],
  [`${COLLECTIONS}EmptyMap`, inFields("Map")],
  [`${COLLECTIONS}SingletonList`, inFields("List", "element")],
  [`${COLLECTIONS}SingletonSet`, inFields("Set", "element")],
  [`${COLLECTIONS}SingletonMap`, inFields("Map", "k", "v")],
  [`${COLLECTIONS}UnmodifiableNavigableSet$EmptyNavigableSet`, viewOf("Set", "c")],
  [`${COLLECTIONS}UnmodifiableNavigableMap$EmptyNavigableMap`, viewOf("Map", "m")],
  ...wrappers("Unmodifiable"),
  ...wrappers("Synchronized"),
  ...wrappers("Checked"),
]);

/** The content of a collection of java.util; undefined for any other object and for one whose data does not fit its class. */
export function collectionOf(object: JavaObject): JavaCollection | undefined {
  return READERS.get(object.className)?.(object, 0);
}
