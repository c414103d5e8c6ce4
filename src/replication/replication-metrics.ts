// What replication counts. The message types carry Tomcat's names, so that its JMX counters find their counterparts here.
import { Counter, Gauge, Histogram, type Registry } from "../base/index.ts";
import { SESSION_EVENTS } from "./messages.ts";

const EVENT_NAMES: ReadonlyMap<number, string> = new Map([
  [SESSION_EVENTS.SessionCreated, "SESSION_CREATED"],
  [SESSION_EVENTS.SessionExpired, "SESSION_EXPIRED"],
  [SESSION_EVENTS.SessionAccessed, "SESSION_ACCESSED"],
  [SESSION_EVENTS.GetAllSessions, "GET_ALL_SESSIONS"],
  [SESSION_EVENTS.AllSessionData, "ALL_SESSION_DATA"],
  [SESSION_EVENTS.SessionDelta, "SESSION_DELTA"],
  [SESSION_EVENTS.AllSessionTransferComplete, "ALL_SESSION_TRANSFERCOMPLETE"],
  [SESSION_EVENTS.ChangeSessionId, "CHANGE_SESSION_ID"],
  [SESSION_EVENTS.AllSessionNoContextManager, "ALL_SESSION_NOCONTEXTMANAGER"],
]);

const UNKNOWN_EVENT = 0;

/** The text of an event for labels and logs. */
export function eventName(event: number): string {
  return EVENT_NAMES.get(event) ?? "UNKNOWN";
}

/** What one manager reports when the metrics are read. */
export interface ReplicationStatistics {
  readonly name: string;
  /** Sessions whose newest version no other member has (rule 11). */
  readonly sessionsAtRisk: number;
  /** Messages that wait for the end of the state transfer. */
  readonly receivedQueueSize: number;
  readonly stateTransferred: boolean;
}

const byRegistry = new WeakMap<Registry, ReplicationMetrics>();

export class ReplicationMetrics {
  /** The metrics of a registry, made on first use. */
  static of(registry: Registry): ReplicationMetrics {
    let metrics = byRegistry.get(registry);
    if (metrics === undefined) {
      metrics = new ReplicationMetrics(registry);
      byRegistry.set(registry, metrics);
    }
    return metrics;
  }

  /** From the call of send until every member had acknowledged or failed; synchronous sends only. */
  readonly sendSeconds: Histogram;
  /** One member did not take one message. */
  readonly failures: Counter<"reason">;
  /** Requests whose changes no other member had when their answer left, or was refused (durability). */
  readonly notKept: Counter<"answer">;
  /** Messages that were refused here, and why. */
  readonly refused: Counter<"reason">;
  /** Two members had changed one session, and one copy was given up. */
  readonly conflicts: Counter;
  readonly caughtUp: Counter;
  /** Sessions that got this worker's route, since their own worker had gone (JvmRouteBinderValve: numberOfSessions). */
  readonly takenOver: Counter;
  readonly unreplicableAttributes: Counter;
  readonly stateTransferSeconds: Histogram;
  /** Members that were asked for state and gave none. */
  readonly noStateTransferred: Counter;
  /** By event: plain numbers, since each message counts and a labelled counter costs as much as encoding it. */
  readonly #sent = new Map<number, number>();
  readonly #received = new Map<number, number>();
  readonly #sources = new Set<ReplicationStatistics>();
  #sessionsBehind: () => number = () => 0;

