// Kinds of fields that several parts of the schema share. None of them is a union or unbounded, so that the CRD can say the same.
import { z } from "zod";

export const seconds = z.number().positive().max(86_400);
export const port = z.int().min(1).max(65_535);

/** A list whose entries are told apart by some of their fields: how CRD and parser know them. */
export function mapList<T extends z.ZodType>(entry: T, keys: readonly string[], maximum: number) {
  return z.array(entry).max(maximum).meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys });
}

/** A list that is one value: a change replaces all of it. */
export function atomicList<T extends z.ZodType>(entry: T, maximum: number) {
  return z.array(entry).max(maximum).meta({ "x-kubernetes-list-type": "atomic" });
}

/** Names to values, at most `maximum` of them. */
export function boundedMap<T extends z.ZodType>(value: T, maximum: number) {
  return z
    .record(z.string(), value)
    .refine((map) => Object.keys(map).length <= maximum)
    .meta({ maxProperties: maximum });
}

/** Characters of a free-form part, written as JSON. The API server bounds the whole object only. */
const MAX_FREE_FORM_CHARACTERS = 65_536;
const MAX_FREE_FORM_FIELDS = 64;

/** What Kubernetes itself defines and checks when a pod is made of it: passed on as it stands. */
export function freeForm() {
  return boundedMap(z.unknown(), MAX_FREE_FORM_FIELDS)
    .refine((value) => JSON.stringify(value).length <= MAX_FREE_FORM_CHARACTERS)
    .meta({ maxProperties: MAX_FREE_FORM_FIELDS, "x-kubernetes-preserve-unknown-fields": true });
}

/** Kubernetes' resource.Quantity. */
export const quantity = z
  .union([
    z.int().min(0),
    z
      .string()
      .max(32)
      .regex(/^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/, "must be a quantity such as 500m, 2 or 1Gi"),
  ])
  .meta({ "x-kubernetes-int-or-string": true });

export const hostName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, "must be a host name in lower case");

/** Name of a Secret, ConfigMap or other object beside the cluster. */
export const objectName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'must be the name of an object: a-z 0-9 "-" "."');

/** RFC 1123 label. */
export const labelName = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'must be 1 to 63 of the characters a-z 0-9 "-", and not begin or end with "-"');

/** Key of a ConfigMap or Secret. */
export const dataKey = z
  .string()
  .max(253)
  .regex(/^[-._a-zA-Z0-9]+$/, 'must be a key: letters, digits and "-" "." "_"');

const labelValue = z
  .string()
  .max(63)
  .regex(/^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/, 'must be the value of a label: letters, digits and "-" "." "_"');

export const labels = boundedMap(labelValue, 64);
export const annotations = boundedMap(z.string().max(4096), 64);
export const image = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[^\s]+$/, "must be the reference of an image, without spaces");
