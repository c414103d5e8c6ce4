// Whether an object in the API server still says what we applied, whatever defaults and others have added to it.
import { quantityValue } from "../desired/index.ts";

/**
 * Lists whose entries others may add to, by the fields that tell entries apart (x-kubernetes-list-map-keys). Any other list is one value,
 * and so is everything inside of it.
 */
const LIST_KEYS: Readonly<Record<string, readonly string[]>> = {
  containers: ["name"],
  env: ["name"],
  imagePullSecrets: ["name"],
  initContainers: ["name"],
  ownerReferences: ["uid"],
  ports: ["containerPort", "port", "protocol"],
  topologySpreadConstraints: ["topologyKey", "whenUnsatisfiable"],
  volumeMounts: ["mountPath"],
  volumes: ["name"],
};
/** What the API server fills in where an entry's key is left out. */
const KEY_DEFAULTS: Readonly<Record<string, unknown>> = { protocol: "TCP" };
/** Maps that are one value (x-kubernetes-map-type: atomic): a name more is another selector. */
const ATOMIC_MAPS: ReadonlySet<string> = new Set(["matchLabels", "nodeSelector", "selector"]);
/** Below these, texts are quantities: the API server writes 1000m as 1. */
const QUANTITIES: ReadonlySet<string> = new Set(["limits", "requests", "sizeLimit", "divisor"]);

type Json = Readonly<Record<string, unknown>>;

/** `live` may have more than `desired`: fields of others, and defaults. */
export function contains(live: unknown, desired: unknown): boolean {
  return holds(live, desired, { field: "", isAtomic: false, isQuantity: false });
}

interface Place {
  /** Name of the field whose value is compared. */
  readonly field: string;
  /** Inside of a list that is one value. */
  readonly isAtomic: boolean;
  readonly isQuantity: boolean;
}

function holds(live: unknown, desired: unknown, place: Place): boolean {
  if (live === undefined || live === null) return isZero(desired);
  if (Array.isArray(desired)) return Array.isArray(live) && listHolds(live, desired, place);
  if (isObject(desired)) return isObject(live) && mapHolds(live, desired, place);
  if (live === desired) return true;
  return place.isQuantity && isScalar(live) && isScalar(desired) && quantityValue(live) === quantityValue(desired);
}

function mapHolds(live: Json, desired: Json, place: Place): boolean {
  if (ATOMIC_MAPS.has(place.field) && !isSelector(desired) && Object.keys(live).some((name) => !(name in desired))) return false;
  return Object.entries(desired).every(([field, value]) =>
    holds(live[field], value, { ...place, field, isQuantity: place.isQuantity || QUANTITIES.has(field) }),
  );
}

/** A LabelSelector, whose own maps are the values; the selector of a Service is a map itself. */
function isSelector(value: Json): boolean {
  return "matchLabels" in value || "matchExpressions" in value;
}

function listHolds(live: readonly unknown[], desired: readonly unknown[], place: Place): boolean {
  const keys = place.isAtomic ? undefined : LIST_KEYS[place.field];
  if (keys === undefined) {
    const inside = { ...place, isAtomic: true };
    return live.length === desired.length && desired.every((entry, index) => holds(live[index], entry, inside));
  }
  const byKey = new Map(live.map((entry) => [entryKey(entry, keys), entry]));
  return desired.every((entry) => holds(byKey.get(entryKey(entry, keys)), entry, place));
}

function entryKey(entry: unknown, keys: readonly string[]): string {
  const fields = isObject(entry) ? entry : {};
  return JSON.stringify(keys.map((key) => fields[key] ?? KEY_DEFAULTS[key]));
}

/** Values that the API server leaves out, since Go's JSON does. */
function isZero(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === 0 || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && Object.values(value).every(isZero);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isScalar(value: unknown): value is string | number {
  return typeof value === "string" || typeof value === "number";
}
