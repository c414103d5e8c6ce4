// What is sent for a desired object, and by what one knows it again.
import { hash } from "node:crypto";
import { API_GROUP } from "../../api/index.ts";
import type { KubeObject } from "../../kube/index.ts";
import type { KubernetesObject } from "../desired/index.ts";

/** Owns every field that we set. */
export const FIELD_MANAGER = API_GROUP;
/** On every object: digest of what was applied last. A field that we do not want any more shows in it, and nowhere else. */
export const APPLIED_ANNOTATION = `${API_GROUP}/applied`;

const DIGITS = 16;

/** The object with its digest as an annotation: what is applied. */
export function withDigest(desired: KubernetesObject): KubernetesObject {
  const annotations = { ...desired.metadata.annotations, [APPLIED_ANNOTATION]: hash("sha256", JSON.stringify(desired)).slice(0, DIGITS) };
  return { ...desired, metadata: { ...desired.metadata, annotations } };
}

/** Whether the object belongs to the owner with this uid: by its controller reference, whatever its labels say. */
export function isControlledBy(object: KubeObject, uid: string): boolean {
  return (object.metadata.ownerReferences ?? []).some((owner) => owner.controller === true && owner.uid === uid);
}

/** "ConfigMap web/shop-workers", in sentences and as a key. */
export function describeObject({ kind, metadata }: Pick<KubeObject, "kind" | "metadata">): string {
  return `${kind} ${metadata.namespace}/${metadata.name}`;
}
