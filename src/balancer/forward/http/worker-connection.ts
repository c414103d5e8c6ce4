// One HTTP/1.1 connection to a worker: carries one request at a time.
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Clock, type Timer, TomcatClusterError } from "../../../base/index.ts";
import {
  type ExpectedResponse,
  ResponseError,
  type ResponseHead,
  ResponseParser,
  type ResponseSink,
  type WorkerResponseHead,
} from "../../../protocol/index.ts";
import type { AttemptFailureKind } from "../forwarder.ts";

export interface WorkerConnectionOptions {
  readonly address: string;
  readonly port: number;
  readonly connectTimeoutMs: number;
  readonly maxResponseHeaderBytes: number;
}

/** Who uses the connection now. After `connectionFailed`, `responseUpgrade` and `responseEnd` it hears nothing more. */
export interface ConnectionUser {
  /** The request may be written. */
  connected(): void;
  /** What was written has left, after a write that returned false. */
  drained(): void;
  responseHead(head: WorkerResponseHead): void;
  /** False: no more until `resume`. */
  responseData(bytes: Buffer): boolean;
  responseEnd(): void;
  responseUpgrade(head: ResponseHead, socket: Duplex): void;
  connectionFailed(kind: AttemptFailureKind, cause: Error): void;
}

class ConnectTimeoutError extends TomcatClusterError {
  readonly code = "CONNECT_TIMEOUT";
}

class ConnectionEndedError extends TomcatClusterError {
  readonly code = "CONNECTION_ENDED";
}

/** As often as other connections of a balancer do: a peer that has vanished is noticed even while nothing is sent. */
const TCP_KEEP_ALIVE_MS = 60_000;

export class WorkerConnection implements ResponseSink {
  /** It has carried a request. */
  used = false;
  /** The following belong to the pool; of the clock's monotonic time. */
  lastUsedMs = 0;
  expiresMs = 0;
  readonly #socket: Socket;
  readonly #parser: ResponseParser;
  readonly #idleEnded: (connection: WorkerConnection) => void;
  #connectTimer: Timer | undefined;
  #user: ConnectionUser | undefined;

  /** `idleEnded` is called, perhaps more than once, when the connection ends while nobody uses it. */
  constructor(clock: Clock, options: WorkerConnectionOptions, idleEnded: (connection: WorkerConnection) => void) {
    const { address, port, connectTimeoutMs } = options;
    this.#idleEnded = idleEnded;
    this.#parser = new ResponseParser(this, options.maxResponseHeaderBytes);
    this.#connectTimer = clock.setTimeout(
      () => this.#fail(new ConnectTimeoutError(`"${address}:${port}" did not accept the connection within ${connectTimeoutMs} ms`)),
      connectTimeoutMs,
    );
    this.#socket = connect({ host: address, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS });
    this.#socket.on("connect", this.#onConnect);
    this.#socket.on("data", this.#onData);
    this.#socket.on("drain", this.#onDrain);
    this.#socket.on("end", this.#onEnd);
    this.#socket.on("error", this.#onError);
    this.#socket.on("close", this.#onEnd);
  }

  get connected(): boolean {
    return this.#connectTimer === undefined;
  }

  /** What was written has left, and the worker has sent nothing behind its answer: another request may follow. */
  get clean(): boolean {
    return !this.#parser.hasUnexpectedBytes && this.#socket.writableLength === 0 && !this.#socket.readableEnded;
  }

  /** One answer is to come, for this user. Write when the connection stands: now, or when `connected` is called. */
  begin(user: ConnectionUser, expected: ExpectedResponse): void {
    this.#user = user;
    this.#parser.expect(expected);
  }

  /** One write for several that follow, until `uncork`. */
  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  /** Characters are bytes (ISO-8859-1). False: wait for `drained`. */
  write(data: string | Buffer): boolean {
    return typeof data === "string" ? this.#socket.write(data, "latin1") : this.#socket.write(data);
  }

  /** Goes on telling the user, who said false before. */
  resume(): void {
    try {
      if (this.#parser.resume() && this.#user) this.#socket.resume();
    } catch (error) {
      this.#failReading(error);
    }
  }

  /** The user hears nothing more. */
  destroy(): void {
    this.#user = undefined;
    this.#connectTimer?.cancel();
    this.#parser.cancel();
    this.#socket.destroy();
  }

  /** The same for a request that is given up: what a worker that is cut off has not got is not to arrive when the network is back. */
  reset(): void {
    if (this.connected) this.#socket.resetAndDestroy();
    this.destroy();
  }

  responseHead(head: WorkerResponseHead): void {
    this.#user!.responseHead(head);
  }

  responseData(bytes: Buffer): boolean {
    if (this.#user!.responseData(bytes)) return true;
    this.#socket.pause();
    return false;
  }

  responseEnd(): void {
    const user = this.#user!;
    this.#user = undefined;
    if (this.#socket.isPaused()) this.#socket.resume();
    user.responseEnd();
  }

  responseUpgrade(head: WorkerResponseHead, bytes: Buffer): void {
    const user = this.#user!;
    const socket = this.#socket;
    this.#user = undefined;
    socket.pause();
    socket.off("data", this.#onData);
    socket.off("drain", this.#onDrain);
    socket.off("end", this.#onEnd);
    socket.off("error", this.#onError);
    socket.off("close", this.#onEnd);
    if (bytes.length > 0) socket.unshift(bytes);
    user.responseUpgrade(head, socket);
  }

  #onConnect = (): void => {
    this.#connectTimer?.cancel();
    this.#connectTimer = undefined;
    this.#user?.connected();
  };

  #onData = (bytes: Buffer): void => {
    try {
      this.#parser.write(bytes);
    } catch (error) {
      this.#failReading(error);
      return;
    }
    if (this.#parser.hasUnexpectedBytes) this.#fail(new ResponseError("The worker sent something that nobody had asked for"));
  };

  #onDrain = (): void => this.#user?.drained();

  #onEnd = (): void => {
    if (this.#user && this.#parser.finish()) return;
    this.#fail(new ConnectionEndedError("The worker closed the connection"));
  };

  #onError = (error: Error): void => this.#fail(error);

  /** Anything but a ResponseError is a mistake of ours. */
  #failReading(error: unknown): void {
    if (!(error instanceof ResponseError)) throw error;
    this.#fail(error);
  }

  #fail(cause: Error): void {
    const user = this.#user;
    const kind = this.#connectTimer ? "Refused" : cause instanceof ResponseError ? "BadAnswer" : "Lost";
    this.destroy();
    if (user) user.connectionFailed(kind, cause);
    else this.#idleEnded(this);
  }
}
