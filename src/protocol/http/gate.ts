// The gate: which requests a gateway lets through, beyond what node:http's parser checks, and what it passes on (balancer.md 1.5, 8).
import { connectionOption, FieldRole, fieldRole, removeFields } from "./header-fields.ts";

/** Why a request is not forwarded. The connection is to be closed after the answer: what follows may not be a request. */
export class GateRefusal {
  readonly status: 400 | 431 | 505;
  /** Stable, for metrics. */
  readonly reason: string;
  /** One sentence for the client. */
  readonly message: string;

  constructor(reason: string, message: string, status: 400 | 431 | 505 = 400) {
    this.status = status;
    this.reason = reason;
    this.message = message;
  }
}

/** A request that may be forwarded, in the form in which it leaves. */
export interface GatedRequest {
  readonly method: string;
  /** Origin form, "/path?query", or "*". */
  readonly target: string;
  /** The Host field; undefined only in HTTP/1.0. */
  readonly host: string | undefined;
  /** End-to-end fields in their order, name and value in turn, Host and Content-Length among them, X-Forwarded-* last. */
  readonly headers: string[];
  /** -1: no Content-Length. */
  readonly contentLength: number;
  readonly chunked: boolean;
  /** Every Cookie field, joined by "; "; "" when there is none. */
  readonly cookie: string;
  /** The client asks for a WebSocket on this connection. */
  readonly webSocket: boolean;
}

export interface GateOptions {
  readonly maxHeaders: number;
  /** `Append`: a trusted proxy stands in front and its X-Forwarded-* are kept. */
  readonly forwarded: "Replace" | "Append";
}

/** How the client reached this gateway. */
export interface Client {
  readonly address: string;
  readonly scheme: "http" | "https";
}

const TOO_MANY_FIELDS = new GateRefusal("too_many_headers", "The request has too many header fields", 431);
const UNKNOWN_VERSION = new GateRefusal("version", "The request is neither HTTP/1.1 nor HTTP/1.0", 505);
const NO_HOST = new GateRefusal("host_missing", "The request has no Host field");
const TWO_HOSTS = new GateRefusal("host_repeated", "The request has more than one Host field");
const WRONG_HOST = new GateRefusal("host_invalid", "The Host field is not a host and port");
const OTHER_HOST = new GateRefusal("host_differs", "The target names another host than the Host field");
const FRAGMENT = new GateRefusal("fragment", "The target contains #");
const WRONG_TARGET = new GateRefusal("target_invalid", "The target is not a path");
const WRONG_LENGTH = new GateRefusal("content_length_invalid", "The Content-Length field is not one number");
const WRONG_CODING = new GateRefusal("transfer_encoding", "The Transfer-Encoding is not a single chunked");
const CODING_IN_1_0 = new GateRefusal("transfer_encoding_1_0", "HTTP/1.0 has no Transfer-Encoding");
const LENGTH_AND_CODING = new GateRefusal("length_and_coding", "The request has both Content-Length and Transfer-Encoding");
const TWO_AUTHORIZATIONS = new GateRefusal("authorization_repeated", "The request has more than one Authorization field");
const TWO_CONTENT_TYPES = new GateRefusal("content_type_repeated", "The request has more than one Content-Type field");
const END_TO_END_OPTION = new GateRefusal("connection_end_to_end", "The Connection field names a field that is not its to remove");

const HOST = /^(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._~-]{1,255})(?::[0-9]{1,5})?$/;
const ABSOLUTE_FORM = /^https?:\/\/([^/?]*)(.*)$/i;
/** The longest length below 2^53. */
const CONTENT_LENGTH = /^[0-9]{1,15}$/;

/**
 * Checks the head of a request and makes the one that leaves, in one pass over `rawHeaders` (node:http's flat list).
 * `httpVersion` is "1.0" or "1.1".
 */
