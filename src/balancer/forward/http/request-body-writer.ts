// The streamed body of a request on its way to a worker, no faster than the worker reads.
import type { Readable } from "node:stream";
import type { WorkerConnection } from "./worker-connection.ts";

export class RequestBodyWriter {
  readonly #body: Readable;
  readonly #connection: WorkerConnection;
  readonly #chunked: boolean;
  readonly #failed: (cause: Error) => void;
  #ended = false;

  /** `failed` is called when the body ends before its end. Without `chunked` the head has told the length, which the client's parser keeps. */
  constructor(body: Readable, connection: WorkerConnection, chunked: boolean, failed: (cause: Error) => void) {
    this.#body = body;
    this.#connection = connection;
    this.#chunked = chunked;
    this.#failed = failed;
  }

  /** The whole body was written. */
  get ended(): boolean {
    return this.#ended;
  }

  start(): void {
    this.#body.on("data", this.#onData);
    this.#body.on("end", this.#onEnd);
    this.#body.on("error", this.#failed);
  }

  /** The connection takes more. */
  resume(): void {
    if (!this.#ended) this.#body.resume();
  }

  /** Nothing more of the body is read. */
  stop(): void {
    this.#body.off("data", this.#onData);
    this.#body.off("end", this.#onEnd);
    this.#body.off("error", this.#failed);
    this.#body.destroy();
  }

  #onData = (bytes: Buffer): void => {
    if (!(this.#chunked ? this.#writeChunk(bytes) : this.#connection.write(bytes))) this.#body.pause();
  };

  #onEnd = (): void => {
    this.#ended = true;
    if (this.#chunked) this.#connection.write("0\r\n\r\n");
  };

  #writeChunk(bytes: Buffer): boolean {
    this.#connection.cork();
    this.#connection.write(`${bytes.length.toString(16)}\r\n`);
    this.#connection.write(bytes);
    const hasRoom = this.#connection.write("\r\n");
    this.#connection.uncork();
    return hasRoom;
  }
}
