// A connection that has switched protocols (WebSocket): bytes both ways until one side ends.
import type { Duplex } from "node:stream";
import type { ResponseHead } from "../../protocol/index.ts";

export class UpgradedConnection {
  readonly #client: Duplex;
  readonly #worker: Duplex;

  /** Takes over both sockets. `ended` is called once, when both are closed. */
  constructor(client: Duplex, worker: Duplex, ended: () => void) {
    this.#client = client;
    this.#worker = worker;
    let open = 2;
    const closed = () => {
      this.destroy();
      open--;
      if (open === 0) ended();
    };
    for (const socket of [client, worker]) {
      socket.on("error", () => this.destroy());
      socket.once("close", closed);
    }
  }

  /** Passes on the worker's 101 and what the client has sent behind its request, then relays. */
  relay(head: ResponseHead, clientBytes: Buffer): void {
    let text = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    for (let index = 0; index < head.headers.length; index += 2) text += `${head.headers[index]}: ${head.headers[index + 1]}\r\n`;
    this.#client.write(`${text}\r\n`, "latin1");
    if (clientBytes.length > 0) this.#worker.write(clientBytes);
    this.#client.pipe(this.#worker);
    this.#worker.pipe(this.#client);
  }

  destroy(): void {
    this.#client.destroy();
    this.#worker.destroy();
  }
}
