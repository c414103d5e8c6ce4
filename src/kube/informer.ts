// A cache of all objects of one kind, kept equal to the API server's, that tells what changes.
import { asError, type Clock, delay, type Lifecycle, type Logger, type Random, type Timer } from "../base/index.ts";
import { SyncTimeoutError } from "./errors.ts";
import type { InformerMetrics } from "./informer-metrics.ts";
import type { Selection } from "./kube-client.ts";
import { type KubeObject, keyOf } from "./kube-object.ts";
import { type Indexer, ObjectStore, type ObjectView } from "./object-store.ts";
import { type ObjectSource, Reflector, type ReflectorListener } from "./reflector.ts";
import type { Resource } from "./resource.ts";

/** Called synchronously, after the cache has changed. What a handler throws is logged and counted, and nothing else. */
export interface InformerHandler<T extends KubeObject> {
  added?(object: T): void;
  /** `before` is the same object at a resync. */
  updated?(object: T, before: T): void;
  /** As it was last seen. */
  deleted?(object: T): void;
}

export interface InformerOptions<T extends KubeObject> {
  readonly resource: Resource;
  /** Default: all objects of all namespaces. */
  readonly selection?: Selection;
  /** By name; see `objects.byIndex`. */
  readonly indexers?: Readonly<Record<string, Indexer<T>>>;
  /** Drops what nobody needs of an object before it is kept; gets it without managedFields and kubectl's copy. Must keep `metadata`. */
  readonly transform?: (object: T) => T;
  /** Every object is told again after this time, as a net below everything else. Default 10 h. */
  readonly resyncMs?: number;
  /** `start` gives up after this time. Default 2 min. */
  readonly syncTimeoutMs?: number;
  /**
   * A watch without a byte for this time is opened anew; after two in a row everything is listed again. Default 130 s: an API server sends a
   * bookmark a minute, as a rule.
   */
  readonly silenceMs?: number;
}

const RESYNC_MS = 36_000_000;
const SYNC_TIMEOUT_MS = 120_000;
const SILENCE_MS = 130_000;
/** Handlers of a long list run so many at a time, so that the process answers its probes meanwhile. */
const TURN = 500;
/** Where `kubectl apply` keeps a copy of what it was given. */
const KUBECTL_COPY = "kubectl.kubernetes.io/last-applied-configuration";

export class Informer<T extends KubeObject> implements Lifecycle {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #metrics: InformerMetrics;
  readonly #options: InformerOptions<T>;
  readonly #name: string;
  readonly #store: ObjectStore<T>;
  readonly #reflector: Reflector<T>;
  readonly #handlers: InformerHandler<T>[] = [];
  readonly #stopped = new AbortController();
  readonly #synced = Promise.withResolvers<void>();
  #hasSynced = false;
  #running: Promise<void> | undefined;
  #resyncTimer: Timer | undefined;

  constructor(
    deps: {
      readonly clock: Clock;
      readonly random: Random;
      readonly logger: Logger;
      readonly metrics: InformerMetrics;
      readonly client: ObjectSource;
    },
    options: InformerOptions<T>,
  ) {
    const { resource, selection = {}, silenceMs = SILENCE_MS, transform = (object: T) => object } = options;
    this.#clock = deps.clock;
    this.#metrics = deps.metrics;
    this.#options = options;
    this.#name = resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`;
    this.#logger = deps.logger.child({ component: "Informer", resource: this.#name, namespace: selection.namespace });
    this.#store = new ObjectStore(options.indexers);
    this.#reflector = new Reflector(
      { ...deps, logger: this.#logger },
      { resource, selection, silenceMs, transform: (object) => transform(withoutBallast(object)) },
      this.#listener(),
    );
  }

  get objects(): ObjectView<T> {
    return this.#store;
  }

  /** Whether the first list is in the cache and was told. Stays true. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** Why the cache may be behind, or undefined while the watch is open. */
  get failure(): Error | undefined {
    return this.#reflector.failure;
  }

  /** Before `start`: a handler hears of every object. */
  addHandler(handler: InformerHandler<T>): void {
    this.#handlers.push(handler);
  }

