// Digest of what a pod reads when it starts: the annotation in its template that makes pods roll.
import { hash } from "node:crypto";

const DIGITS = 16;

export function configurationDigest(...parts: readonly string[]): string {
  return hash("sha256", JSON.stringify(parts)).slice(0, DIGITS);
}
