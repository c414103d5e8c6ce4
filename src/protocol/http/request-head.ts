// The head of a request as it leaves for a worker.
import type { GatedRequest } from "./gate.ts";

/**
 * One character a byte (ISO-8859-1), up to and with the empty line. The parser of the client's side lets no CR, LF or NUL into a
 * target or a field. `workerHost` stands in for the Host that an HTTP/1.0 client may leave out.
 */
export function formatRequestHead(request: GatedRequest, workerHost: string): string {
  const { headers } = request;
  let text = `${request.method} ${request.target} HTTP/1.1\r\n`;
  if (request.host === undefined) text += `Host: ${workerHost}\r\n`;
  for (let index = 0; index < headers.length; index += 2) text += `${headers[index]}: ${headers[index + 1]}\r\n`;
  if (request.chunked) text += "Transfer-Encoding: chunked\r\n";
  if (request.webSocket) text += "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  return `${text}\r\n`;
}
