// How a session id may appear in logs, metrics and pages (rule 22): who reads them must not be able to use it.
import { hash } from "node:crypto";
import { stemOf } from "../../protocol/index.ts";

const HASH_DIGITS = 8;

/** Hex digits that tell sessions apart, eight unless more are asked for; the same for every route of a session. */
export function sessionIdHash(id: string, digits: number = HASH_DIGITS): string {
  return hash("sha256", stemOf(id), "hex").slice(0, digits);
}
