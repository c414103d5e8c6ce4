// Stands above an interceptor and counts what passes between it and the layers above.
import type { Clock, Tally } from "../../base/index.ts";
import type { ChannelMessage, Member } from "../channel.ts";
import type { ChannelMetrics } from "../channel-metrics.ts";
import type { InterceptorDescription } from "../describe-channel.ts";
import { ChannelInterceptor } from "../interceptor.ts";

export interface InterceptorMeterDeps {
  readonly clock: Clock;
  readonly metrics: Pick<ChannelMetrics, "interceptorMessages" | "interceptorSeconds">;
}

/** Times are taken of one message in so many: two looks at a clock and a promise cost as much as some layers do. */
const SAMPLED = 64;

export class InterceptorMeter extends ChannelInterceptor {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #sent: Tally;
  readonly #received: Tally;
  readonly #sentSeconds: { observe(seconds: number): void };
  readonly #receivedSeconds: { observe(seconds: number): void };

  /** `name`: of the interceptor below. */
  constructor({ clock, metrics }: InterceptorMeterDeps, name: string) {
    super();
    this.#name = name;
    this.#clock = clock;
    this.#sent = metrics.interceptorMessages.tally({ interceptor: name, direction: "sent" });
    this.#received = metrics.interceptorMessages.tally({ interceptor: name, direction: "received" });
    this.#sentSeconds = metrics.interceptorSeconds.labels(name, "sent");
    this.#receivedSeconds = metrics.interceptorSeconds.labels(name, "received");
  }

  override sendMessage(destinations: readonly Member[], message: ChannelMessage): Promise<void> {
    if (this.#sent.count++ % SAMPLED !== 0) return this.below.sendMessage(destinations, message);
    return this.#timed(() => this.below.sendMessage(destinations, message), this.#sentSeconds) as Promise<void>;
  }

  override messageReceived(message: ChannelMessage): void | Promise<void> {
    if (this.#received.count++ % SAMPLED !== 0) return this.above.messageReceived(message);
    return this.#timed(() => this.above.messageReceived(message), this.#receivedSeconds);
  }

  /** Of the interceptor below. */
  get counts(): InterceptorDescription {
    return { name: this.#name, sentMessages: this.#sent.count, receivedMessages: this.#received.count };
  }

  /** Up to when the message is settled, failed or not. */
  #timed(pass: () => void | Promise<void>, histogram: { observe(seconds: number): void }): void | Promise<void> {
    const startedMs = this.#clock.monotonic();
    const settled = () => histogram.observe((this.#clock.monotonic() - startedMs) / 1000);
    const passed = pass();
    if (passed === undefined) settled();
    return passed?.finally(settled);
  }
}
