// Holds the last bytes of an answer until the work that must come before them is done (rule 7 of the promise).
import { ServerResponse, validateHeaderValue } from "node:http";
import { HeadersSentError, InvalidStatusCodeError } from "./errors.ts";
import type { HeldResponseSweeper } from "./held-response-sweeper.ts";
import { applyHeaders, freezeHead, type HeadFields, replaceHead } from "./response-head.ts";

/** Who does that work. None of its methods may throw or reject. */
export interface HeldResponseOwner {
  /** The head leaves next: the last moment for a header. */
  headLeaves(response: ServerResponse): void;
  /**
   * The application has said all, or its client has gone. Called once; in the second case once more when the application ends its
   * answer after that, which nobody waits for.
   */
  beforeLastBytes(): void | Promise<void>;
  /** `beforeLastBytes` is over and the answer has left, or its connection is gone; called exactly once. */
  completed(): void;
  /** What was held could not be written; the connection has been cut. */
  releaseFailed(error: unknown): void;
}

type Chunk = string | Uint8Array;
type Encoding = BufferEncoding | undefined;
type Callback = (error?: Error | null) => void;

interface HeldChunk {
  readonly chunk: Chunk;
  readonly encoding: Encoding;
  readonly callback: Callback | undefined;
}

interface HeldServerResponse extends ServerResponse {
  [HELD]: HeldResponse;
}

/** Head and body up to here are held as a whole. */
const HELD_BYTES = 32 * 1024;
const HELD = Symbol("heldResponse");

const WAITING = 0;
const RUNNING = 1;
const DONE = 2;

/**
 * Puts functions of its own on the response object, since frameworks replace its prototype, and hands everything on to those
 * that were there. Until bytes leave, head and body are kept here, through ServerResponse's public interface only, and can
 * still be replaced. Of a chunked answer that has begun to leave, what is held is its end, which only `end()` writes; of one
 * with a Content-Length, the chunk that completes it.
 */
export class HeldResponse {
  readonly response: ServerResponse;
  readonly #owner: HeldResponseOwner;
  readonly #sweeper: HeldResponseSweeper;
  readonly #write: ServerResponse["write"];
  readonly #end: ServerResponse["end"];
  readonly #writeHead: ServerResponse["writeHead"];
  readonly #flushHeaders: ServerResponse["flushHeaders"];
  /** The application has fixed the head: explicitly, or by its first byte or `end()`. */
  #committed = false;
  #endCommits = false;
  /** As committed: what is assigned to statusCode later does not count. */
  #status = 200;
  #headLeft = false;
  #inspected = false;
  /** HEAD, 204, 304, Content-Length 0: the head is the last byte. */
  #bodyless = false;
  #streaming = false;
  /** Bytes that Content-Length still promises; -1: there is none. */
  #remainingBytes = -1;
  #work: typeof WAITING | typeof RUNNING | typeof DONE = WAITING;
  #ended = false;
  #closed = false;
  #chunks: HeldChunk[] | undefined;
  #chunkBytes = 0;
  #last: HeldChunk | undefined;
  #endCallback: Callback | undefined;
  #replaced = false;
  /** Set by `countBody`: undefined while nobody wants to know. */
  #bodyBytes: number | undefined;

  constructor(response: ServerResponse, owner: HeldResponseOwner, sweeper: HeldResponseSweeper) {
    this.response = response;
    this.#owner = owner;
    this.#sweeper = sweeper;
    this.#write = response.write;
    this.#end = response.end;
    this.#writeHead = response.writeHead;
    this.#flushHeaders = response.flushHeaders;
    (response as HeldServerResponse)[HELD] = this;
    response.write = heldWrite as ServerResponse["write"];
    response.end = heldEnd as ServerResponse["end"];
    response.writeHead = heldWriteHead as ServerResponse["writeHead"];
    response.flushHeaders = heldFlushHeaders;
    response.on("close", heldClose);
  }

