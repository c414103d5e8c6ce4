// A client that sends bytes as they are and collects what comes back: for what http.request hides.
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export class RawConnection {
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
  #received = "";
  #waiting: { text: string; resolve: () => void; reject: (error: Error) => void } | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = once(socket, "close");
    socket.setEncoding("latin1");
    socket.on("error", () => undefined);
    socket.on("data", (data: string) => {
      this.#received += data;
      this.#check();
    });
    socket.on("close", () => this.#waiting?.reject(new Error(`Closed before ${JSON.stringify(this.#waiting.text)}: ${this.#received}`)));
  }

  static async open(port: number): Promise<RawConnection> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new RawConnection(socket);
  }

  /** All bytes so far, as ISO-8859-1. */
  get received(): string {
    return this.#received;
  }

  send(text: string): void {
    this.socket.write(text, "latin1");
  }

  /** A request without a body; further header lines without line ends. */
  get(target: string, ...headers: string[]): void {
    this.request("GET", target, ...headers);
  }

  request(method: string, target: string, ...headers: string[]): void {
    this.send([`${method} ${target} HTTP/1.1`, "Host: localhost", ...headers, "", ""].join("\r\n"));
  }

  /** Until this text has come; rejects when the connection closes before. */
  async until(text: string): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#waiting = { text, resolve, reject };
      this.#check();
    });
    return this.#received;
  }

  /** What has come, once the server has closed the connection. */
  async untilClosed(): Promise<string> {
    await this.closed;
    return this.#received;
  }

  forget(): void {
    this.#received = "";
  }

  destroy(): void {
    this.socket.destroy();
  }

  #check(): void {
    const waiting = this.#waiting;
    if (!waiting || !this.#received.includes(waiting.text)) return;
    this.#waiting = undefined;
    waiting.resolve();
  }
}

/** Long enough for what was written on this machine's loopback to have arrived: three turns of the event loop through a socket. */
export async function settled(port: number): Promise<void> {
  for (let round = 0; round < 3; round++) {
    const probe = connect(port, "127.0.0.1");
    await once(probe, "connect");
    probe.destroy();
    await once(probe, "close");
  }
}
