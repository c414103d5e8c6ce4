// The head of a worker's answer: what a gateway passes on, end-to-end fields only, and how the body ends.
import { removeFields } from "./header-fields.ts";
import { ResponseError } from "./response-error.ts";

export interface ResponseHead {
  /** End-to-end fields in their order, name and value in turn; repeated ones such as Set-Cookie stay repeated. */
  readonly headers: string[];
  /** -1: no Content-Length. */
  readonly contentLength: number;
  /** The worker closes the connection after this answer; a draining one says so (rule 18). */
  readonly close: boolean;
}

/** With what concerns only the connection to the worker. */
export interface WorkerResponseHead extends ResponseHead {
  readonly status: number;
  readonly chunked: boolean;
  /** The connection can carry another request after the body, if the body's end is known. */
  readonly persistent: boolean;
  /** How long the worker keeps the connection when it is idle; -1: it did not say. */
  readonly keepAliveSeconds: number;
}

/** Status line and fields, each line ended by CRLF, no folded ones; every loop's characters end where the next begin, so it is linear. */
const HEAD =
  /^HTTP\/1\.([01]) ([1-9][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*$/;
/** The longest length below 2^53. */
const CONTENT_LENGTH = /^[0-9]{1,15}$/;
const TIMEOUT = /(?:^|[ ,])timeout=([0-9]{1,6})/i;

/**
 * Reads a head without the empty line behind it, one character a byte (ISO-8859-1), so that a client gets the very bytes that
 * the worker sent. Throws a ResponseError for what could be understood in two ways (RFC 9112 6.3).
 */
export function readResponseHead(text: string): WorkerResponseHead {
  const match = HEAD.exec(text);
  if (!match) throw new ResponseError("The head of the answer is malformed");
  const headers: string[] = [];
  let contentLength = -1;
  let chunked = false;
  let connection = "";
  let keepAliveSeconds = -1;
  let start = text.indexOf("\r\n") + 2;
  while (start < text.length) {
    const end = text.indexOf("\r\n", start);
    const colon = text.indexOf(":", start);
    const name = text.slice(start, colon);
    const value = trimmed(text, colon + 1, end);
    start = end + 2;
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
        if (lowerCase === "connection") {
          connection = connection === "" ? value : `${connection},${value}`;
        } else if (lowerCase === "keep-alive") {
          const timeout = TIMEOUT.exec(value);
          if (timeout) keepAliveSeconds = Number(timeout[1]);
        } else if (lowerCase === "transfer-encoding") {
          if (chunked || value.toLowerCase() !== "chunked")
            throw new ResponseError("The Transfer-Encoding of the answer is not a single chunked");
          chunked = true;
        } else if (lowerCase === "content-length") {
          if (contentLength !== -1 || !CONTENT_LENGTH.test(value))
            throw new ResponseError("The Content-Length of the answer is not one number");
          contentLength = Number(value);
        }
        if (HOP_BY_HOP.has(lowerCase)) continue;
      }
    }
    headers.push(name, value);
  }
  const oldVersion = match[1] === "0";
  if (chunked && (oldVersion || contentLength !== -1))
    throw new ResponseError("The answer is chunked and has a Content-Length, or is HTTP/1.0");
  const status = Number(match[2]);
  if (connection === "" || connection === "keep-alive") {
    const persistent = !oldVersion || connection !== "";
    return { status, headers, contentLength, chunked, close: false, persistent, keepAliveSeconds };
  }
  const options = connection
    .toLowerCase()
    .split(",")
    .map((option) => option.trim());
  const fields = options.filter((option) => option !== "close" && option !== "keep-alive" && !FRAMING.has(option));
  if (fields.length > 0) removeFields(headers, fields);
  const close = options.includes("close");
  const persistent = !close && (!oldVersion || options.includes("keep-alive"));
  return { status, headers, contentLength, chunked, close, persistent, keepAliveSeconds };
}

/** Without the optional white space around a value (RFC 9110 5.6.3); other white space belongs to it. */
function trimmed(text: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
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
