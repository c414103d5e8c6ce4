// The body of a client's request as a stream towards a worker, read only when the worker has room for it.
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { TomcatClusterError } from "../../base/index.ts";

/** The client's connection ended before the body did. */
export class RequestBodyCutError extends TomcatClusterError {
  readonly code = "REQUEST_BODY_CUT";

  constructor() {
    super("The client closed its connection before the end of the request body");
  }
}

/**
 * A stream of its own between the two connections: destroying it, as HTTP clients do with a body that they no longer need,
 * leaves the client's connection open for the answer.
 */
export class RequestBody extends Readable {
  readonly #request: IncomingMessage;
  readonly #progressed: (bytes: number) => void;
  readonly #beginning: () => void;
  #started = false;
  #waiting = false;

  /** `beginning` is called before the first byte is asked for, `progressed` with the length of every chunk. */
  constructor(request: IncomingMessage, beginning: () => void, progressed: (bytes: number) => void) {
    super({ highWaterMark: 65_536 });
    this.#request = request;
    this.#beginning = beginning;
    this.#progressed = progressed;
    // A forwarder listens only while its attempt runs; later the end of the client's connection is the balancer's own news.
    this.on("error", () => this.#detach());
  }

  /** Nothing has been taken from the client: a second stream over the same request would deliver the whole body. */
  get untouched(): boolean {
    return !this.#started;
  }

  /** The worker has room, and the client sends nothing. */
  get waitsForClient(): boolean {
    return this.#waiting && !this.readableEnded;
  }

  override _read(): void {
    this.#waiting = true;
    if (!this.#started) {
      this.#started = true;
      this.#beginning();
      this.#request.on("data", this.#onData);
      this.#request.on("end", this.#onEnd);
      this.#request.on("close", this.#onClose);
    }
    this.#request.resume();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#detach();
    callback(error);
  }

  #onData = (chunk: Buffer): void => {
    this.#progressed(chunk.length);
    if (this.push(chunk)) return;
    this.#waiting = false;
    this.#request.pause();
  };

  #onEnd = (): void => {
    this.#waiting = false;
    this.#detach();
    this.push(null);
  };

  #onClose = (): void => {
    if (!this.#request.complete) this.destroy(new RequestBodyCutError());
  };

  #detach(): void {
    if (!this.#started) return;
    this.#request.off("data", this.#onData);
    this.#request.off("end", this.#onEnd);
    this.#request.off("close", this.#onClose);
    this.#request.pause();
  }
}