  get headLeft(): boolean {
    return this.#headLeft;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Whether the answer has left or its connection is gone. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Bytes of the body as far as the application wrote it; 0 unless `countBody` was called before. */
  get bodyBytes(): number {
    return this.#bodyBytes ?? 0;
  }

  countBody(): void {
    if (this.response.req.method !== "HEAD") this.#bodyBytes ??= 0;
  }

  /**
   * Puts another answer in the place of what is held: status, these headers, this body. When the application has not ended its
   * answer, this ends it. False when bytes have left, or when the answer was ended and the work before its last bytes is over.
   */
  replace(status: number, headers: Readonly<Record<string, string>>, body: string): boolean {
    if (this.#headLeft || this.#closed || this.#work === DONE) return false;
    const response = this.response;
    replaceHead(response, { ...headers, "Content-Length": String(Buffer.byteLength(body)) });
    response.statusMessage = "";
    this.#status = status;
    this.#dropChunks();
    this.#last = { chunk: body, encoding: "utf8", callback: undefined };
    if (this.#bodyBytes !== undefined) this.#bodyBytes = Buffer.byteLength(body);
    this.#replaced = true;
    this.#committed = true;
    this.#ended = true;
    if (this.#work === WAITING) this.#doWork();
    else this.#pretendEnded();
    return true;
  }

  write(chunk: Chunk, encoding: Encoding, callback: Callback | undefined): boolean {
    const response = this.response;
    if (this.#replaced) return ignoreBody(callback);
    if (this.#ended || this.#closed || !isBody(chunk)) return this.#write.call(response, chunk, encoding!, callback!);
    if (!this.#committed) response.writeHead(response.statusCode);
    this.#inspect();
    if (this.#bodyless) return ignoreBody(callback);
    if (this.#remainingBytes >= 0 || !this.#streaming) return this.#holdOrWrite(chunk, encoding, callback);
    if (this.#bodyBytes !== undefined) this.#bodyBytes += byteLength(chunk, encoding);
    this.#letHeadGo();
    return this.#write.call(response, chunk, encoding!, callback!);
  }

  end(chunk: Chunk | undefined, encoding: Encoding, callback: Callback | undefined): void {
    const response = this.response;
    if (this.#ended || (chunk !== undefined && !isBody(chunk))) {
      this.#end.call(response, this.#replaced ? undefined : chunk, encoding!, callback);
      return;
    }
    if (!this.#committed) {
      this.#endCommits = true;
      response.writeHead(response.statusCode);
    }
    this.#ended = true;
    if (this.#closed) void this.#owner.beforeLastBytes();
    if (this.#bodyBytes !== undefined && chunk !== undefined) this.#bodyBytes += byteLength(chunk, encoding);
    if (this.#work === DONE) {
      this.#finish(chunk, encoding, callback);
      return;
    }
    if (chunk !== undefined) this.#last = { chunk, encoding, callback: undefined };
    this.#endCallback = callback;
    if (this.#work === WAITING) this.#doWork();
    else this.#pretendEnded();
  }

  writeHead(status: number, reason: string | HeadFields | undefined, headers: HeadFields | undefined): void {
    const response = this.response;
    const byEnd = this.#endCommits;
    this.#endCommits = false;
    if (this.#committed) {
      // `_implicitHeader` of older middleware asks again while the head is held.
      if (status === response.statusCode && reason === undefined && headers === undefined) return;
      throw new HeadersSentError("write");
    }
    const code = status | 0;
    if (code < 100 || code > 999) throw new InvalidStatusCodeError(status);
    let fields = headers;
    if (typeof reason === "string") {
      validateHeaderValue("statusMessage", reason);
      response.statusMessage = reason;
    } else {
      fields ??= reason;
    }
    response.statusCode = code;
    if (fields) applyHeaders(response, fields);
    this.#status = code;
    this.#committed = true;
    if (!byEnd) freezeHead(response);
  }

  flushHeaders(): void {
    if (this.#headLeft) {
      this.#flushHeaders.call(this.response);
      return;
    }
    if (!this.#committed) this.response.writeHead(this.response.statusCode);
    this.#inspect();
    if (this.#ended || this.#bodyless || this.#work === RUNNING || this.#replaced) return;
    this.release();
    this.#flushHeaders.call(this.response);
  }

  /** Lets everything go that is held of an answer that is not complete; the last bytes are yet to come. What a write returns. */
  release(): boolean {
    if (this.#ended || this.#closed || this.#bodyless || this.#work === RUNNING) return true;
    this.#streaming = true;
    this.#letHeadGo();
    return this.#writeChunks();
  }

  /** `release` for a caller that has nothing to do with the answer: what the application did wrong cuts the connection. */
  releaseLate(): void {
    try {
      this.release();
    } catch (error) {
      this.response.destroy();
      this.#owner.releaseFailed(error);
    }
  }

  close(): void {
    this.#closed = true;
    this.#sweeper.remove(this);
    if (this.#work === WAITING) this.#doWork();
    else if (this.#work === DONE) this.#owner.completed();
  }

  #holdOrWrite(chunk: Chunk, encoding: Encoding, callback: Callback | undefined): boolean {
    const bytes = byteLength(chunk, encoding);
    if (this.#bodyBytes !== undefined) this.#bodyBytes += bytes;
    let completes = false;
    if (this.#remainingBytes >= 0) {
      this.#remainingBytes = Math.max(0, this.#remainingBytes - bytes);
      completes = this.#remainingBytes === 0 && this.#work === WAITING;
      if (!completes && this.#streaming && this.#work !== RUNNING) {
        this.#letHeadGo();
        return this.#write.call(this.response, chunk, encoding!, callback!);
      }
    }
    this.#chunks ??= [];
    this.#chunks.push({ chunk, encoding, callback });
    this.#chunkBytes += bytes;
    if (completes) return this.#doWork();
    if (this.#work === RUNNING) return true;
    if (this.#streaming || this.#chunkBytes > HELD_BYTES || callback !== undefined) return this.release();
    if (this.#chunks.length === 1) this.#sweeper.add(this);
    return true;
  }

  /** True unless the held bytes went at once and the socket asks to wait. */
  #doWork(): boolean {
    this.#work = RUNNING;
    const pending = this.#owner.beforeLastBytes();
    if (pending === undefined) return this.#workDone();
    this.#sweeper.remove(this);
    if (this.#ended) this.#pretendEnded();
    void pending.then(() => {
      try {
        this.#workDone();
      } catch (error) {
        this.response.destroy();
        this.#owner.releaseFailed(error);
      }
    });
    return true;
  }

  #workDone(): boolean {
    this.#work = DONE;
    let more = true;
    if (this.#ended) {
      this.#finish(this.#last?.chunk, this.#last?.encoding, this.#endCallback);
    } else if (!this.#closed) {
      this.#streaming = true;
      this.#letHeadGo();
      more = this.#writeChunks();
    }
    if (this.#closed) this.#owner.completed();
    return more;
  }

  #finish(chunk: Chunk | undefined, encoding: Encoding, callback: Callback | undefined): void {
    const response = this.response;
    this.#letHeadGo();
    response.finished = false;
    if (this.#chunks !== undefined) {
      response.socket?.cork();
      this.#writeChunks();
    }
    // node:http would write the end of a corked answer before the chunks that it collected.
    while (response.writableCorked > 0) response.uncork();
    this.#end.call(response, chunk, encoding!, callback);
  }

  #letHeadGo(): void {
    if (this.#headLeft) return;
    this.#headLeft = true;
    this.response.statusCode = this.#status;
    this.#owner.headLeaves(this.response);
    // Wrappers of writeHead have had their turn when the head was committed.
    this.response.writeHead = this.#writeHead;
  }

  #writeChunks(): boolean {
    const chunks = this.#chunks;
    if (chunks === undefined) return true;
    this.#sweeper.remove(this);
    this.#chunks = undefined;
    this.#chunkBytes = 0;
    const response = this.response;
    let more = true;
    response.cork();
    for (const held of chunks) more = this.#write.call(response, held.chunk, held.encoding!, held.callback!);
    response.uncork();
    return more;
  }

  #dropChunks(): void {
    this.#sweeper.remove(this);
    for (const held of this.#chunks ?? []) if (held.callback) process.nextTick(held.callback);
    this.#chunks = undefined;
    this.#chunkBytes = 0;
  }

  #inspect(): void {
    if (this.#inspected) return;
    this.#inspected = true;
    const response = this.response;
    const length = response.getHeader("content-length");
    if (length !== undefined) this.#remainingBytes = Number(length);
    if (!Number.isSafeInteger(this.#remainingBytes)) this.#remainingBytes = -1;
    const status = response.statusCode;
    this.#bodyless = this.#remainingBytes === 0 || status === 204 || status === 304 || response.req.method === "HEAD";
    const type = response.getHeader("content-type");
    if (typeof type === "string" && type.startsWith("text/event-stream") && !this.#bodyless) this.#streaming = true;
  }

  /** The application sees an answer that is ended, though it is held. */
  #pretendEnded(): void {
    freezeHead(this.response);
    Object.defineProperty(this.response, "writableFinished", WRITABLE_FINISHED);
    this.response.finished = true;
  }
}

const WRITABLE_FINISHED: PropertyDescriptor = {
  configurable: true,
  get(this: HeldServerResponse): boolean {
    return this[HELD].headLeft && (Reflect.get(ServerResponse.prototype, "writableFinished", this) as boolean);
  },
};

function heldWrite(this: HeldServerResponse, chunk: Chunk, encoding?: Encoding | Callback, callback?: Callback): boolean {
  if (typeof encoding === "function") return this[HELD].write(chunk, undefined, encoding);
  return this[HELD].write(chunk, encoding ?? undefined, callback);
}

function heldEnd(this: HeldServerResponse, chunk?: Chunk | Callback | null, encoding?: Encoding | Callback | null, callback?: Callback) {
  if (typeof chunk === "function") this[HELD].end(undefined, undefined, chunk);
  else if (typeof encoding === "function") this[HELD].end(chunk ?? undefined, undefined, encoding);
  else this[HELD].end(chunk ?? undefined, encoding ?? undefined, callback);
  return this;
}

function heldWriteHead(this: HeldServerResponse, status: number, reason?: string | HeadFields, headers?: HeadFields) {
  this[HELD].writeHead(status, reason, headers);
  return this;
}

function heldFlushHeaders(this: HeldServerResponse): void {
  this[HELD].flushHeaders();
}

function heldClose(this: HeldServerResponse): void {
  this[HELD].close();
}

function isBody(chunk: unknown): chunk is Chunk {
  return typeof chunk === "string" || chunk instanceof Uint8Array;
}

function ignoreBody(callback: Callback | undefined): true {
  if (callback) process.nextTick(callback);
  return true;
}

function byteLength(chunk: Chunk, encoding: Encoding): number {
  return typeof chunk === "string" ? Buffer.byteLength(chunk, encoding) : chunk.byteLength;
}
