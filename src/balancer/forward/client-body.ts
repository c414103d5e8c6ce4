// What a client sends behind the head of its request: held whole when it is small, so that it can be sent again; streamed otherwise.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { RequestBody } from "./request-body.ts";

/** Announced length of all bodies that are held now; the memory itself grows with the bytes received. */
export interface HeldMemory {
  heldBytes: number;
}

export interface ClientBodyLimits {
  /** Bodies up to this length are held. */
  readonly retryBodyBytes: number;
  /** All held bodies together; beyond it bodies are streamed. */
  readonly retryMemoryBytes: number;
}

export class ClientBody {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #memory: HeldMemory;
  readonly #progressed: (bytes: number) => void;
  #awaitsContinue: boolean;
  #heldBytes = 0;
  #released = false;
  #content: Buffer | RequestBody | undefined;

  /** `progressed` is called with the length of every chunk; `awaitsContinue`: the client has asked for a 100 before it sends. */
  constructor(
    exchange: { readonly request: IncomingMessage; readonly response: ServerResponse },
    memory: HeldMemory,
    awaitsContinue: boolean,
    progressed: (bytes: number) => void,
  ) {
    this.#request = exchange.request;
    this.#response = exchange.response;
    this.#memory = memory;
    this.#awaitsContinue = awaitsContinue;
    this.#progressed = progressed;
  }

  /** The whole body, or a stream of it; undefined when there is none. */
  get content(): Buffer | Readable | undefined {
    return this.#content;
  }

  /** Nobody has asked the client to begin. */
  get awaitsContinue(): boolean {
    return this.#awaitsContinue;
  }

  /** The worker has room for more, and the client sends nothing. */
  get waitsForClient(): boolean {
    return this.#content instanceof RequestBody && this.#content.waitsForClient;
  }

  /** Calls `ready` when `content` can be sent: at once, or when a small body is in. Never after `release`. */
  prepare(contentLength: number, chunked: boolean, limits: ClientBodyLimits, ready: () => void): void {
    if (contentLength <= 0 && !chunked) {
      ready();
    } else if (!chunked && contentLength <= limits.retryBodyBytes && this.#memory.heldBytes + contentLength <= limits.retryMemoryBytes) {
      this.#hold(contentLength, ready);
    } else {
      this.#content = this.#stream();
      ready();
    }
  }

  /** True when `content` can be sent once more: there is none, it is held, or nobody has begun to read it. */
  rewind(): boolean {
    if (!(this.#content instanceof RequestBody)) return true;
    if (!this.#content.untouched) return false;
    this.#content.destroy();
    this.#content = this.#stream();
    return true;
  }

  /** Reads the rest and drops it, telling `progressed`; `ended` is called once, when there is no more. */
  discard(ended: () => void): void {
    if (this.#content instanceof RequestBody) this.#content.destroy();
    this.#request.on("data", (chunk: Buffer) => this.#progressed(chunk.length));
    this.#request.once("close", ended);
    this.#request.once("end", ended);
    this.#request.resume();
  }

  release(): void {
    this.#released = true;
    this.#memory.heldBytes -= this.#heldBytes;
    this.#heldBytes = 0;
    this.#content = undefined;
  }

  #hold(contentLength: number, ready: () => void): void {
    this.#heldBytes = contentLength;
    this.#memory.heldBytes += contentLength;
    const chunks: Buffer[] = [];
    this.#continue();
    this.#request.on("data", (chunk: Buffer) => {
      this.#progressed(chunk.length);
      if (!this.#released) chunks.push(chunk);
    });
    this.#request.on("end", () => {
      if (this.#released) return;
      this.#content = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      ready();
    });
  }

  #stream(): RequestBody {
    return new RequestBody(this.#request, () => this.#continue(), this.#progressed);
  }

  #continue(): void {
    if (!this.#awaitsContinue) return;
    this.#awaitsContinue = false;
    this.#response.writeContinue();
  }
}
