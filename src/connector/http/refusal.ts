// Short answers written straight to a socket, for what never becomes a request.
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { systemErrorCode } from "../../base/index.ts";

const STATUS_OF_ERROR: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** The status for an error of node:http's parser; undefined when there is nobody left to answer. */
export function statusOfClientError(error: Error): number | undefined {
  const code = systemErrorCode(error);
  if (code === "ECONNRESET" || code === "EPIPE") return undefined;
  return STATUS_OF_ERROR[code ?? ""] ?? 400;
}

/** Answers and closes; the sentence goes to the client as it is. */
export function refuse(socket: Duplex, status: number, sentence: string): void {
  const body = `${sentence}\n`;
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Error"}\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
