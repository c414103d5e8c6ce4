// One try of a request at one worker: undici's callbacks told as the port's.
import type { Duplex } from "node:stream";
import type { Dispatcher } from "undici";
import { systemErrorCode, TomcatClusterError } from "../../../base/index.ts";
import { readResponseHead } from "../../../protocol/index.ts";
import type { Attempt, AttemptFailureKind, AttemptListener } from "../forwarder.ts";
import type { ConnectionPool, PooledConnection } from "./connection-pool.ts";

/** The reason with which an attempt ends that nobody waits for any more. */
class AttemptAbortedError extends TomcatClusterError {
  readonly code = "ATTEMPT_ABORTED";

  constructor() {
    super("The balancer gave the request up");
  }
}

const NO_HEADERS: readonly Buffer[] = [];

export class HttpAttempt implements Attempt, Dispatcher.DispatchHandler {
  readonly #pool: ConnectionPool;
  readonly #connection: PooledConnection;
  readonly #listener: AttemptListener;
  readonly #reusedConnection: boolean;
  #controller: Dispatcher.DispatchController | undefined;
  #settled = false;
  #close = false;
  #sending = false;
  #unreadableHead = false;

  constructor(pool: ConnectionPool, connection: PooledConnection, listener: AttemptListener) {
    this.#pool = pool;
    this.#connection = connection;
    this.#listener = listener;
    this.#reusedConnection = connection.used;
  }

  send(options: Dispatcher.DispatchOptions): void {
    this.#sending = true;
    this.#connection.client.dispatch(options, this);
    this.#sending = false;
  }

  resume(): void {
    if (!this.#settled) this.#controller?.resume();
  }

  abort(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#pool.discard(this.#connection);
    this.#controller?.abort(new AttemptAbortedError());
  }

  /** The connection stands and the head is about to be written. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#settled) controller.abort(new AttemptAbortedError());
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200) return;
    const head = readResponseHead((controller.rawHeaders as readonly Buffer[] | null) ?? NO_HEADERS);
    this.#close = head.close;
    try {
      this.#listener.answerStarted(status, head);
    } catch (error) {
      this.#unreadableHead = true;
      throw error; // undici hands it to onResponseError
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#listener.answerData(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    if (this.#settled) return;
    this.#settled = true;
    if (this.#close) this.#pool.discard(this.#connection);
    else this.#pool.release(this.#connection);
    this.#listener.answerEnded();
  }

  onRequestUpgrade(controller: Dispatcher.DispatchController, _status: number, _headers: unknown, socket: Duplex): void {
    if (this.#settled) {
      socket.destroy();
      return;
    }
    this.#settled = true;
    this.#pool.discard(this.#connection);
    this.#listener.upgraded(readResponseHead((controller.rawHeaders as readonly Buffer[] | null) ?? NO_HEADERS), socket);
  }

  onResponseError(_controller: unknown, cause: Error): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#pool.discard(this.#connection);
    const failure = { kind: this.#failureKind(cause), reusedConnection: this.#reusedConnection, cause };
    if (this.#sending) queueMicrotask(() => this.#listener.attemptFailed(failure));
    else this.#listener.attemptFailed(failure);
  }

  #failureKind(cause: Error): AttemptFailureKind {
    const code = systemErrorCode(cause);
    if (code !== undefined && UNSENDABLE.has(code)) return "Unsendable";
    if (!this.#controller) return "Refused";
    if (this.#unreadableHead || (code !== undefined && (BAD_ANSWER.has(code) || code.startsWith("HPE_")))) return "BadAnswer";
    return "Lost";
  }
}

const UNSENDABLE: ReadonlySet<string> = new Set(["UND_ERR_INVALID_ARG", "UND_ERR_NOT_SUPPORTED"]);
const BAD_ANSWER: ReadonlySet<string> = new Set(["UND_ERR_HEADERS_OVERFLOW", "UND_ERR_RES_EXCEEDED_MAX_SIZE"]);
