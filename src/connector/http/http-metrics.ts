// tomcat_global_* and tomcat_connections_*: what a connector counts, under the names that Micrometer gives Tomcat's (spec E).
import { Counter, Gauge, type Registry } from "../../base/index.ts";

/** Read when metrics are scraped, so that counting costs an addition. */
export interface ConnectorStatistics {
  /** "http-nio-8080", as Tomcat names its connectors. */
  readonly name: string;
  readonly requests: number;
  readonly requestSeconds: number;
  readonly maxRequestSeconds: number;
  /** Answers with a status of 400 and more, and requests that could not be read. */
  readonly errors: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly connections: number;
  readonly keepAliveConnections: number;
  readonly maxConnections: number;
  /** Connections refused at maxConnections. */
  readonly refusedConnections: number;
}

const perRegistry = new WeakMap<Registry, HttpMetrics>();

export class HttpMetrics {
  readonly #sources = new Set<ConnectorStatistics>();
  readonly #registry: Registry;

  /** The one of this registry. */
  static of(registry: Registry): HttpMetrics {
    let metrics = perRegistry.get(registry);
    if (!metrics) {
      metrics = new HttpMetrics(registry);
      perRegistry.set(registry, metrics);
    }
    return metrics;
  }

  private constructor(registry: Registry) {
    this.#registry = registry;
    this.#counter("tomcat_global_request_seconds_count", "Requests", (source) => source.requests);
    this.#counter("tomcat_global_request_seconds_sum", "Time from head to last byte", (source) => source.requestSeconds);
    this.#gauge("tomcat_global_request_max_seconds", "Longest request", (source) => source.maxRequestSeconds);
    this.#counter("tomcat_global_error_total", "Answers with a status of 400 and more", (source) => source.errors);
    this.#counter("tomcat_global_sent_bytes_total", "Bytes sent", (source) => source.sentBytes);
    this.#counter("tomcat_global_received_bytes_total", "Bytes received", (source) => source.receivedBytes);
    this.#gauge("tomcat_connections_current_connections", "Connections now", (source) => source.connections);
    this.#gauge("tomcat_connections_keepalive_current_connections", "Idle connections now", (source) => source.keepAliveConnections);
    this.#gauge("tomcat_connections_config_max_connections", "maxConnections; -1: no limit", (source) => source.maxConnections);
    this.#counter("tomcat_connections_refused_connections_total", "Refused at maxConnections", (source) => source.refusedConnections);
  }

  add(source: ConnectorStatistics): void {
    this.#sources.add(source);
  }

  remove(source: ConnectorStatistics): void {
    this.#sources.delete(source);
  }

  #gauge(name: string, help: string, read: (source: ConnectorStatistics) => number): void {
    const sources = this.#sources;
    new Gauge({
      name,
      help,
      labelNames: ["name"],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const source of sources) this.set({ name: source.name }, read(source));
      },
    });
  }

  #counter(name: string, help: string, read: (source: ConnectorStatistics) => number): void {
    const sources = this.#sources;
    new Counter({
      name,
      help,
      labelNames: ["name"],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const source of sources) this.inc({ name: source.name }, read(source));
      },
    });
  }
}