  constructor(registry: Registry) {
    const registers = [registry];
    const prefix = "tomcatcluster_replication";
    const reason: "reason"[] = ["reason"];
    messageCounter(registry, `${prefix}_messages_sent_total`, "Messages sent, counted once for all members", this.#sent);
    messageCounter(registry, `${prefix}_messages_received_total`, "Messages received", this.#received);
    this.sendSeconds = new Histogram({
      name: `${prefix}_send_seconds`,
      help: "Time until every member has acknowledged a synchronous message, or has failed",
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3],
      registers,
    });
    this.failures = new Counter({
      name: `${prefix}_send_failures_total`,
      help: "Members that did not take a message",
      labelNames: reason,
      registers,
    });
    this.notKept = new Counter({
      name: `${prefix}_requests_not_kept_total`,
      help: "Requests whose changes no other member had: answered (sent) or answered with 503 (refused)",
      labelNames: ["answer"],
      registers,
    });
    this.refused = new Counter({
      name: `${prefix}_messages_refused_total`,
      help: "Received messages that were refused",
      labelNames: reason,
      registers,
    });
    this.conflicts = new Counter({ name: `${prefix}_conflicts_total`, help: "Sessions changed on two members at once", registers });
    this.caughtUp = new Counter({
      name: `${prefix}_sessions_caught_up_total`,
      help: "Sessions sent whole to a member that had missed changes",
      registers,
    });
    this.takenOver = new Counter({
      name: `${prefix}_sessions_taken_over_total`,
      help: "Sessions that came from another worker",
      registers,
    });
    this.unreplicableAttributes = new Counter({
      name: `${prefix}_unreplicable_attributes_total`,
      help: "Attributes changed in place into something that cannot travel",
      registers,
    });
    this.stateTransferSeconds = new Histogram({
      name: `${prefix}_state_transfer_seconds`,
      help: "Time from the start of a manager until it has the group's sessions",
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers,
    });
    this.noStateTransferred = new Counter({
      name: `${prefix}_no_state_transferred_total`,
      help: "Members that were asked for state and gave none",
      registers,
    });
    this.#gauges(registry, prefix);
  }

  sent(event: number): void {
    this.#sent.set(event, (this.#sent.get(event) ?? 0) + 1);
  }

  received(event: number): void {
    // Numbers that nobody knows come from outside: they share one entry.
    const known = EVENT_NAMES.has(event) ? event : UNKNOWN_EVENT;
    this.#received.set(known, (this.#received.get(known) ?? 0) + 1);
  }

  add(source: ReplicationStatistics): void {
    this.#sources.add(source);
  }

  remove(source: ReplicationStatistics): void {
    this.#sources.delete(source);
  }

  /** Where the number of sessions that members have yet to catch up with comes from. */
  watchSessionsBehind(read: () => number): void {
    this.#sessionsBehind = read;
  }

  #gauges(registry: Registry, prefix: string): void {
    const bySource = (name: string, label: "name" | "context", help: string, read: (source: ReplicationStatistics) => number) => {
      const sources = this.#sources;
      new Gauge({
        name,
        help,
        labelNames: [label],
        registers: [registry],
        collect() {
          this.reset();
          for (const source of sources) this.set({ [label]: source.name }, read(source));
        },
      });
    };
    const atRisk = "Sessions whose newest version no other member has";
    bySource("tomcatcluster_sessions_at_risk", "context", atRisk, (source) => source.sessionsAtRisk);
    const queued = "Messages that wait for the end of a state transfer";
    bySource(`${prefix}_received_queue_size`, "name", queued, (source) => source.receivedQueueSize);
    const transferred = "1 when the manager has the group's sessions";
    bySource(`${prefix}_state_transferred`, "name", transferred, (source) => (source.stateTransferred ? 1 : 0));
    const behind = () => this.#sessionsBehind();
    new Gauge({
      name: `${prefix}_sessions_behind`,
      help: "Sessions that a member has yet to catch up with, summed over members",
      registers: [registry],
      collect() {
        this.set(behind());
      },
    });
  }
}

function messageCounter(registry: Registry, name: string, help: string, counts: ReadonlyMap<number, number>): void {
  new Counter({
    name,
    help,
    labelNames: ["type"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [event, type] of EVENT_NAMES) this.inc({ type }, counts.get(event) ?? 0);
      const unknown = counts.get(UNKNOWN_EVENT) ?? 0;
      if (unknown > 0) this.inc({ type: eventName(UNKNOWN_EVENT) }, unknown);
    },
  });
}
