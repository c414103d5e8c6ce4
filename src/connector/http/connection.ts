// What a connector knows of one connection: which answers are open on it, and how many bytes have passed.
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

export class Connection {
  readonly socket: Socket;
  /** Requests whose answer is not complete; more than one when the client pipelines. */
  readonly open = new Set<ServerResponse>();
  /** How many requests have come. */
  requests = 0;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  get idle(): boolean {
    return this.open.size === 0;
  }

  /** Makes the open answers the last ones, as far as their heads have not left. */
  closeAfterAnswer(): void {
    for (const response of this.open) closeAfter(response);
  }

  /** Cuts the connection when it carries an event stream, which would not end by itself. */
  cutEventStream(): void {
    for (const response of this.open) {
      const type = response.getHeader("content-type");
      if (typeof type === "string" && type.startsWith("text/event-stream")) {
        this.socket.destroy();
        return;
      }
    }
  }

  /** node:http tells only the answer whose turn it is that the connection is gone; those queued behind it hear it here. */
  closeQueued(): void {
    for (const response of this.open) if (!response.closed && response.socket === null) response.destroy();
  }
}

export function closeAfter(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader("Connection", "close");
}
