// tomcat_sessions_*: the numbers of every manager of a process under the names that Micrometer gives Tomcat's (spec E).
import { Counter, Gauge, type Registry } from "../../base/index.ts";

/** What a manager counts; read when metrics are scraped, so that counting costs an addition. */
export interface SessionStatistics {
  readonly name: string;
  readonly activeSessions: number;
  readonly maxActiveSeen: number;
  readonly createdSessions: number;
  readonly expiredSessions: number;
  readonly rejectedSessions: number;
  readonly maxAliveSeconds: number;
}

const perRegistry = new WeakMap<Registry, SessionMetrics>();

export class SessionMetrics {
  readonly #sources = new Set<SessionStatistics>();

  /** The one of this registry. */
  static of(registry: Registry): SessionMetrics {
    let metrics = perRegistry.get(registry);
    if (!metrics) {
      metrics = new SessionMetrics(registry);
      perRegistry.set(registry, metrics);
    }
    return metrics;
  }

  private constructor(registry: Registry) {
    this.#gauge(registry, "tomcat_sessions_active_current_sessions", "Sessions now", (source) => source.activeSessions);
    this.#gauge(registry, "tomcat_sessions_active_max_sessions", "Most sessions at one time", (source) => source.maxActiveSeen);
    this.#gauge(registry, "tomcat_sessions_alive_max_seconds", "Longest life of an expired session", (source) => source.maxAliveSeconds);
    this.#counter(registry, "tomcat_sessions_created_sessions_total", "Sessions created", (source) => source.createdSessions);
    this.#counter(
      registry,
      "tomcat_sessions_expired_sessions_total",
      "Sessions expired or invalidated",
      (source) => source.expiredSessions,
    );
    this.#counter(registry, "tomcat_sessions_rejected_sessions_total", "Sessions refused at a limit", (source) => source.rejectedSessions);
  }

  add(source: SessionStatistics): void {
    this.#sources.add(source);
  }

  remove(source: SessionStatistics): void {
    this.#sources.delete(source);
  }

  #gauge(registry: Registry, name: string, help: string, read: (source: SessionStatistics) => number): void {
    const sources = this.#sources;
    new Gauge({
      name,
      help,
      labelNames: ["name"],
      registers: [registry],
      collect() {
        this.reset();
        for (const source of sources) this.set({ name: source.name }, read(source));
      },
    });
  }

  #counter(registry: Registry, name: string, help: string, read: (source: SessionStatistics) => number): void {
    const sources = this.#sources;
    new Counter({
      name,
      help,
      labelNames: ["name"],
      registers: [registry],
      collect() {
        this.reset();
        for (const source of sources) this.inc({ name: source.name }, read(source));
      },
    });
  }
}