  /** Resolves when the first list was told. Rejects with SyncTimeoutError, or when it is stopped meanwhile. */
  async start(): Promise<void> {
    const timeoutMs = this.#options.syncTimeoutMs ?? SYNC_TIMEOUT_MS;
    const { signal } = this.#stopped;
    signal.throwIfAborted();
    const late = Promise.withResolvers<never>();
    const timer = this.#clock.setTimeout(
      () => late.reject(new SyncTimeoutError(this.#options.resource.plural, timeoutMs, this.#reflector.failure)),
      timeoutMs,
    );
    signal.addEventListener("abort", () => late.reject(signal.reason), { once: true });
    this.#running = this.#reflector.run(signal);
    try {
      await Promise.race([this.#synced.promise, late.promise]);
    } catch (error) {
      await this.stop();
      throw error;
    } finally {
      timer.cancel();
    }
    this.#resyncTimer = this.#clock.setInterval(() => void this.#resync(), this.#options.resyncMs ?? RESYNC_MS);
  }

  async stop(): Promise<void> {
    const isFirst = !this.#stopped.signal.aborted;
    this.#stopped.abort();
    this.#resyncTimer?.cancel();
    await this.#running;
    if (isFirst) this.#metrics.objects.dec({ resource: this.#name }, this.#store.size);
  }

  #listener(): ReflectorListener<T> {
    const resource = this.#name;
    return {
      listed: (objects) => this.#replaceAll(objects),
      changed: (object) => this.#put(object),
      removed: (object) => this.#remove(object),
      watchOpened: () => this.#metrics.watchRestarts.inc({ resource }),
      heard: () => this.#metrics.lastEventSeconds.set({ resource }, this.#clock.now() / 1000),
    };
  }

  /** Tells the difference between the cache and a list: what happened while nobody watched. */
  async #replaceAll(objects: readonly T[]): Promise<void> {
    this.#metrics.relists.inc({ resource: this.#name });
    const keys = new Set(objects.map((object) => keyOf(object.metadata)));
    const gone = [...this.#store.values()].filter((object) => !keys.has(keyOf(object.metadata)));
    await this.#inTurns(gone, (object) => this.#remove(object));
    await this.#inTurns(objects, (object) => this.#put(object));
    this.#hasSynced = true;
    this.#synced.resolve();
  }

  async #resync(): Promise<void> {
    await this.#inTurns([...this.#store.values()], (object) => {
      if (this.#store.get(object.metadata) === object) this.#tell("updated", (handler) => handler.updated?.(object, object));
    });
  }

  async #inTurns(objects: readonly T[], task: (object: T) => void): Promise<void> {
    for (const [index, object] of objects.entries()) {
      if (index % TURN === TURN - 1) await delay(this.#clock, 0);
      task(object);
    }
  }

  #put(object: T): void {
    const before = this.#store.get(object.metadata);
    if (before?.metadata.resourceVersion !== undefined && before.metadata.resourceVersion === object.metadata.resourceVersion) return;
    // Deleted and made again under its name: two objects, whatever was seen of it.
    if (before && before.metadata.uid !== object.metadata.uid) {
      this.#remove(before);
      this.#put(object);
      return;
    }
    this.#store.put(object);
    if (before) {
      this.#tell("updated", (handler) => handler.updated?.(object, before));
      return;
    }
    this.#metrics.objects.inc({ resource: this.#name });
    this.#tell("added", (handler) => handler.added?.(object));
  }

  #remove(object: T): void {
    if (!this.#store.get(object.metadata)) return;
    this.#store.remove(object.metadata);
    this.#metrics.objects.dec({ resource: this.#name });
    this.#tell("deleted", (handler) => handler.deleted?.(object));
  }

  #tell(event: "added" | "updated" | "deleted", call: (handler: InformerHandler<T>) => unknown): void {
    for (const handler of this.#handlers) {
      try {
        const result = call(handler);
        // A handler that is async against its type must not end the process either.
        if (result instanceof Promise) result.catch((error: unknown) => this.#handlerFailed(event, error));
      } catch (error) {
        this.#handlerFailed(event, error);
      }
    }
  }

  #handlerFailed(event: string, error: unknown): void {
    this.#metrics.handlerErrors.inc({ resource: this.#name });
    this.#logger.error({ err: asError(error), event }, "Handler failed");
  }
}

/** Who set which field, and kubectl's copy of the manifest: a quarter of an object and more, and nobody reads it here. */
function withoutBallast<T extends KubeObject>(object: T): T {
  const { managedFields: _managedFields, annotations, ...metadata } = object.metadata;
  if (annotations === undefined) return { ...object, metadata };
  const { [KUBECTL_COPY]: _copy, ...others } = annotations;
  return { ...object, metadata: { ...metadata, annotations: others } };
}
