// rest_client_*: the names that client-go gives its metrics, so that dashboards fit (spec E).
import { Counter, Histogram, type Registry } from "../base/index.ts";

const SECONDS_BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];
const BYTES_BUCKETS = [64, 256, 512, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216];

/** One set a process: the names may stand in a registry once. */
export class ClientMetrics {
  readonly #requests: Counter<"code" | "method" | "host">;
  readonly #retries: Counter<"code" | "verb" | "host">;
  readonly #seconds: Histogram<"verb" | "host">;
  readonly #limiterSeconds: Histogram<"verb" | "host">;
  readonly #requestBytes: Histogram<"verb" | "host">;
  readonly #responseBytes: Histogram<"verb" | "host">;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#requests = new Counter({
      name: "rest_client_requests_total",
      help: "Number of HTTP requests, partitioned by status code, method, and host.",
      labelNames: ["code", "method", "host"],
      registers,
    });
    this.#retries = new Counter({
      name: "rest_client_request_retries_total",
      help: "Number of request retries, partitioned by status code, verb, and host.",
      labelNames: ["code", "verb", "host"],
      registers,
    });
    const histogram = (name: string, help: string, buckets: number[]) =>
      new Histogram({ name: `rest_client_${name}`, help, labelNames: ["verb", "host"], buckets, registers });
    this.#seconds = histogram("request_duration_seconds", "Request latency in seconds, up to the head of the answer.", SECONDS_BUCKETS);
    this.#limiterSeconds = histogram("rate_limiter_duration_seconds", "Client side rate limiter latency in seconds.", SECONDS_BUCKETS);
    this.#requestBytes = histogram("request_size_bytes", "Request size in bytes.", BYTES_BUCKETS);
    this.#responseBytes = histogram("response_size_bytes", "Response size in bytes.", BYTES_BUCKETS);
  }

  /** `code`: the HTTP status, or "<error>" when there was no answer, as client-go writes it. */
  answered(method: string, host: string, code: number | "<error>", seconds: number): void {
    this.#requests.inc({ code, method, host });
    this.#seconds.observe({ verb: method, host }, seconds);
  }

  transferred(method: string, host: string, requestBytes: number, responseBytes: number): void {
    this.#requestBytes.observe({ verb: method, host }, requestBytes);
    this.#responseBytes.observe({ verb: method, host }, responseBytes);
  }

  retried(method: string, host: string, code: number | "<error>"): void {
    this.#retries.inc({ code, verb: method, host });
  }

  limited(method: string, host: string, seconds: number): void {
    this.#limiterSeconds.observe({ verb: method, host }, seconds);
  }
}
