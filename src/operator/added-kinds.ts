// Kinds that come with other products: notices when the API server gets to know them, and when it knows them no more.
import { type Clock, delay, type Lifecycle, type Logger, TomcatClusterError } from "../base/index.ts";
import { ApiError, apiVersionOf, type KubeClient, type Resource } from "../kube/index.ts";
import { ADDED_KINDS } from "./apply/owned-kinds.ts";

export interface AddedKindsDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly client: Pick<KubeClient, "kinds" | "list">;
  /** Told one after the other. What rejects here comes again with the next look. */
  readonly appeared: (resource: Resource) => Promise<void>;
  readonly vanished: (resource: Resource) => Promise<void>;
}

export interface AddedKindsOptions {
  /** In which it is seen whether objects may be listed; undefined: in all. */
  readonly namespace: string | undefined;
  /** Between two looks. Default 30 000: to watch for definitions takes rights in the whole cluster, which an operator may not have. */
  readonly periodMs?: number | undefined;
}

const PERIOD_MS = 30_000;
/** While the API server is away at the start. */
const RETRY_MS = 2000;

export class AddedKinds implements Lifecycle {
  readonly #deps: AddedKindsDeps;
  readonly #options: AddedKindsOptions;
  readonly #known = new Set<Resource>();
  readonly #stopped = new AbortController();
  #running: Promise<void> | undefined;

  constructor(deps: AddedKindsDeps, options: AddedKindsOptions) {
    this.#deps = { ...deps, logger: deps.logger.child({ component: "AddedKinds" }) };
    this.#options = options;
  }

  /** Resolves after the first look. Waits for an API server that is away: a process that ends and is started again would wait longer and longer. */
  async start(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted && !(await this.#look(signal))) await this.#pause(RETRY_MS);
    if (!signal.aborted) this.#running = this.#lookOnAndOn(signal);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #lookOnAndOn(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#pause(this.#options.periodMs ?? PERIOD_MS);
      if (signal.aborted) return;
      await this.#look(signal);
    }
  }

  /** False: the API server did not tell, so that nothing is changed. */
  async #look(signal: AbortSignal): Promise<boolean> {
    try {
      for (const resource of Object.values(ADDED_KINDS)) await this.#lookFor(resource, signal);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      this.#deps.logger.warn({ err: error }, "The API server does not tell which kinds it knows");
      if (!(error instanceof TomcatClusterError && error.retryable) && this.#running === undefined) throw error;
      return false;
    }
  }

  async #lookFor(resource: Resource, signal: AbortSignal): Promise<void> {
    const { client, logger, appeared, vanished } = this.#deps;
    const isThere = (await client.kinds(resource, { signal })).has(resource.kind);
    const kind = `${apiVersionOf(resource)} ${resource.kind}`;
    if (!isThere && this.#known.delete(resource)) {
      logger.info({ kind }, "Kind is known no more");
      await vanished(resource);
    } else if (isThere && !this.#known.has(resource) && (await this.#mayList(resource, signal))) {
      await appeared(resource);
      this.#known.add(resource);
      logger.info({ kind }, "Kind is known");
    }
  }

  /** Not ours to make, where an operator may do less than everything. */
  async #mayList(resource: Resource, signal: AbortSignal): Promise<boolean> {
    const { namespace } = this.#options;
    try {
      // No object has this name: what is asked is whether one may ask.
      await this.#deps.client.list(resource, { namespace, fieldSelector: "metadata.name=-" }, { signal });
      return true;
    } catch (error) {
      // 404: the definition is there, and its path is not served yet.
      if (error instanceof ApiError && (error.statusCode === 403 || error.statusCode === 404)) return false;
      throw error;
    }
  }

  #pause(delayMs: number): Promise<void> {
    return delay(this.#deps.clock, delayMs, this.#stopped.signal).catch(() => undefined);
  }
}
