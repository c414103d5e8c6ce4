// The head of a worker's answer, as a gateway passes it on: end-to-end fields only.
import { removeFields } from "./header-fields.ts";

export interface ResponseHead {
  /** End-to-end fields in their order, name and value in turn; repeated ones such as Set-Cookie stay repeated. */
  readonly headers: string[];
  /** -1: no Content-Length. */
  readonly contentLength: number;
  /** The worker closes the connection after this answer; a draining one says so (rule 18). */
  readonly close: boolean;
}

/**
 * Reads the flat list of name and value bytes that an HTTP parser delivers. Bytes become characters one to one (ISO-8859-1),
 * so that a client gets the very bytes that the worker sent.
 */
export function readResponseHead(rawHeaders: readonly Buffer[]): ResponseHead {
  const headers: string[] = [];
  let contentLength = -1;
  let connection = "";
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toString("latin1");
    const value = rawHeaders[index + 1]!.toString("latin1");
    switch (name.length) {
      case 2: // te
      case 7: // trailer, upgrade
      case 10: // connection, keep-alive
      case 14: // content-length
      case 16: // proxy-connection
      case 17: // transfer-encoding
      case 18: {
        // proxy-authenticate
        const lowerCase = name.toLowerCase();
        if (lowerCase === "connection") connection = connection === "" ? value : `${connection},${value}`;
        if (HOP_BY_HOP.has(lowerCase)) continue;
        if (lowerCase === "content-length") contentLength = Number(value);
      }
    }
    headers.push(name, value);
  }
  if (connection === "" || connection === "keep-alive") return { headers, contentLength, close: false };
  const options = connection
    .toLowerCase()
    .split(",")
    .map((option) => option.trim());
  const fields = options.filter((option) => option !== "close" && option !== "keep-alive" && !FRAMING.has(option));
  if (fields.length > 0) removeFields(headers, fields);
  return { headers, contentLength, close: options.includes("close") };
}

const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Fields that a Connection field of an answer cannot take away. */
const FRAMING: ReadonlySet<string> = new Set(["content-length", "content-type", "content-encoding", "set-cookie"]);
