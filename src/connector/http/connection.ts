// What a connector knows of one connection: which answers are open on it, and how many bytes have passed.
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

export class Connection {
  readonly socket: Socket;
  /** Requests whose answer is not complete; more than one when the client pipelines. */
  readonly open = new Set<ServerResponse>();
  /** How many requests have come. */
  requests = 0;
  #ending = false;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  get idle(): boolean {
    return this.open.size === 0;
  }

  /** Whether an answer has been made the last one: a request behind it is not served, since nobody would get its answer. */
  get ending(): boolean {
    return this.#ending;
  }

  /** Whether a request runs that ends by itself; an event stream does not. */
  get working(): boolean {
    for (const response of this.open) if (!isEventStream(response)) return true;
    return false;
  }

  /** Makes the answer to the newest request the last one. */
  closeAfterAnswer(): void {
    const newest = [...this.open].at(-1);
    if (newest !== undefined) this.endWith(newest);
  }

  /** Makes this answer, which must be the newest, the last one, as far as its head has not left. */
  endWith(response: ServerResponse): void {
    if (response.headersSent) return;
    response.setHeader("Connection", "close");
    this.#ending = true;
  }

  /** Cuts the connection when it carries an event stream, which would not end by itself. */
  cutEventStream(): void {
    for (const response of this.open) {
      if (!isEventStream(response)) continue;
      this.socket.destroy();
      return;
    }
  }

  /** node:http tells only the answer whose turn it is that the connection is gone; those queued behind it hear it here. */
  closeQueued(): void {
    for (const response of this.open) if (!response.closed && response.socket === null) response.destroy();
  }
}

function isEventStream(response: ServerResponse): boolean {
  const type = response.getHeader("content-type");
  return typeof type === "string" && type.startsWith("text/event-stream");
}
