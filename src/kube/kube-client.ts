// What one can ask of the API server: read, list, watch, apply, create, delete, evict. Objects are plain JSON, as they travel.
import type { Readable } from "node:stream";
import { asError, type Clock, type Lifecycle, type Random, type Registry, TomcatClusterError } from "../base/index.ts";
import { ClientMetrics } from "./client-metrics.ts";
import { ConnectionPool } from "./connection-pool.ts";
import type { Credentials } from "./credentials.ts";
import { ApiError, ConnectionError, EvictionBlockedError, InvalidAnswerError, isApiError } from "./errors.ts";
import type { KubeObject, ObjectRef } from "./kube-object.ts";
import { apiVersionOf, collectionPath, objectPath, RESOURCES, type Resource } from "./resource.ts";
import { type ApiRequest, RestClient, type RestClientOptions } from "./rest-client.ts";
import { readWatchEvents, type WatchEvent, withoutSilence } from "./watch-events.ts";

/** Which objects of a kind. */
export interface Selection {
  /** Absent: of all namespaces. */
  readonly namespace?: string | undefined;
  /** "app=shop,tier!=cache" */
  readonly labelSelector?: string | undefined;
  /** "metadata.name=shop" */
  readonly fieldSelector?: string | undefined;
  /** Nothing but their metadata is sent. Default false. */
  readonly metadataOnly?: boolean | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Of the whole list: where a watch goes on. */
  readonly resourceVersion: string;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** For one attempt. Default: the client's. */
  readonly timeoutMs?: number;
  /** Attempts after the first, after a failure that allows it. Default 4. */
  readonly retries?: number;
  /** Goes before all that the rate limit holds back: for what has a deadline. Default false. */
  readonly isUrgent?: boolean;
}

export interface ApplyOptions extends CallOptions {
  /** Owns the fields of this object from now on; what it owned and is not in the object any more goes. */
  readonly fieldManager: string;
  /** Takes over fields that others own. Default true: a controller's word is the last. */
  readonly force?: boolean;
}

export interface DeleteOptions extends CallOptions {
  /** Only the object with this uid goes: not one that was made again under its name. */
  readonly uid?: string | undefined;
  /** Only the object as it was seen goes. */
  readonly resourceVersion?: string | undefined;
  /** Default "Background": what it owns follows. */
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan";
  /** Default: the object's. */
  readonly gracePeriodSeconds?: number;
}

export interface WatchOptions extends Selection {
  /** Of a list, an event or a bookmark. */
  readonly resourceVersion: string;
  /** The API server ends the watch after this time. */
  readonly timeoutSeconds: number;
  /** Without a byte for this time the watch is given up. */
  readonly silenceMs: number;
  readonly signal: AbortSignal;
}

export type KubeClientOptions = RestClientOptions;

/** Objects, of some kilobytes: what a page takes while it is read, as bytes, text and objects with all their fields, stays taken. */
const PAGE_LIMIT = 100;

export class KubeClient implements Lifecycle {
  readonly #clock: Clock;
  readonly #pool: ConnectionPool;
  readonly #rest: RestClient;

  constructor(
    deps: { readonly clock: Clock; readonly random: Random; readonly registry: Registry; readonly credentials: Credentials },
    options: KubeClientOptions,
  ) {
    this.#clock = deps.clock;
    this.#pool = new ConnectionPool(deps.credentials);
    const { clock, random } = deps;
    this.#rest = new RestClient({ clock, random, metrics: new ClientMetrics(deps.registry), pool: this.#pool }, options);
  }

  /** Rejects with ApiError "NotFound" and the failures of RestClient, as every call does. */
  get<T extends KubeObject>(of: Resource, ref: ObjectRef, options: CallOptions = {}): Promise<T> {
    return this.#rest.send<T>({ ...options, method: "GET", path: objectPath(of, ref) });
  }

  /** The object, or undefined when there is none. A kind that the API server does not know is ApiError 404 without a reason. */
  async find<T extends KubeObject>(of: Resource, ref: ObjectRef, options: CallOptions = {}): Promise<T | undefined> {
    try {
      return await this.get<T>(of, ref, options);
    } catch (error) {
      if (isApiError(error, "NotFound")) return undefined;
      throw error;
    }
  }