export function passGate(
  method: string,
  target: string,
  httpVersion: string,
  rawHeaders: readonly string[],
  client: Client,
  options: GateOptions,
): GatedRequest | GateRefusal {
  if (httpVersion !== "1.1" && httpVersion !== "1.0") return UNKNOWN_VERSION;
  if (rawHeaders.length > 2 * options.maxHeaders) return TOO_MANY_FIELDS;
  const keepForwarded = options.forwarded === "Append";
  const headers: string[] = [];
  let host: string | undefined;
  let contentLength = -1;
  let chunked = false;
  let cookie = "";
  let connection = "";
  let upgrade = "";
  let hasAuthorization = false;
  let hasContentType = false;
  let forwardedFor = "";
  let forwardedProto: string | undefined;
  let forwardedHost: string | undefined;
  let forwardedPort: string | undefined;

  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    const value = rawHeaders[index + 1]!;
    switch (fieldRole(name)) {
      case FieldRole.Pass:
        headers.push(name, value);
        break;
      case FieldRole.Drop:
      case FieldRole.Expect: // node:http has answered 100 or 417
        break;
      case FieldRole.Host:
        if (host !== undefined) return TWO_HOSTS;
        if (!HOST.test(value)) return WRONG_HOST;
        host = value;
        headers.push(name, value);
        break;
      case FieldRole.ContentLength:
        if (contentLength !== -1 || !CONTENT_LENGTH.test(value)) return WRONG_LENGTH;
        contentLength = Number(value);
        headers.push(name, value);
        break;
      case FieldRole.TransferEncoding:
        if (chunked || value.toLowerCase() !== "chunked") return WRONG_CODING;
        chunked = true;
        break;
      case FieldRole.Connection:
        connection = connection === "" ? value : `${connection},${value}`;
        break;
      case FieldRole.Upgrade:
        upgrade = upgrade === "" ? value : `${upgrade},${value}`;
        break;
      case FieldRole.Cookie:
        cookie = cookie === "" ? value : `${cookie}; ${value}`;
        headers.push(name, value);
        break;
      case FieldRole.ContentType:
        if (hasContentType) return TWO_CONTENT_TYPES;
        hasContentType = true;
        headers.push(name, value);
        break;
      case FieldRole.Authorization:
        if (hasAuthorization) return TWO_AUTHORIZATIONS;
        hasAuthorization = true;
        headers.push(name, value);
        break;
      case FieldRole.Forwarded:
        if (keepForwarded) headers.push(name, value);
        break;
      case FieldRole.XForwardedFor:
        if (keepForwarded) forwardedFor += `${value}, `;
        break;
      case FieldRole.XForwardedProto:
        forwardedProto ??= value;
        break;
      case FieldRole.XForwardedHost:
        forwardedHost ??= value;
        break;
      case FieldRole.XForwardedPort:
        forwardedPort ??= value;
        break;
    }
  }

  if (host === undefined && httpVersion === "1.1") return NO_HOST;
  if (chunked) {
    if (httpVersion === "1.0") return CODING_IN_1_0;
    if (contentLength !== -1) return LENGTH_AND_CODING;
  }
  const path = originForm(method, target, host);
  if (path instanceof GateRefusal) return path;
  let wantsUpgrade = false;
  if (connection !== "" && !isPlainConnection(connection)) {
    const named = connectionFields(connection);
    if (named instanceof GateRefusal) return named;
    wantsUpgrade = named.upgrade;
    if (named.fields.length > 0) removeFields(headers, named.fields);
  }

  if (!keepForwarded) forwardedProto = forwardedHost = forwardedPort = undefined;
  const scheme = forwardedProto ?? client.scheme;
  headers.push("X-Forwarded-For", forwardedFor + client.address, "X-Forwarded-Proto", scheme);
  const publicHost = forwardedHost ?? host;
  if (publicHost !== undefined)
    headers.push("X-Forwarded-Host", publicHost, "X-Forwarded-Port", forwardedPort ?? portOf(publicHost, scheme));
  const webSocket = wantsUpgrade && method === "GET" && contentLength <= 0 && !chunked && upgrade.toLowerCase() === "websocket";
  return { method, target: path, host, headers, contentLength, chunked, cookie, webSocket };
}

/** The target as a path: absolute form is accepted when it names the same host, "*" only for OPTIONS (RFC 9112 3.2). */
function originForm(method: string, target: string, host: string | undefined): string | GateRefusal {
  if (target.includes("#")) return FRAGMENT;
  if (target.charCodeAt(0) === 0x2f) return target;
  if (target === "*") return method === "OPTIONS" ? target : WRONG_TARGET;
  const absolute = ABSOLUTE_FORM.exec(target);
  if (!absolute) return WRONG_TARGET;
  const [, authority = "", rest = ""] = absolute;
  if (host !== undefined && authority.toLowerCase() !== host.toLowerCase()) return OTHER_HOST;
  if (!HOST.test(authority)) return WRONG_TARGET;
  return rest.startsWith("/") ? rest : `/${rest}`;
}

function isPlainConnection(value: string): boolean {
  return value === "keep-alive" || value === "close" || value === "Keep-Alive";
}

function connectionFields(connection: string): { upgrade: boolean; fields: readonly string[] } | GateRefusal {
  const fields: string[] = [];
  let upgrade = false;
  for (const part of connection.split(",")) {
    const option = part.trim().toLowerCase();
    if (option === "upgrade") upgrade = true;
    if (option === "") continue;
    const kind = connectionOption(option);
    if (kind === "EndToEndField") return END_TO_END_OPTION;
    if (kind === "FieldName") fields.push(option);
  }
  return { upgrade, fields };
}

function portOf(host: string, scheme: string): string {
  const colon = host.lastIndexOf(":");
  if (colon > host.lastIndexOf("]")) return host.slice(colon + 1);
  return scheme === "https" ? "443" : "80";
}
