// Answers of a worker as they come from a connection, byte by byte or many at once (RFC 9112). Strict: what is ambiguous is refused.
import { ResponseError } from "./response-error.ts";
import { readResponseHead, type WorkerResponseHead } from "./response-head.ts";

/** Hears one answer: `responseHead`, `responseData` any number of times, `responseEnd`; or `responseUpgrade` alone. */
export interface ResponseSink {
  responseHead(head: WorkerResponseHead): void;
  /** A part of the body, in the buffer that was written to the parser. False: no more until `resume`. */
  responseData(bytes: Buffer): boolean;
  responseEnd(): void;
  /** The protocol was switched (101); the bytes are the first of the new one. */
  responseUpgrade(head: WorkerResponseHead, bytes: Buffer): void;
}

/** What is known of an answer before it comes. */
export interface ExpectedResponse {
  /** It answers a HEAD request: no body, whatever its fields say. */
  readonly headOnly: boolean;
  /** It may be a 101. */
  readonly upgrade: boolean;
}

const Phase = {
  /** No answer is expected. */
  Idle: 0,
  Head: 1,
  Body: 2,
  ChunkSize: 3,
  ChunkData: 4,
  ChunkEnd: 5,
  Trailers: 6,
  /** The body ends with the connection. */
  UntilEnd: 7,
} as const;
type Phase = (typeof Phase)[keyof typeof Phase];

