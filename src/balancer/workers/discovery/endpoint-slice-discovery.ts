// Workers from the EndpointSlices of a Service: a pod's name is its worker's name and route.
import type { Logger } from "../../../base/index.ts";
import type { KubeObject, Selection, WatchListener } from "../../../kube-watch/index.ts";
import type { Discovery, WorkerDescription } from "./discovery.ts";
import { type EndpointChoice, type EndpointSlice, findWorkers } from "./endpoint-slices.ts";

export interface EndpointSliceDiscoveryOptions extends EndpointChoice {
  /** Name of the Service. */
  readonly service: string;
  /** Undefined: that of this pod. */
  readonly namespace: string | undefined;
}

/** What it needs of an ApiServer. */
export interface SliceSource {
  namespace(): Promise<string>;
  watchList<T extends KubeObject>(selection: Selection, listener: WatchListener<T>): { stop(): Promise<void> };
}

const SERVICE_NAME_LABEL = "kubernetes.io/service-name";

/** An API server that cannot tell is no news (rule 2): the last known workers stay, and their health checks decide. */
export class EndpointSliceDiscovery implements Discovery {
  onWorkers: (workers: readonly WorkerDescription[]) => void = () => undefined;
  readonly #logger: Logger;
  readonly #source: SliceSource;
  readonly #options: EndpointSliceDiscoveryOptions;
  #watch: { stop(): Promise<void> } | undefined;
  #isUp = false;

  constructor(deps: { readonly logger: Logger; readonly source: SliceSource }, options: EndpointSliceDiscoveryOptions) {
    this.#logger = deps.logger;
    this.#source = deps.source;
    this.#options = options;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Rejects with ServiceAccountError when it has to know its own namespace and cannot. */
  async start(): Promise<void> {
    const { service } = this.#options;
    const namespace = this.#options.namespace ?? (await this.#source.namespace());
    const path = `/apis/discovery.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/endpointslices`;
    await new Promise<void>((looked) => {
      this.#watch = this.#source.watchList<EndpointSlice>(
        { path, labelSelector: `${SERVICE_NAME_LABEL}=${service}` },
        {
          listed: (slices) => {
            this.#isUp = true;
            this.#listed(slices);
            looked();
          },
          lost: (error) => {
            this.#isUp = false;
            const reason = error.message;
            this.#logger.warn({ service, reason }, "The API server cannot tell about the workers; those that are known stay");
            looked();
          },
          regained: () => {
            this.#isUp = true;
            this.#logger.info({ service }, "The API server tells about the workers again");
          },
        },
      );
    });
  }

  async stop(): Promise<void> {
    await this.#watch?.stop();
  }

  #listed(slices: readonly EndpointSlice[]): void {
    const { workers, unusableNames } = findWorkers(slices, this.#options);
    for (const pod of unusableNames) this.#logger.warn({ pod }, "Pod ignored: its name is no route");
    this.onWorkers(workers);
  }
}
