// Patterns of access logs: parsed once into a function. Session ids appear as their short hash only (rule 22).
import type { OutgoingHttpHeader } from "node:http";
import { AccessLogPatternError } from "../errors.ts";
import type { Request } from "../request.ts";
import { sessionIdHash } from "../session/session-id-hash.ts";

export interface AccessLogEntry {
  readonly request: Request;
  /** Milliseconds since 1970. */
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly sessionId: string | undefined;
}

export type AccessLogFormat = (entry: AccessLogEntry) => string;

const NAMED: Readonly<Record<string, string>> = {
  common: '%h %l %u %t "%r" %s %b',
  combined: '%h %l %u %t "%r" %s %b "%{Referer}i" "%{User-Agent}i"',
};

const DIRECTIVE = /%(?:\{([^}]*)\}(.)|(.))/g;
const CONTROL = /["\\\p{Cc}]/gu;
const SESSION_ID = /(sessionid=)([^;/?#&,\s"]+)/gi;
const SESSION_ID_NAME = /sessionid$/i;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const plain: Readonly<Record<string, AccessLogFormat>> = {
  "%": () => "%",
  a: ({ request }) => request.exchange.remoteAddress,
  A: ({ request }) => request.exchange.localAddress,
  b: ({ request }) => (request.bodyBytes === 0 ? "-" : String(request.bodyBytes)),
  B: ({ request }) => String(request.bodyBytes),
  D: ({ durationMs }) => String(Math.round(durationMs * 1000)),
  h: ({ request }) => request.exchange.remoteAddress,
  H: ({ request }) => `HTTP/${request.req.httpVersion}`,
  l: () => "-",
  m: ({ request }) => escaped(request.req.method ?? "-"),
  p: ({ request }) => String(request.exchange.localPort),
  q: ({ request }) => target(request.originalUrl.includes("?") ? request.originalUrl.slice(request.originalUrl.indexOf("?")) : ""),
  r: ({ request }) => `${escaped(request.req.method ?? "-")} ${target(request.originalUrl)} HTTP/${request.req.httpVersion}`,
  s: ({ request }) => String(request.res.statusCode),
  S: ({ sessionId }) => (sessionId === undefined ? "-" : sessionIdHash(sessionId)),
  t: ({ startedAtMs }) => timeStamp(new Date(startedAtMs)),
  T: ({ durationMs }) => (durationMs / 1000).toFixed(3),
  u: () => "-",
  U: ({ request }) => target(request.originalUrl.split("?", 1)[0]!),
  v: ({ request }) => request.host.name,
};

const withArgument: Readonly<Record<string, (name: string) => AccessLogFormat>> = {
  i: (name) => {
    const field = name.toLowerCase();
    return ({ request }) => headerText(request, request.req.headers[field]);
  },
  o:
    (name) =>
    ({ request }) =>
      headerText(request, request.res.getHeader(name)),
};

const KNOWN = [...Object.keys(plain).map((letter) => `%${letter}`), "%{name}i", "%{name}o"].join(" ");

/** Throws AccessLogPatternError for a directive that is not known. */
export function compileAccessLogPattern(pattern: string): AccessLogFormat {
  const text = NAMED[pattern] ?? pattern;
  const parts: (string | AccessLogFormat)[] = [];
  let end = 0;
  for (const match of text.matchAll(DIRECTIVE)) {
    parts.push(text.slice(end, match.index), directive(match[0], match[1], match[2], match[3]));
    end = match.index + match[0].length;
  }
  parts.push(text.slice(end));
  return (entry) => {
    let line = "";
    for (const part of parts) line += typeof part === "string" ? part : part(entry);
    return line;
  };
}

function directive(whole: string, name: string | undefined, kind: string | undefined, letter: string | undefined): AccessLogFormat {
  const format = letter !== undefined ? plain[letter] : withArgument[kind ?? ""]?.(name ?? "");
  if (!format) throw new AccessLogPatternError(whole, KNOWN);
  return format;
}

/** "[20/Nov/2026:11:47:17 +0000]": always UTC, as containers run. */
function timeStamp(date: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}`;
  return `[${day}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000]`;
}

function headerText(request: Request, value: OutgoingHttpHeader | undefined): string {
  if (value === undefined) return "-";
  const text = Array.isArray(value) ? value.join(",") : String(value);
  const name = request.context?.cookieLookUp.cookie;
  return target(name === undefined || SESSION_ID_NAME.test(name) ? text : withoutCookie(text, `${name}=`));
}

/** For session cookies whose name does not tell what they are. */
function withoutCookie(text: string, prefix: string): string {
  return text
    .split(prefix)
    .map((part, index) => (index === 0 ? part : part.replace(/^[^;,\s"]+/, (id) => sessionIdHash(id))))
    .join(prefix);
}

function hashed(_whole: string, prefix: string, id: string): string {
  return prefix + sessionIdHash(id);
}

function target(text: string): string {
  return escaped(text.replace(SESSION_ID, hashed));
}

/** No client may write quotes or line ends into the log. */
function escaped(text: string): string {
  return text.replace(CONTROL, (character) =>
    character === '"' || character === "\\" ? `\\${character}` : `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
