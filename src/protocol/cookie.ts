// Writes Set-Cookie fields (RFC 6265, 4.1), strictly: what a name or value must not contain is refused, never escaped.
import { TomcatClusterError } from "../base/index.ts";

/** Thrown for a cookie that cannot be written. */
export class InvalidCookieError extends TomcatClusterError {
  readonly code = "INVALID_COOKIE";

  constructor(part: string, value: string) {
    super(`Cookie ${part} "${value}" has characters that a Set-Cookie field cannot carry`);
  }
}

export interface CookieAttributes {
  readonly path?: string | undefined;
  readonly domain?: string | undefined;
  readonly httpOnly?: boolean;
  readonly secure?: boolean;
  /** Left out when undefined or "unset". */
  readonly sameSite?: "unset" | "none" | "lax" | "strict";
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE = /^[!#-+\--:<-[\]-~]*$/;
const ATTRIBUTE = /^[ -:<-~]*$/;
const SAME_SITE = { unset: "", none: "; SameSite=None", lax: "; SameSite=Lax", strict: "; SameSite=Strict" } as const;

/** What follows "name=value" in a Set-Cookie field: compute it once for cookies that differ in their value only. */
export function cookieAttributes(attributes: CookieAttributes): string {
  let text = "";
  if (attributes.path !== undefined) text += `; Path=${checked("path", attributes.path, ATTRIBUTE)}`;
  if (attributes.domain !== undefined) text += `; Domain=${checked("domain", attributes.domain, ATTRIBUTE)}`;
  if (attributes.secure) text += "; Secure";
  if (attributes.httpOnly) text += "; HttpOnly";
  return text + SAME_SITE[attributes.sameSite ?? "unset"];
}

/** A whole Set-Cookie value; `attributes` is what `cookieAttributes` made. */
export function setCookie(name: string, value: string, attributes: string): string {
  return `${checked("name", name, TOKEN)}=${checked("value", value, VALUE)}${attributes}`;
}

function checked(part: string, value: string, allowed: RegExp): string {
  if (!allowed.test(value)) throw new InvalidCookieError(part, value);
  return value;
}
