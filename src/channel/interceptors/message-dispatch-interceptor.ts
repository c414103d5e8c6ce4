// Lets the sender of an asynchronous message go on (Tomcat: MessageDispatchInterceptor; tribes.md 12.1).
import { asError, type Clock, delay, type Logger } from "../../base/index.ts";
import type { ChannelMessage, Member } from "../channel.ts";
import type { ChannelMetrics } from "../channel-metrics.ts";
import { QueueFullError } from "../errors.ts";
import { ChannelInterceptor } from "../interceptor.ts";
import { ASYNCHRONOUS, USE_ACK } from "../wire/options.ts";

export interface MessageDispatchInterceptorDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<ChannelMetrics, "dispatchFailures" | "dispatchQueueBytes">;
}

export interface MessageDispatchInterceptorOptions {
  /** Bytes of bodies that may wait for acknowledgements; default 64 MiB. */
  readonly maxQueueSize: number;
  /** When that is reached: true, the caller waits like a synchronous one; false, the message is refused with QueueFullError. */
  readonly alwaysSend: boolean;
  /** How long `stop` waits for what is under way; default 5000. */
  readonly flushTimeoutMs: number;
}

/**
 * An asynchronous message goes down at once, in the order of the calls. Without acknowledgement (options 8) the caller has the
 * sender's promise: written, or queued there. With one (10) the caller goes on at the end of the turn, when the sockets that have room
 * have the frame, while the acknowledgement is awaited here; a failure then goes up as `sendFailed`, besides the log and a counter.
 */
export class MessageDispatchInterceptor extends ChannelInterceptor {
  readonly #deps: MessageDispatchInterceptorDeps;
  readonly #options: MessageDispatchInterceptorOptions;
  readonly #waiting = new Set<Promise<void>>();
  #queuedBytes = 0;
  #turn: Promise<void> | undefined;

  constructor(deps: MessageDispatchInterceptorDeps, options: MessageDispatchInterceptorOptions) {
    super();
    this.#deps = deps;
    this.#options = options;
  }

  /** Bodies of messages that wait for an acknowledgement. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Waits, up to `flushTimeoutMs`, for what is under way; what has failed by then is counted and logged as always. */
  override async stop(): Promise<void> {
    if (this.#waiting.size === 0) return;
    const flushed = new AbortController();
    const timeout = delay(this.#deps.clock, this.#options.flushTimeoutMs, flushed.signal).then(
      () => this.#deps.logger.warn({ messages: this.#waiting.size }, "Stopped before every asynchronous message was acknowledged"),
      () => undefined,
    );
    await Promise.race([Promise.all(this.#waiting), timeout]);
    flushed.abort();
  }

  override sendMessage(destinations: readonly Member[], message: ChannelMessage): Promise<void> {
    if ((message.options & (ASYNCHRONOUS | USE_ACK)) !== (ASYNCHRONOUS | USE_ACK)) return super.sendMessage(destinations, message);
    return this.#dispatch(destinations, message);
  }

  #dispatch(destinations: readonly Member[], message: ChannelMessage): Promise<void> {
    const bytes = message.body.length;
    // One that is larger than the whole queue may pass alone.
    if (this.#queuedBytes > 0 && this.#queuedBytes + bytes > this.#options.maxQueueSize) {
      if (this.#options.alwaysSend) return super.sendMessage(destinations, message);
      return Promise.reject(new QueueFullError("MessageDispatchInterceptor", "maxQueueSize", this.#options.maxQueueSize));
    }
    this.#queue(bytes);
    message.report?.begin();
    const sent: Promise<void> = super.sendMessage(destinations, message).then(
      () => {
        this.#settle(bytes, sent);
        message.report?.end();
      },
      (error: unknown) => {
        this.#settle(bytes, sent);
        this.#failed(asError(error), message);
        message.report?.end();
      },
    );
    this.#waiting.add(sent);
    return this.#endOfTurn();
  }

  /** The sender writes at the end of this turn what the turn has sent: the caller goes on behind that (rule 9). */
  #endOfTurn(): Promise<void> {
    this.#turn ??= new Promise((resolve) =>
      setImmediate(() => {
        this.#turn = undefined;
        resolve();
      }),
    );
    return this.#turn;
  }

  #queue(bytes: number): void {
    this.#queuedBytes += bytes;
    this.#deps.metrics.dispatchQueueBytes.set(this.#queuedBytes);
  }

  #settle(bytes: number, sent: Promise<void>): void {
    this.#waiting.delete(sent);
    this.#queue(-bytes);
  }

  #failed(error: Error, message: ChannelMessage): void {
    this.#deps.metrics.dispatchFailures.inc();
    this.#deps.logger.debug({ err: error }, "Asynchronous message failed");
    this.above.sendFailed(error, message);
  }
}
