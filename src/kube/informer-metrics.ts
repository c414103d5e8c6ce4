// informer_*: what the caches hold and how often they lost contact (spec E).
import { Counter, Gauge, type Registry } from "../base/index.ts";

/** One set a process: the names may stand in a registry once. Informers are told apart by `resource`, "statefulsets.apps". */
export class InformerMetrics {
  readonly objects: Gauge<"resource">;
  readonly relists: Counter<"resource">;
  readonly watchRestarts: Counter<"resource">;
  readonly lastEventSeconds: Gauge<"resource">;
  readonly handlerErrors: Counter<"resource">;

  constructor(registry: Registry) {
    const settings = (name: string, help: string) => ({
      name: `informer_${name}`,
      help,
      labelNames: ["resource"] as const,
      registers: [registry],
    });
    this.objects = new Gauge(settings("objects", "Objects in the cache."));
    this.relists = new Counter(settings("relists_total", "Lists that were read, the first included."));
    this.watchRestarts = new Counter(settings("watch_restarts_total", "Watches that were opened, the first included."));
    this.lastEventSeconds = new Gauge(settings("last_event_timestamp_seconds", "When the last event or bookmark came, in Unix time."));
    this.handlerErrors = new Counter(settings("handler_errors_total", "Errors that handlers of events threw."));
  }
}
