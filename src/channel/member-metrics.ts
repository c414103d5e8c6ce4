// What a channel counts of each member: for pages, and as metrics with the member's name, for as long as it is one.
import { Histogram, type Registry, sharedMetric, TalliedCounter, type Tally } from "../base/index.ts";
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

interface Counters {
  readonly sentMessages: TalliedCounter<"member">;
  readonly sentBytes: TalliedCounter<"member">;
  readonly failedMessages: TalliedCounter<"member">;
  readonly receivedMessages: TalliedCounter<"member">;
  readonly receivedBytes: TalliedCounter<"member">;
}

type Counted = { readonly [Name in keyof Counters]: Tally };

/** The counters of one member. */
export class MemberCounters {
  readonly #counted: Counted;
  readonly #ackHistogram: { observe(seconds: number): void };
  #acknowledged = 0;
  #ackSeconds = 0;

  constructor(counted: Counted, ackHistogram: { observe(seconds: number): void }) {
    this.#counted = counted;
    this.#ackHistogram = ackHistogram;
  }

  sent(messages: number, bytes: number): void {
    this.#counted.sentMessages.count += messages;
    this.#counted.sentBytes.count += bytes;
  }

  acknowledged(seconds: number): void {
    this.#acknowledged++;
    this.#ackSeconds += seconds;
    this.#ackHistogram.observe(seconds);
  }

  failed(): void {
    this.#counted.failedMessages.count++;
  }

  received(bytes: number): void {
    this.#counted.receivedMessages.count++;
    this.#counted.receivedBytes.count += bytes;
  }

  get traffic(): MemberTraffic {
    const { sentMessages, sentBytes, failedMessages, receivedMessages, receivedBytes } = this.#counted;
    return {
      sentMessages: sentMessages.count,
      sentBytes: sentBytes.count,
      failedMessages: failedMessages.count,
      receivedMessages: receivedMessages.count,
      receivedBytes: receivedBytes.count,
      meanAckMs: this.#acknowledged === 0 ? undefined : Math.round((this.#ackSeconds / this.#acknowledged) * 1e5) / 100,
    };
  }
}

export class MemberMetrics {
  readonly #counters: Counters;
  readonly #ackSeconds: Histogram<"member">;
  readonly #members = new Map<string, { readonly name: string; readonly counters: MemberCounters }>();

  constructor(registry: Registry) {
    this.#counters = countersIn(registry);
    this.#ackSeconds = ackSecondsIn(registry);
  }

  of(member: Member): MemberCounters {
    const known = this.#members.get(member.key);
    if (known) return known.counters;
    const [oldest] = this.#members.keys();
    if (this.#members.size >= MAX_MEMBERS && oldest !== undefined) this.#forget(oldest);
    const { sentMessages, sentBytes, failedMessages, receivedMessages, receivedBytes } = this.#counters;
    const labels = { member: member.name };
    const counted = {
      sentMessages: sentMessages.tally(labels),
      sentBytes: sentBytes.tally(labels),
      failedMessages: failedMessages.tally(labels),
      receivedMessages: receivedMessages.tally(labels),
      receivedBytes: receivedBytes.tally(labels),
    };
    const counters = new MemberCounters(counted, this.#ackSeconds.labels(member.name));
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
    for (const counter of Object.values(this.#counters)) counter.forget({ member: known.name });
    this.#ackSeconds.remove(known.name);
  }
}

function countersIn(registry: Registry): Counters {
  const counter = (name: string, help: string) =>
    sharedMetric(
      registry,
      PREFIX + name,
      () => new TalliedCounter<"member">({ name: PREFIX + name, help, labelNames: ["member"], registers: [registry] }),
    );
  return {
    sentMessages: counter("sent_messages_total", "Messages sent to the member"),
    sentBytes: counter("sent_bytes_total", "Bytes of frames sent to the member"),
    failedMessages: counter("failures_total", "Messages that did not reach the member, or that it refused"),
    receivedMessages: counter("received_messages_total", "Messages received from the member"),
    receivedBytes: counter("received_bytes_total", "Bytes of frames received from the member"),
  };
}

function ackSecondsIn(registry: Registry): Histogram<"member"> {
  const name = `${PREFIX}ack_seconds`;
  const help = "Time until the member acknowledged";
  return sharedMetric(
    registry,
    name,
    () => new Histogram<"member">({ name, help, buckets: BUCKETS, labelNames: ["member"], registers: [registry] }),
  );
}