const NO_BYTES = Buffer.alloc(0);
const LF = 0x0a;
const VERSION = "HTTP/1.";
/** Of the line that announces a chunk, extensions included. */
const MAX_CHUNK_LINE_BYTES = 4096;
/** Twelve digits stay below 2^53. */
const CHUNK_LINE = /^([0-9A-Fa-f]{1,12})[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n$/;
const TRAILER_LINE = /^(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*)?\r\n$/;

export class ResponseParser {
  readonly #sink: ResponseSink;
  readonly #maxHeadBytes: number;
  #phase: Phase = Phase.Idle;
  #expected: ExpectedResponse = { headOnly: false, upgrade: false };
  #paused = false;
  /** Bytes that were written and not yet read, from the offset on. */
  #bytes: Buffer = NO_BYTES;
  #offset = 0;
  /** Of the body or the chunk. */
  #remaining = 0;
  #trailerBytes = 0;

  /** A longer head, or longer trailers, are refused. */
  constructor(sink: ResponseSink, maxHeadBytes: number) {
    this.#sink = sink;
    this.#maxHeadBytes = maxHeadBytes;
  }

  /** Bytes have come that belong to no expected answer: the connection is of no more use. */
  get hasUnexpectedBytes(): boolean {
    return this.#phase === Phase.Idle && this.#offset < this.#bytes.length;
  }

  /** One answer is to come; the one before must have ended. */
  expect(expected: ExpectedResponse): void {
    this.#phase = Phase.Head;
    this.#expected = expected;
    this.#paused = false;
  }

  /** Takes the buffer over and tells the sink what is in it. Throws a ResponseError; the parser is then of no more use. */
  write(bytes: Buffer): void {
    this.#bytes = this.#offset < this.#bytes.length ? Buffer.concat([this.#bytes.subarray(this.#offset), bytes]) : bytes;
    this.#offset = 0;
    this.#run();
  }

  /** Goes on after the sink has said false; returns false when it has said so again. */
  resume(): boolean {
    this.#paused = false;
    this.#run();
    return !this.#paused;
  }

  /** The connection has ended, and all its bytes were read. False: in the middle of an answer, or before it. */
  finish(): boolean {
    if (this.#phase === Phase.UntilEnd) this.#complete();
    return this.#phase === Phase.Idle;
  }

  /** Nothing more is told. */
  cancel(): void {
    this.#phase = Phase.Idle;
    this.#bytes = NO_BYTES;
    this.#offset = 0;
  }

  /** False, among others, when the sink has cancelled. */
  get #answering(): boolean {
    return this.#phase !== Phase.Idle;
  }

  #run(): void {
    while (this.#answering && !this.#paused && this.#offset < this.#bytes.length && this.#step());
    if (this.#offset < this.#bytes.length) return;
    this.#bytes = NO_BYTES; // a kept one would pin its whole memory
    this.#offset = 0;
  }

  /** False: more bytes are needed. */
  #step(): boolean {
    switch (this.#phase) {
      case Phase.Head:
        return this.#readHead();
      case Phase.ChunkSize:
        return this.#readChunkSize();
      case Phase.ChunkEnd:
        return this.#readChunkEnd();
      case Phase.Trailers:
        return this.#readTrailer();
      case Phase.UntilEnd:
        this.#deliver(this.#bytes.length - this.#offset);
        return true;
      default:
        return this.#readData();
    }
  }

  #readHead(): boolean {
    const end = this.#bytes.indexOf("\r\n\r\n", this.#offset, "latin1");
    const length = (end === -1 ? this.#bytes.length : end) - this.#offset;
    if (length > this.#maxHeadBytes) throw new ResponseError(`The head of the answer is longer than ${this.#maxHeadBytes} bytes`);
    if (end === -1) {
      if (!VERSION.startsWith(this.#bytes.toString("latin1", this.#offset, this.#offset + VERSION.length)))
        throw new ResponseError("The answer is not HTTP/1.1");
      return false;
    }
    const head = readResponseHead(this.#bytes.toString("latin1", this.#offset, end + 2));
    this.#offset = end + 4;
    if (head.status === 101) this.#upgrade(head);
    else if (head.status >= 200) this.#begin(head);
    return true;
  }

  #upgrade(head: WorkerResponseHead): void {
    if (!this.#expected.upgrade) throw new ResponseError("The answer switches protocols, which nobody asked for");
    const rest = this.#bytes.subarray(this.#offset);
    this.cancel();
    this.#sink.responseUpgrade(head, rest);
  }

  #begin(head: WorkerResponseHead): void {
    const { status, contentLength, chunked } = head;
    const empty = this.#expected.headOnly || status === 204 || status === 304 || contentLength === 0;
    this.#remaining = contentLength;
    this.#phase = chunked ? Phase.ChunkSize : contentLength === -1 ? Phase.UntilEnd : Phase.Body;
    this.#sink.responseHead(head);
    if (empty && this.#answering) this.#complete();
  }

  #readData(): boolean {
    this.#deliver(Math.min(this.#remaining, this.#bytes.length - this.#offset));
    return true;
  }

  #deliver(length: number): void {
    const end = this.#offset + length;
    const whole = this.#offset === 0 && end === this.#bytes.length;
    const piece = whole ? this.#bytes : this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    if (this.#phase !== Phase.UntilEnd) this.#remaining -= length;
    if (!this.#sink.responseData(piece)) this.#paused = true;
    if (this.#remaining > 0) return;
    // Else the body goes on until the end of the connection, or the sink has cancelled.
    if (this.#phase === Phase.ChunkData) this.#phase = Phase.ChunkEnd;
    else if (this.#phase === Phase.Body) this.#complete();
  }

  #readChunkSize(): boolean {
    const line = this.#readLine(MAX_CHUNK_LINE_BYTES);
    if (line === undefined) return false;
    const match = CHUNK_LINE.exec(line);
    if (!match) throw new ResponseError("The length of a chunk of the answer is malformed");
    this.#remaining = Number.parseInt(match[1]!, 16);
    this.#trailerBytes = 0;
    this.#phase = this.#remaining > 0 ? Phase.ChunkData : Phase.Trailers;
    return true;
  }

  #readChunkEnd(): boolean {
    const line = this.#readLine(2);
    if (line === undefined) return false;
    if (line !== "\r\n") throw new ResponseError("A chunk of the answer is longer than announced");
    this.#phase = Phase.ChunkSize;
    return true;
  }

  /** Trailers are checked and left out: nobody has asked for them (RFC 9110 6.5.1). */
  #readTrailer(): boolean {
    const line = this.#readLine(this.#maxHeadBytes - this.#trailerBytes);
    if (line === undefined) return false;
    if (!TRAILER_LINE.test(line)) throw new ResponseError("A trailer of the answer is malformed");
    this.#trailerBytes += line.length;
    if (line === "\r\n") this.#complete();
    return true;
  }

  /** Up to and with the next LF; undefined when it has not come yet. */
  #readLine(maxBytes: number): string | undefined {
    const end = this.#bytes.indexOf(LF, this.#offset);
    const length = (end === -1 ? this.#bytes.length : end + 1) - this.#offset;
    if (length > maxBytes) throw new ResponseError("A line in the chunked body of the answer is too long");
    if (end === -1) return undefined;
    const line = this.#bytes.toString("latin1", this.#offset, end + 1);
    this.#offset = end + 1;
    return line;
  }

  #complete(): void {
    this.#phase = Phase.Idle;
    this.#sink.responseEnd();
  }
}
