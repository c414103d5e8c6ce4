// One request and its answer, whatever protocol brought it: the seam between connectors and the container.
import type { IncomingMessage, ServerResponse } from "node:http";

/** Made by a connector for each request. `request` and `response` are the objects that applications see. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly scheme: "http" | "https";
  /** Address of the peer as the connector saw it. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
}

/** Takes exchanges from connectors. The container's Engine is one. */
export interface RequestHandler {
  /** Takes over the exchange and answers it in its own time. Must not throw. */
  handle(exchange: Exchange): void;
}
