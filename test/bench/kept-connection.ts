// One connection of a client that asks for nothing but speed: one request at a time, answers with a Content-Length or in chunks.
import { connect, type Socket } from "node:net";

export interface Answer {
  readonly status: number;
  /** "JSESSIONID=…" when the answer sets it. */
  readonly cookie: string | undefined;
}

const HEAD_END = "\r\n\r\n";
const LAST_CHUNK = "0\r\n\r\n";

/** Connects when it is needed, and again when the server has closed. */
export class KeptConnection {
  readonly #host: string;
  readonly #port: number;
  #socket: Socket | undefined;
  #received = "";
  #answered: ((answer: Answer) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  constructor(url: URL) {
    this.#host = url.hostname;
    this.#port = Number(url.port);
  }

  /** Rejects when the connection ends before the answer does. */
  post(path: string, cookie: string | undefined): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#answered = resolve;
      this.#failed = reject;
      this.#socket ??= this.#open();
      const cookieLine = cookie === undefined ? "" : `Cookie: ${cookie}\r\n`;
      this.#socket.write(`POST ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n${cookieLine}Content-Length: 0\r\n\r\n`, "latin1");
    });
  }

  close(): void {
    this.#socket?.destroy();
  }

  #open(): Socket {
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true });
    let error: Error | undefined;
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => this.#receive(text));
    socket.on("error", (found) => {
      error = found;
    });
    socket.on("close", () => {
      if (this.#socket === socket) this.#socket = undefined;
      this.#received = "";
      this.#failed?.(error ?? new Error("The server closed the connection"));
    });
    return socket;
  }

  #receive(text: string): void {
    this.#received += text;
    const headEnd = this.#received.indexOf(HEAD_END);
    if (headEnd === -1) return;
    const head = this.#received.slice(0, headEnd);
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
    const bodyStart = headEnd + HEAD_END.length;
    const whole = length === undefined ? this.#received.endsWith(LAST_CHUNK) : this.#received.length >= bodyStart + Number(length);
    if (!whole) return;
    const answered = this.#answered;
    this.#received = "";
    this.#answered = undefined;
    this.#failed = undefined;
    if (/\r\nconnection: close/i.test(head)) {
      this.#socket?.destroy();
      this.#socket = undefined;
    }
    answered?.({ status: Number(head.slice(9, 12)), cookie: /\r\nset-cookie: (JSESSIONID=[^;\r]+)/i.exec(head)?.[1] });
  }
}
