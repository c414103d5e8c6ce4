// What a gateway does with each request header field, looked up by spelling: one map access per field on the hot path.

export const FieldRole = {
  /** End-to-end: goes to the worker as it came. */
  Pass: 0,
  /** Belongs to this connection only, or can mean something else to the worker: left out. */
  Drop: 1,
  Host: 2,
  ContentLength: 3,
  TransferEncoding: 4,
  Connection: 5,
  Upgrade: 6,
  Expect: 7,
  Cookie: 8,
  ContentType: 9,
  Authorization: 10,
  /** A statement about the client that a proxy makes; the client's own is not to be believed. */
  Forwarded: 11,
  XForwardedFor: 12,
  XForwardedProto: 13,
  XForwardedHost: 14,
  XForwardedPort: 15,
} as const;
export type FieldRole = (typeof FieldRole)[keyof typeof FieldRole];

const ROLES: Readonly<Record<string, FieldRole>> = {
  host: FieldRole.Host,
  "content-length": FieldRole.ContentLength,
  "transfer-encoding": FieldRole.TransferEncoding,
  connection: FieldRole.Connection,
  upgrade: FieldRole.Upgrade,
  expect: FieldRole.Expect,
  cookie: FieldRole.Cookie,
  "content-type": FieldRole.ContentType,
  authorization: FieldRole.Authorization,
  "keep-alive": FieldRole.Drop,
  "proxy-connection": FieldRole.Drop,
  "proxy-authorization": FieldRole.Drop,
  "http2-settings": FieldRole.Drop,
  te: FieldRole.Drop,
  trailer: FieldRole.Drop,
  forwarded: FieldRole.Forwarded,
  "x-real-ip": FieldRole.Forwarded,
  "x-forwarded-for": FieldRole.XForwardedFor,
  "x-forwarded-proto": FieldRole.XForwardedProto,
  "x-forwarded-host": FieldRole.XForwardedHost,
  "x-forwarded-port": FieldRole.XForwardedPort,
};

/** Fields that nearly every request has, so that their role is found without lower-casing their name. */
const COMMON_FIELDS = [
  "accept",
  "accept-encoding",
  "accept-language",
  "cache-control",
  "if-modified-since",
  "if-none-match",
  "origin",
  "pragma",
  "priority",
  "range",
  "referer",
  "user-agent",
  "sec-ch-ua",
  "sec-ch-ua-mobile",
  "sec-ch-ua-platform",
  "sec-fetch-dest",
  "sec-fetch-mode",
  "sec-fetch-site",
  "sec-fetch-user",
  "upgrade-insecure-requests",
  "x-requested-with",
];

const FORWARDED_PREFIX = "x-forwarded-";

function roleOfLowerCase(name: string): FieldRole {
  const role = ROLES[name];
  if (role !== undefined) return role;
  if (name.includes("_")) return FieldRole.Drop;
  return name.startsWith(FORWARDED_PREFIX) ? FieldRole.Forwarded : FieldRole.Pass;
}

/** "user-agent" as "User-Agent", the spelling that most clients use. */
function canonical(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (match) => match.toUpperCase());
}

const bySpelling = new Map<string, FieldRole>();
for (const name of [...Object.keys(ROLES), ...COMMON_FIELDS]) {
  bySpelling.set(name, roleOfLowerCase(name));
  bySpelling.set(canonical(name), roleOfLowerCase(name));
}

/**
 * The role of a field. Names with an underscore are dropped: a container that maps "-" and "_" to the same CGI-like variable
 * would take `X_Forwarded_For` for the field that the gateway sets.
 */
export function fieldRole(name: string): FieldRole {
  return bySpelling.get(name) ?? roleOfLowerCase(name.toLowerCase());
}

/** Options of a Connection field that name no header field of the application (RFC 9110 7.6.1). Lower case. */
const CONNECTION_OPTIONS: ReadonlySet<string> = new Set([
  "close",
  "keep-alive",
  "upgrade",
  "te",
  "trailer",
  "trailers",
  "proxy-connection",
  "http2-settings",
]);

/** Fields that must reach the worker, or that frame or route the message: a Connection field that names one is an attack. */
const NEVER_HOP_BY_HOP: ReadonlySet<string> = new Set([
  "accept",
  "accept-charset",
  "accept-encoding",
  "accept-language",
  "authorization",
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-length",
  "content-location",
  "content-range",
  "content-type",
  "cookie",
  "cookie2",
  "date",
  "expect",
  "forwarded",
  "host",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "origin",
  "pragma",
  "range",
  "referer",
  "set-cookie",
  "transfer-encoding",
  "user-agent",
  "via",
  "x-csrf-token",
  "x-real-ip",
  "x-requested-with",
  "x-xsrf-token",
]);

export type ConnectionOption = "Known" | "FieldName" | "EndToEndField";

/** What one lower-case option of a Connection field is. */
export function connectionOption(option: string): ConnectionOption {
  if (CONNECTION_OPTIONS.has(option)) return "Known";
  return NEVER_HOP_BY_HOP.has(option) || option.startsWith(FORWARDED_PREFIX) || option.startsWith("sec-") ? "EndToEndField" : "FieldName";
}

/** Takes the named fields (lower case) out of a flat list, in place. */
export function removeFields(headers: string[], names: readonly string[]): void {
  let kept = 0;
  for (let index = 0; index < headers.length; index += 2) {
    if (names.includes(headers[index]!.toLowerCase())) continue;
    headers[kept] = headers[index]!;
    headers[kept + 1] = headers[index + 1]!;
    kept += 2;
  }
  headers.length = kept;
}
