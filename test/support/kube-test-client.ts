// Clients of a real API server, for tests, each with a registry and a log of its own.
import { Registry, systemClock, systemRandom } from "../../src/base/index.ts";
import { type Credentials, Informer, InformerMetrics, type InformerOptions, KubeClient, type KubeObject } from "../../src/kube/index.ts";
import { parseExposition, sampleValue } from "./exposition.ts";
import { MemoryLog } from "./memory-log.ts";

export class KubeTestClient {
  readonly registry = new Registry();
  readonly log = new MemoryLog();
  readonly client: KubeClient;
  readonly #informerMetrics = new InformerMetrics(this.registry);

  constructor(credentials: Credentials, requestTimeoutMs = 5000) {
    const options = { userAgent: "test", requestTimeoutMs, rateLimit: { perSecond: 1000, burst: 1000 } };
    this.client = new KubeClient({ clock: systemClock, random: systemRandom, registry: this.registry, credentials }, options);
  }

  informer<T extends KubeObject>(options: InformerOptions<T>): Informer<T> {
    const { client, log } = this;
    return new Informer<T>(
      { clock: systemClock, random: systemRandom, logger: log.logger, metrics: this.#informerMetrics, client },
      options,
    );
  }

  async metric(name: string, labels: Record<string, string> = {}): Promise<number> {
    return sampleValue(parseExposition(await this.registry.metrics()), name, labels);
  }
}
