// One try of a request at one worker: what happens on its connection told as the port tells it.
import { type Duplex, Readable } from "node:stream";
import { formatRequestHead, ResponseError, type ResponseHead, type WorkerResponseHead } from "../../../protocol/index.ts";
import type { Attempt, AttemptFailureKind, AttemptListener, OutgoingRequest } from "../forwarder.ts";
import type { ConnectionPool } from "./connection-pool.ts";
import { RequestBodyWriter } from "./request-body-writer.ts";
import type { ConnectionUser, WorkerConnection } from "./worker-connection.ts";

/** A held body up to this length leaves in one piece with the head: copying it costs less than a second buffer in the write. */
const JOINED_BODY_BYTES = 8192;

export class HttpAttempt implements Attempt, ConnectionUser {
  readonly #pool: ConnectionPool;
  readonly #connection: WorkerConnection;
  readonly #request: OutgoingRequest;
  readonly #workerHost: string;
  readonly #listener: AttemptListener;
  readonly #reusedConnection: boolean;
  #bodyWriter: RequestBodyWriter | undefined;
  #settled = false;
  #persistent = false;
  #keepAliveSeconds = -1;

  /** `workerHost` is the Host field of a request that has none. */
  constructor(pool: ConnectionPool, connection: WorkerConnection, request: OutgoingRequest, workerHost: string, listener: AttemptListener) {
    this.#pool = pool;
    this.#connection = connection;
    this.#request = request;
    this.#workerHost = workerHost;
    this.#listener = listener;
    this.#reusedConnection = connection.used;
  }

  start(): void {
    const { head } = this.#request;
    this.#connection.begin(this, { headOnly: head.method === "HEAD", upgrade: head.webSocket });
    if (this.#connection.connected) this.connected();
  }

  resume(): void {
    if (!this.#settled) this.#connection.resume();
  }

  abort(): void {
    if (this.#settled) return;
    this.#settle();
    this.#connection.reset();
    this.#pool.discard(this.#connection);
  }

  connected(): void {
    const { head, body } = this.#request;
    const text = formatRequestHead(head, this.#workerHost);
    if (body === undefined) {
      this.#connection.write(text);
    } else if (body instanceof Readable) {
      this.#connection.write(text);
      this.#bodyWriter = new RequestBodyWriter(body, this.#connection, head.chunked, (cause) => this.#bodyFailed(cause));
      this.#bodyWriter.start();
    } else if (body.length <= JOINED_BODY_BYTES) {
      this.#connection.write(text + body.toString("latin1"));
    } else {
      this.#connection.write(text);
      this.#connection.write(body);
    }
  }

  drained(): void {
    this.#bodyWriter?.resume();
  }

  responseHead(head: WorkerResponseHead): void {
    this.#persistent = head.persistent;
    this.#keepAliveSeconds = head.keepAliveSeconds;
    try {
      this.#listener.answerStarted(head.status, head);
    } catch (cause) {
      throw new ResponseError("The head of the answer cannot be passed on", { cause });
    }
  }

  responseData(bytes: Buffer): boolean {
    return this.#listener.answerData(bytes);
  }

  responseEnd(): void {
    const requestSent = !this.#bodyWriter || this.#bodyWriter.ended;
    this.#settle();
    if (this.#persistent && requestSent && this.#connection.clean) this.#pool.release(this.#connection, this.#keepAliveSeconds);
    else this.#pool.discard(this.#connection);
    this.#listener.answerEnded();
  }

  responseUpgrade(head: ResponseHead, socket: Duplex): void {
    this.#settle();
    this.#pool.handOver();
    this.#listener.upgraded(head, socket);
  }

  connectionFailed(kind: AttemptFailureKind, cause: Error): void {
    this.#settle();
    this.#pool.discard(this.#connection);
    this.#listener.attemptFailed({ kind, reusedConnection: this.#reusedConnection, cause });
  }

  #bodyFailed(cause: Error): void {
    this.connectionFailed("Lost", cause);
  }

  #settle(): void {
    this.#settled = true;
    this.#bodyWriter?.stop();
  }
}
