// Counts what passes between the layers above and below it (Tomcat: ThroughputInterceptor; tribes.md 12.11).
import type { Clock, Logger } from "../../base/index.ts";
import type { ChannelMessage, Member } from "../channel.ts";
import type { ChannelMetrics } from "../channel-metrics.ts";
import type { ThroughputDescription } from "../describe-channel.ts";
import { ChannelInterceptor } from "../interceptor.ts";
import { frameBytesOf } from "../wire/channel-data.ts";

export interface ThroughputInterceptorDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<ChannelMetrics, "throughputMessages" | "throughputBytes" | "throughputFailures" | "throughputSendingSeconds">;
}

export interface ThroughputInterceptorOptions {
  /** Sent messages, and received ones, from one report to the next; default 10 000. As in a Tomcat, the first sent message reports too. */
  readonly interval: number;
}

const MEBIBYTE = 1024 * 1024;

/** Bytes are those of whole frames, as they would be if this were the lowest layer: compare the place above a GzipInterceptor with below. */
export class ThroughputInterceptor extends ChannelInterceptor {
  readonly #deps: ThroughputInterceptorDeps;
  readonly #interval: number;
  readonly #sentCounter: { inc(value?: number): void };
  readonly #sentBytesCounter: { inc(value?: number): void };
  readonly #receivedCounter: { inc(value?: number): void };
  readonly #receivedBytesCounter: { inc(value?: number): void };
  #sent = 0;
  #sentBytes = 0;
  #applicationBytes = 0;
  #failed = 0;
  #received = 0;
  #receivedBytes = 0;
  /** Of the clock's `monotonic`: the first received message. */
  #receivingSinceMs: number | undefined;
  /** Messages that are on their way, since when there is one, and how long there was one before. */
  #sending = 0;
  #sendingSinceMs = 0;
  #sendingMs = 0;
  #sentReports = 0;

  constructor(deps: ThroughputInterceptorDeps, options: ThroughputInterceptorOptions) {
    super();
    this.#deps = deps;
    this.#interval = options.interval;
    const { throughputMessages, throughputBytes } = deps.metrics;
    this.#sentCounter = throughputMessages.labels("sent");
    this.#sentBytesCounter = throughputBytes.labels("sent");
    this.#receivedCounter = throughputMessages.labels("received");
    this.#receivedBytesCounter = throughputBytes.labels("received");
  }

  override sendMessage(destinations: readonly Member[], message: ChannelMessage): Promise<void> {
    const bytes = frameBytesOf(message);
    if (this.#sending++ === 0) this.#sendingSinceMs = this.#deps.clock.monotonic();
    return this.below.sendMessage(destinations, message).then(
      () => {
        this.#ended();
        this.#count(bytes, destinations.length);
      },
      (error: unknown) => {
        this.#ended();
        this.#countFailure();
        throw error;
      },
    );
  }

  /** It has been counted as sent, too. */
  override sendFailed(error: Error, message: ChannelMessage): void {
    this.#countFailure();
    super.sendFailed(error, message);
  }

  override messageReceived(message: ChannelMessage): void | Promise<void> {
    const bytes = frameBytesOf(message);
    this.#receivingSinceMs ??= this.#deps.clock.monotonic();
    this.#received++;
    this.#receivedBytes += bytes;
    this.#receivedCounter.inc();
    this.#receivedBytesCounter.inc(bytes);
    if (this.#received % this.#interval === 0) this.#report();
    return this.above.messageReceived(message);
  }

  override describe(): { readonly throughput: ThroughputDescription } {
    const nowMs = this.#deps.clock.monotonic();
    const sendingSeconds = (this.#sendingMs + (this.#sending > 0 ? nowMs - this.#sendingSinceMs : 0)) / 1000;
    const receivingSeconds = (nowMs - (this.#receivingSinceMs ?? nowMs)) / 1000;
    const [sentMiB, applicationMiB, receivedMiB] = [this.#sentBytes, this.#applicationBytes, this.#receivedBytes].map(
      (bytes) => bytes / MEBIBYTE,
    ) as [number, number, number];
    return {
      throughput: {
        sentMessages: this.#sent,
        sentMiB: rounded(sentMiB),
        applicationMiB: rounded(applicationMiB),
        sendingSeconds: rounded(sendingSeconds),
        sentMiBPerSecond: rate(sentMiB, sendingSeconds),
        applicationMiBPerSecond: rate(applicationMiB, sendingSeconds),
        failedMessages: this.#failed,
        receivedMessages: this.#received,
        receivedMiBPerSecond: rate(receivedMiB, receivingSeconds),
        receivedMiB: rounded(receivedMiB),
      },
    };
  }

  #ended(): void {
    if (--this.#sending > 0) return;
    const ms = this.#deps.clock.monotonic() - this.#sendingSinceMs;
    this.#sendingMs += ms;
    this.#deps.metrics.throughputSendingSeconds.inc(ms / 1000);
  }

  #count(bytes: number, destinations: number): void {
    this.#sent++;
    this.#sentBytes += bytes * destinations;
    this.#applicationBytes += bytes;
    this.#sentCounter.inc();
    this.#sentBytesCounter.inc(bytes * destinations);
    if (Math.floor(this.#sent / this.#interval) < this.#sentReports) return;
    this.#sentReports++;
    this.#report();
  }

  #countFailure(): void {
    this.#failed++;
    this.#deps.metrics.throughputFailures.inc();
  }

  #report(): void {
    this.#deps.logger.info(this.describe().throughput, "Throughput");
  }
}

function rate(amount: number, seconds: number): number {
  return seconds > 0 ? rounded(amount / seconds) : 0;
}

/** To the two digits of Tomcat's report. */
function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
