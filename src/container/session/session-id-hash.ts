// How a session id may appear in logs, metrics and pages (rule 22): who reads them must not be able to use it.
import { hash } from "node:crypto";
import { stemOf } from "../../protocol/index.ts";

const HASH_DIGITS = 8;

/** Eight hex digits that tell sessions apart; the same for every route of a session. */
export function sessionIdHash(id: string): string {
  return hash("sha256", stemOf(id), "hex").slice(0, HASH_DIGITS);
}
