// The head of an answer that is held: headers as node:http would take them, and frozen once the application committed it.
import { type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from "node:http";
import { HeadersSentError } from "./errors.ts";

/** What writeHead takes: an object, a flat list of names and values, or a list of pairs. */
export type HeadFields = OutgoingHttpHeaders | readonly OutgoingHttpHeader[] | readonly (readonly [string, OutgoingHttpHeader])[];

const HEADERS_SENT: PropertyDescriptor = { value: true, configurable: true, writable: true };
const native = ServerResponse.prototype;

/** From here on the application sees a head that is sent, though it is held. */
export function freezeHead(response: ServerResponse): void {
  Object.defineProperty(response, "headersSent", HEADERS_SENT);
  response.setHeader = refuseSet;
  response.setHeaders = refuseSet;
  response.appendHeader = refuseAppend;
  response.removeHeader = refuseRemove;
}

/** Adds to a head that may be frozen but has not left. */
export function appendToHead(response: ServerResponse, name: string, value: string): void {
  // For the first header of a name native appendHeader calls the response's own setHeader, which may be frozen.
  if (response.hasHeader(name)) native.appendHeader.call(response, name, value);
  else native.setHeader.call(response, name, value);
}

/** Makes these the only headers of a head that may be frozen but has not left; what concerns the connection stays. */
export function replaceHead(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
  for (const name of response.getHeaderNames()) if (name !== "connection" && name !== "date") native.removeHeader.call(response, name);
  for (const name of Object.keys(headers)) native.setHeader.call(response, name, headers[name]!);
}

/** As node:http's writeHead does when headers were set before: an object replaces, a list may repeat a name. */
export function applyHeaders(response: ServerResponse, headers: HeadFields): void {
  if (!Array.isArray(headers)) {
    const fields = headers as OutgoingHttpHeaders;
    for (const name of Object.keys(fields)) if (name) response.setHeader(name, fields[name]!);
    return;
  }
  const flat: OutgoingHttpHeader[] = Array.isArray(headers[0]) ? headers.flat(1) : headers;
  if (flat.length % 2 !== 0) throw new TypeError("writeHead: the list of headers has a name without a value");
  for (let index = 0; index < flat.length; index += 2) response.removeHeader(String(flat[index]));
  for (let index = 0; index < flat.length; index += 2) {
    const value = flat[index + 1]!;
    response.appendHeader(String(flat[index]), typeof value === "number" ? String(value) : value);
  }
}

function refuseSet(): never {
  throw new HeadersSentError("set");
}

function refuseAppend(): never {
  throw new HeadersSentError("append");
}

function refuseRemove(): never {
  throw new HeadersSentError("remove");
}
