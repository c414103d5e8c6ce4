// What the transport counts. Labels are bound here, once; counters are raised once per batch where there are batches.
import { Counter, Gauge, Histogram, type Registry } from "../../base/index.ts";

/** Why the receiver closed a connection or refused a message. */
export const RECEIVE_FAILURES = [
  "framing",
  "malformed",
  "address_mismatch",
  "not_admitted",
  "connection_limit",
  "buffer_limit",
  "silent",
  "unread_acks",
  "datagram_limit",
  "processing",
  "refused",
] as const;
export type ReceiveFailure = (typeof RECEIVE_FAILURES)[number];

/** Why a message did not reach a destination. */
export const SEND_FAILURES = [
  "connect",
  "connection_lost",
  "ack_timeout",
  "remote_process",
  "queue_full",
  "no_datagram",
  "member_removed",
  "stopped",
] as const;
export type SendFailure = (typeof SEND_FAILURES)[number];

export interface Increments {
  inc(by?: number): void;
}

/** Of all channels that share the registry: in production there is one. */
export class TransportMetrics {
  /** tomcatcluster_channel_sent_messages_total: a message to three members counts three times, a repeat again. */
  readonly sentMessages: Increments;
  /** tomcatcluster_channel_sent_bytes_total: whole frames. */
  readonly sentBytes: Increments;
  /** tomcatcluster_channel_socket_writes_total: batches; sent messages per write is how well batching works. */
  readonly writes: Increments;
  /** tomcatcluster_channel_resent_messages_total */
  readonly resentMessages: Increments;
  /** tomcatcluster_channel_received_messages_total: messages with a new unique id. */
  readonly receivedMessages: Increments;
  /** tomcatcluster_channel_received_bytes_total: everything that came, also what was refused. */
  readonly receivedBytes: Increments;
  /** tomcatcluster_channel_duplicate_messages_total: repeats that were answered and not delivered (rule 12). */
  readonly duplicateMessages: Increments;
  /** tomcatcluster_channel_acks_total{result="acknowledged"} and {result="failed"}: answers that this node got. */
  readonly acknowledged: Increments;
  readonly failedAcks: Increments;
  /** tomcatcluster_channel_send_failures_total{reason} */
  readonly sendFailures: Readonly<Record<SendFailure, Increments>>;
  /** tomcatcluster_channel_receive_failures_total{reason} */
  readonly receiveFailures: Readonly<Record<ReceiveFailure, Increments>>;
  /** tomcatcluster_channel_queue_bytes: frames that wait for a socket or an acknowledgement; at most 50 ms old. */
  readonly queueBytes: Gauge;
  /** tomcatcluster_channel_receiver_connections */
  readonly receiverConnections: Gauge;
  /** tomcatcluster_channel_ack_seconds: from `sendMessage` to the acknowledgement of one member. */
  readonly ackSeconds: { observe(seconds: number): void };

  constructor(registry: Registry) {
    const plain = (name: string, help: string) => counter(registry, name, help, []).labels();
    this.sentMessages = plain("tomcatcluster_channel_sent_messages_total", "Messages written to sockets, one per destination");
    this.sentBytes = plain("tomcatcluster_channel_sent_bytes_total", "Bytes of frames written to sockets");
    this.writes = plain("tomcatcluster_channel_socket_writes_total", "Writes to sockets, each of one or more messages");
    this.resentMessages = plain("tomcatcluster_channel_resent_messages_total", "Messages written again after a connection was lost");
    this.receivedMessages = plain("tomcatcluster_channel_received_messages_total", "Messages received and given to the interceptors");
    this.receivedBytes = plain("tomcatcluster_channel_received_bytes_total", "Bytes received");
    this.duplicateMessages = plain("tomcatcluster_channel_duplicate_messages_total", "Repeated messages answered without delivery");
    const acks = counter(registry, "tomcatcluster_channel_acks_total", "Acknowledgements received", ["result"]);
    this.acknowledged = acks.labels("acknowledged");
    this.failedAcks = acks.labels("failed");
    const sendFailures = counter(registry, "tomcatcluster_channel_send_failures_total", "Messages that failed, one per destination", [
      "reason",
    ]);
    this.sendFailures = bindAll(SEND_FAILURES, sendFailures);
    const receiveFailures = counter(registry, "tomcatcluster_channel_receive_failures_total", "Connections closed and messages refused", [
      "reason",
    ]);
    this.receiveFailures = bindAll(RECEIVE_FAILURES, receiveFailures);
    this.queueBytes = gauge(registry, "tomcatcluster_channel_queue_bytes", "Bytes of frames not yet written or acknowledged");
    this.receiverConnections = gauge(registry, "tomcatcluster_channel_receiver_connections", "Open connections from other members");
    const name = "tomcatcluster_channel_ack_seconds";
    this.ackSeconds =
      (registry.getSingleMetric(name) as Histogram | undefined) ??
      new Histogram({
        name,
        help: "Time until one destination acknowledged",
        buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3],
        registers: [registry],
      });
  }
}

function bindAll<Reason extends string>(reasons: readonly Reason[], family: Counter<string>): Record<Reason, Increments> {
  return Object.fromEntries(reasons.map((reason) => [reason, family.labels(reason)])) as Record<Reason, Increments>;
}

function counter(registry: Registry, name: string, help: string, labelNames: string[]): Counter<string> {
  const existing = registry.getSingleMetric(name) as Counter<string> | undefined;
  return existing ?? new Counter({ name, help, labelNames, registers: [registry] });
}

function gauge(registry: Registry, name: string, help: string): Gauge {
  const existing = registry.getSingleMetric(name) as Gauge | undefined;
  return existing ?? new Gauge({ name, help, registers: [registry] });
}
