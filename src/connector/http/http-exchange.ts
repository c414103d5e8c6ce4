// A request of node:http and its answer as an exchange.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Exchange } from "../../protocol/index.ts";

/** Addresses are looked up when asked for: the socket keeps them, also after its end. */
export class HttpExchange implements Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly scheme = "http";

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.response = response;
  }

  get remoteAddress(): string {
    return this.request.socket.remoteAddress ?? "";
  }

  get remotePort(): number {
    return this.request.socket.remotePort ?? 0;
  }

  get localAddress(): string {
    return this.request.socket.localAddress ?? "";
  }

  get localPort(): number {
    return this.request.socket.localPort ?? 0;
  }
}
