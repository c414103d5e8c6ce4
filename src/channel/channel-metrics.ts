// What a channel counts about members, look-ups and messages.
import { Counter, Gauge, Histogram, type Registry, sharedMetric, TalliedCounter } from "../base/index.ts";

const SECONDS_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1];

/** Made once per registry: channels of one process share the counters. */
export class ChannelMetrics {
  readonly members: Gauge;
  readonly suspects: Gauge;
  readonly membershipChanges: Counter<"change">;
  readonly lookUps: Counter<"result">;
  readonly probes: Counter<"result">;
  readonly undeliverable: Counter;
  /** By reason: those of `ENCRYPTION_REFUSALS`, "compression", "confirmation", "domain", "fragmentation", "order", and "processing" for what a listener or decoder refused. */
  readonly refused: Counter<"reason">;
  readonly dispatchFailures: Counter;
  readonly dispatchQueueBytes: Gauge;
  readonly rpcCalls: Counter<"outcome">;
  /** Between an interceptor and the layers above it. */
  readonly interceptorMessages: TalliedCounter<"interceptor" | "direction">;
  /** From there until the message is settled, of one message in 64: in the interceptor and the layers behind it. */
  readonly interceptorSeconds: Histogram<"interceptor" | "direction">;
  /** This and the next three: of a ThroughputInterceptor. */
  readonly throughputMessages: Counter<"direction">;
  readonly throughputBytes: Counter<"direction">;
  readonly throughputFailures: Counter;
  readonly throughputSendingSeconds: Counter;

  constructor(registry: Registry) {
    this.members = gauge(registry, "tomcatcluster_channel_members", "Other members of the group");
    this.suspects = gauge(registry, "tomcatcluster_channel_suspects", "Listed members that do not answer");
    this.membershipChanges = counter(registry, "tomcatcluster_channel_membership_changes_total", "Members added and disappeared", [
      "change",
    ]);
    this.lookUps = counter(registry, "tomcatcluster_channel_dns_lookups_total", "Look-ups of the members' name", ["result"]);
    this.probes = counter(registry, "tomcatcluster_channel_probes_total", "Connections made to see whether a member lives", ["result"]);
    this.undeliverable = counter(registry, "tomcatcluster_channel_undeliverable_messages_total", "Messages that no listener accepted", []);
    this.refused = counter(registry, "tomcatcluster_channel_refused_messages_total", "Received messages that were refused, by reason", [
      "reason",
    ]);
    this.dispatchFailures = counter(
      registry,
      "tomcatcluster_channel_dispatch_failures_total",
      "Asynchronous messages that failed after the caller had gone on",
      [],
    );
    this.dispatchQueueBytes = gauge(
      registry,
      "tomcatcluster_channel_dispatch_queue_bytes",
      "Bodies of asynchronous messages that wait for an acknowledgement",
    );
    this.rpcCalls = counter(registry, "tomcatcluster_channel_rpc_calls_total", "Calls to other members by how they ended", ["outcome"]);
    const perInterceptor: ("interceptor" | "direction")[] = ["interceptor", "direction"];
    const registers = [registry];
    const messages = "tomcatcluster_channel_interceptor_messages_total";
    this.interceptorMessages = sharedMetric(registry, messages, () => {
      const help = "Messages between an interceptor and the layers above it";
      return new TalliedCounter({ name: messages, help, labelNames: perInterceptor, registers });
    });
    const seconds = "tomcatcluster_channel_interceptor_seconds";
    this.interceptorSeconds = sharedMetric(registry, seconds, () => {
      const help = "Time of a message in an interceptor and the layers behind it, of one in 64";
      return new Histogram({ name: seconds, help, buckets: SECONDS_BUCKETS, labelNames: perInterceptor, registers });
    });
    const throughput = "tomcatcluster_channel_throughput_";
    this.throughputMessages = counter(registry, `${throughput}messages_total`, "Messages through the ThroughputInterceptor", ["direction"]);
    this.throughputBytes = counter(
      registry,
      `${throughput}bytes_total`,
      "Bytes of their frames, those of a sent message once for each member",
      ["direction"],
    );
    this.throughputFailures = counter(registry, `${throughput}failed_messages_total`, "Messages that did not reach every member", []);
    this.throughputSendingSeconds = counter(registry, `${throughput}sending_seconds_total`, "Time with a message on its way", []);
  }
}

function counter<Label extends string>(registry: Registry, name: string, help: string, labelNames: Label[]): Counter<Label> {
  return sharedMetric(registry, name, () => new Counter({ name, help, labelNames, registers: [registry] }));
}

function gauge(registry: Registry, name: string, help: string): Gauge {
  return sharedMetric(registry, name, () => new Gauge({ name, help, registers: [registry] }));
}