  /**
   * All objects of one moment, 100 at a time. A list that takes so long that the API server has forgotten its moment ends with ApiError
   * "Expired": start again.
   */
  async *pages<T extends KubeObject>(of: Resource, selection: Selection, options: CallOptions = {}): AsyncGenerator<Page<T>, void> {
    const { namespace, labelSelector, fieldSelector, metadataOnly } = selection;
    const form = metadataOnly ? { accept: metadataForm("PartialObjectMetadataList") } : {};
    let token: string | undefined;
    do {
      const query = { limit: PAGE_LIMIT, labelSelector, fieldSelector, continue: token };
      const path = collectionPath(of, namespace);
      const list = await this.#rest.send<{
        items?: (Omit<T, "apiVersion" | "kind"> & Partial<T>)[] | null;
        metadata?: { resourceVersion?: string; continue?: string };
      }>({ ...options, ...form, method: "GET", path, query });
      if (list.metadata?.resourceVersion === undefined)
        throw new InvalidAnswerError(`GET ${path} was answered by something that is no list`);
      // Objects in a list do not say what they are.
      const items = (list.items ?? []).map((item) => ({ ...item, apiVersion: apiVersionOf(of), kind: of.kind }) as unknown as T);
      yield { items, resourceVersion: list.metadata.resourceVersion };
      token = list.metadata.continue || undefined;
    } while (token !== undefined);
  }

  /** All at once. For what is asked once; whoever asks again wants an Informer. */
  async list<T extends KubeObject>(of: Resource, selection: Selection, options: CallOptions = {}): Promise<T[]> {
    const items: T[] = [];
    for await (const page of this.pages<T>(of, selection, options)) items.push(...page.items);
    return items;
  }

  /** POST: never changes what is there. Rejects with ApiError "AlreadyExists". */
  create<T extends KubeObject>(of: Resource, object: KubeObject, options: CallOptions = {}): Promise<T> {
    return this.#rest.send<T>({ ...options, method: "POST", path: collectionPath(of, object.metadata.namespace), body: object });
  }

  /** PUT: the whole object, as it was read and changed. Rejects with ApiError "Conflict" when it has another resourceVersion by now. */
  replace<T extends KubeObject>(of: Resource, object: KubeObject, options: CallOptions = {}): Promise<T> {
    return this.#rest.send<T>({ ...options, method: "PUT", path: objectPath(of, object.metadata), body: object });
  }

  /** Merges these fields into the object (RFC 7386); null removes one. */
  merge<T extends KubeObject>(of: Resource, ref: ObjectRef, patch: object, options: CallOptions = {}): Promise<T> {
    const contentType = "application/merge-patch+json";
    return this.#rest.send<T>({ ...options, method: "PATCH", path: objectPath(of, ref), contentType, body: patch });
  }

  /** Server-side apply: makes the object if need be, and sets exactly the fields that are in it. */
  apply<T extends KubeObject>(of: Resource, object: KubeObject, options: ApplyOptions): Promise<T> {
    return this.#rest.send<T>(applyRequest(objectPath(of, object.metadata), object, options));
  }

  /** Server-side apply of the status alone. Rejects with ApiError "NotFound" when there is no object. */
  applyStatus<T extends KubeObject>(of: Resource, object: KubeObject, options: ApplyOptions): Promise<T> {
    return this.#rest.send<T>(applyRequest(objectPath(of, object.metadata, "status"), object, options));
  }

  /** False when there was none. Rejects with ApiError "Conflict" when a precondition does not hold. */
  async delete(of: Resource, ref: ObjectRef, options: DeleteOptions = {}): Promise<boolean> {
    const { uid, resourceVersion, propagationPolicy = "Background", gracePeriodSeconds, ...call } = options;
    const body = {
      kind: "DeleteOptions",
      apiVersion: "v1",
      preconditions: { uid, resourceVersion },
      propagationPolicy,
      gracePeriodSeconds,
    };
    try {
      await this.#rest.send({ ...call, method: "DELETE", path: objectPath(of, ref), body });
      return true;
    } catch (error) {
      if (isApiError(error, "NotFound")) return false;
      throw error;
    }
  }

  /**
   * Asks for the end of a pod; its PodDisruptionBudgets have a say. False when there is no such pod. Rejects with EvictionBlockedError when
   * it may not go now: not tried again here, since that may last.
   */
  async evict(pod: ObjectRef, options: Pick<DeleteOptions, "uid" | "gracePeriodSeconds" | "signal" | "timeoutMs"> = {}): Promise<boolean> {
    const { uid, gracePeriodSeconds, ...call } = options;
    const deleteOptions = { preconditions: { uid }, gracePeriodSeconds };
    const body = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: pod.name, namespace: pod.namespace }, deleteOptions };
    const path = objectPath(RESOURCES.Pod, pod, "eviction");
    try {
      await this.#rest.send({ ...call, method: "POST", path, body, retries: 0 });
      return true;
    } catch (error) {
      if (isApiError(error, "NotFound")) return false;
      if (error instanceof ApiError && error.statusCode === 429) throw new EvictionBlockedError(pod, error);
      throw error;
    }
  }

  /**
   * Changes after a version, until the API server ends the watch; resolves when it has begun. Rejects with ApiError "Expired" when the API
   * server has forgotten that version. Reading throws SilentWatchError, ConnectionError, InvalidAnswerError, LineTooLongError or the
   * signal's reason.
   */
  async watch<T extends KubeObject>(of: Resource, options: WatchOptions): Promise<AsyncGenerator<WatchEvent<T>, void>> {
    const { namespace, labelSelector, fieldSelector, metadataOnly, resourceVersion, timeoutSeconds, signal } = options;
    const form = metadataOnly ? { accept: metadataForm("PartialObjectMetadata") } : {};
    const path = collectionPath(of, namespace);
    const query = { watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds, labelSelector, fieldSelector };
    return this.#events<T>(await this.#rest.open({ ...form, method: "GET", path, query, signal }), path, options);
  }

  async *#events<T extends KubeObject>(body: Readable, path: string, options: WatchOptions): AsyncGenerator<WatchEvent<T>, void> {
    const { signal, silenceMs } = options;
    const onAbort = () => void body.destroy(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    // Whoever reads is told by the reading; the event would come once more behind it, to nobody.
    body.on("error", () => undefined);
    try {
      signal.throwIfAborted();
      yield* readWatchEvents<T>(withoutSilence(body, this.#clock, { path, silenceMs }));
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof TomcatClusterError) throw error;
      throw new ConnectionError(`The watch of "${path}"`, asError(error));
    } finally {
      signal.removeEventListener("abort", onAbort);
      body.destroy();
    }
  }

  /** The kinds of a group in one version; none where the API server has no such group. */
  async kinds({ group, version }: Pick<Resource, "group" | "version">, options: CallOptions = {}): Promise<ReadonlySet<string>> {
    const path = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
    try {
      const list = await this.#rest.send<{ resources?: readonly { readonly kind: string }[] }>({ ...options, method: "GET", path });
      return new Set((list.resources ?? []).map(({ kind }) => kind));
    } catch (error) {
      if (error instanceof ApiError && error.statusCode === 404) return new Set();
      throw error;
    }
  }

  /** Connections are made when they are needed. */
  start(): Promise<void> {
    return Promise.resolve();
  }

  /** Cuts off what still runs. */
  async stop(): Promise<void> {
    await this.#pool.close();
  }
}

/** Kubernetes API concepts, "Metadata-only fetches". */
function metadataForm(kind: string): string {
  return `application/json;as=${kind};g=meta.k8s.io;v=v1`;
}

function applyRequest(path: string, object: KubeObject, { fieldManager, force = true, ...call }: ApplyOptions): ApiRequest {
  const query = { fieldManager, force };
  return { ...call, method: "PATCH", path, query, contentType: "application/apply-patch+yaml", body: object };
}
