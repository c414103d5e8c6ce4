// What a channel counts of each member: for pages, and as metrics with the member's name, for as long as it is one.
import { Counter, Histogram, type Registry } from "../base/index.ts";
import type { Member } from "./channel.ts";

/** Since the member appeared; bytes are those of whole frames. */
export interface MemberTraffic {
  readonly sentMessages: number;
  readonly sentBytes: number;
  /** That did not reach it, or that it refused. */
  readonly failedMessages: number;
  readonly receivedMessages: number;
  readonly receivedBytes: number;
  /** Mean time until it has acknowledged a message; undefined: it has acknowledged none. */
  readonly meanAckMs: number | undefined;
}

/** Names in which members stay countable when sends to strangers make new ones. */
const MAX_MEMBERS = 1024;
const PREFIX = "tomcatcluster_channel_member_";
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3];

interface Families {
  readonly sentMessages: Counter<"member">;
  readonly sentBytes: Counter<"member">;
  readonly failures: Counter<"member">;
  readonly receivedMessages: Counter<"member">;
  readonly receivedBytes: Counter<"member">;
  readonly ackSeconds: Histogram<"member">;
}

/** The counters of one member. */
export class MemberCounters {
  #sentMessages = 0;
  #sentBytes = 0;
  #failedMessages = 0;
  #receivedMessages = 0;
  #receivedBytes = 0;
  #acknowledged = 0;
  #ackSeconds = 0;
  readonly #metrics: { readonly [Name in keyof Omit<Families, "ackSeconds">]: { inc(by?: number): void } };
  readonly #ackHistogram: { observe(seconds: number): void };

  constructor({ ackSeconds, ...counters }: Families, member: string) {
    this.#metrics = {
      sentMessages: counters.sentMessages.labels(member),
      sentBytes: counters.sentBytes.labels(member),
      failures: counters.failures.labels(member),
      receivedMessages: counters.receivedMessages.labels(member),
      receivedBytes: counters.receivedBytes.labels(member),
    };
    this.#ackHistogram = ackSeconds.labels(member);
  }

  sent(messages: number, bytes: number): void {
    this.#sentMessages += messages;
    this.#sentBytes += bytes;
    this.#metrics.sentMessages.inc(messages);
    this.#metrics.sentBytes.inc(bytes);
  }

  acknowledged(seconds: number): void {
    this.#acknowledged++;
    this.#ackSeconds += seconds;
    this.#ackHistogram.observe(seconds);
  }

  failed(): void {
    this.#failedMessages++;
    this.#metrics.failures.inc();
  }

  received(bytes: number): void {
    this.#receivedMessages++;
    this.#receivedBytes += bytes;
    this.#metrics.receivedMessages.inc();
    this.#metrics.receivedBytes.inc(bytes);
  }

  get traffic(): MemberTraffic {
    return {
      sentMessages: this.#sentMessages,
      sentBytes: this.#sentBytes,
      failedMessages: this.#failedMessages,
      receivedMessages: this.#receivedMessages,
      receivedBytes: this.#receivedBytes,
      meanAckMs: this.#acknowledged === 0 ? undefined : Math.round((this.#ackSeconds / this.#acknowledged) * 1e5) / 100,
    };
  }
}

export class MemberMetrics {
  readonly #families: Families;
  readonly #members = new Map<string, { readonly name: string; readonly counters: MemberCounters }>();

  constructor(registry: Registry) {
    this.#families = familiesOf(registry);
  }

  of(member: Member): MemberCounters {
    const known = this.#members.get(member.key);
    if (known) return known.counters;
    const [oldest] = this.#members.keys();
    if (this.#members.size >= MAX_MEMBERS && oldest !== undefined) this.#forget(oldest);
    const counters = new MemberCounters(this.#families, member.name);
    this.#members.set(member.key, { name: member.name, counters });
    return counters;
  }

  /** It has gone: its metrics go too, or every pod that ever was would have some. */
  forget(member: Member): void {
    this.#forget(member.key);
  }

  #forget(key: string): void {
    const known = this.#members.get(key);
    if (!known) return;
    this.#members.delete(key);
    for (const family of Object.values(this.#families)) family.remove(known.name);
  }
}

function familiesOf(registry: Registry): Families {
  const counter = (name: string, help: string) =>
    (registry.getSingleMetric(PREFIX + name) as Counter<"member"> | undefined) ??
    new Counter({ name: PREFIX + name, help, labelNames: ["member"], registers: [registry] });
  const ackSeconds = `${PREFIX}ack_seconds`;
  return {
    sentMessages: counter("sent_messages_total", "Messages sent to the member"),
    sentBytes: counter("sent_bytes_total", "Bytes of frames sent to the member"),
    failures: counter("failures_total", "Messages that did not reach the member, or that it refused"),
    receivedMessages: counter("received_messages_total", "Messages received from the member"),
    receivedBytes: counter("received_bytes_total", "Bytes of frames received from the member"),
    ackSeconds:
      (registry.getSingleMetric(ackSeconds) as Histogram<"member"> | undefined) ??
      new Histogram({
        name: ackSeconds,
        help: "Time until the member acknowledged",
        buckets: BUCKETS,
        labelNames: ["member"],
        registers: [registry],
      }),
  };
}
